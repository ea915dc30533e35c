// The node as the kubelet meets it: version, conditions, what is not there yet, metrics.
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostNetworkPodConfig, podConfig, runPod } from '../lib/pods.ts';
import { binaries, TestServer } from '../lib/test-server.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ network: false });
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

describe('a node without CNI configuration', () => {
  it('answers Version with all four fields', async () => {
    const version = await server.client.runtime.version({});
    expect(version).toMatchObject({
      version: '0.1.0',
      runtimeName: 'estiba',
      runtimeApiVersion: 'v1',
    });
    expect(version.runtimeVersion).not.toBe('');
  });

  it('is runtime-ready, not network-ready, and names the directories it read', async () => {
    const { status, runtimeHandlers } = await server.client.runtime.status({});
    expect(status?.conditions).toMatchObject([
      { type: 'RuntimeReady', status: true },
      {
        type: 'NetworkReady',
        status: false,
        reason: 'NetworkPluginNotReady',
        message: `no CNI configuration in "${server.confDir}"`,
      },
    ]);
    expect(runtimeHandlers?.map((handler) => handler.name)).toContain('');
  });

  it('runs a pod on the host network and refuses others, saying why', async () => {
    const podSandboxId = await runPod(server, hostNetworkPodConfig());
    const { status } = await server.client.runtime.podSandboxStatus({ podSandboxId });
    expect(status?.network?.ip).toBe('');
    await expect(runPod(server, podConfig())).rejects.toThrow(
      `cannot run sandbox: NetworkPluginNotReady: no CNI configuration in "${server.confDir}"`,
    );
    const { items } = await server.client.runtime.listPodSandbox({});
    expect(items?.map((item) => item.id)).toEqual([podSandboxId]);
  });

  it('names the feature of a call that is not there', async () => {
    await expect(server.client.runtime.exec({ containerId: 'x' })).rejects.toThrow(
      /UNIMPLEMENTED.*exec, attach, port-forward/u,
    );
  });

  it('keeps its socket to root and its group, the run directory passable', async () => {
    const socket = await stat(server.socketPath);
    const directory = await stat(server.runDir);
    expect(socket.mode & 0o777).toBe(0o660);
    expect(directory.mode & 0o777).toBe(0o711);
  });

  it('counts its operations for Prometheus', async () => {
    const address = /"metrics":"([^"]+)"/u.exec(server.log)?.[1];
    const text = await (await fetch(`http://${address}/metrics`)).text();
    expect(text).toContain('estiba_operation_duration_seconds_count{operation="Version"}');
    expect(text).toContain(
      'estiba_operation_errors_total{operation="RunPodSandbox",code="Unavailable"} 1',
    );
  });

  it('refuses a second server on the same run directory', async () => {
    const second = promisify(execFile)(binaries.estiba, ['serve', '--config', server.configPath]);
    await expect(second).rejects.toThrow(`another server, pid ${server.serverPid} where it runs`);
  });
});
