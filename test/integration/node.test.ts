// The node as the kubelet meets it: version, conditions, what is not there yet, metrics.
import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { missingFeatures } from '../../cri/server/cri-handlers.ts';
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
    const { status: conditions, runtimeHandlers } = await server.client.runtime.status({});
    expect(conditions?.conditions).toMatchObject([
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
    const { status: pod } = await server.client.runtime.podSandboxStatus({ podSandboxId });
    expect(pod?.network?.ip).toBe('');
    await expect(runPod(server, podConfig())).rejects.toThrow(
      `cannot run sandbox: NetworkPluginNotReady: no CNI configuration in "${server.confDir}"`,
    );
    const { items } = await server.client.runtime.listPodSandbox({});
    expect(items?.map((item) => item.id)).toEqual([podSandboxId]);
  });

  it.each(Object.entries(missingFeatures))('says that %s is missing: %s', async (name, feature) => {
    await expect(server.client.any(name)).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
      details: expect.stringContaining(`${feature} is not implemented yet`),
    });
  });

  it('tells the cgroup driver, and takes the pod CIDR of the kubelet', async () => {
    const { linux } = await server.client.runtime.runtimeConfig({});
    expect(linux?.cgroupDriver).toBe(runtime.v1.CgroupDriver.CGROUPFS);
    const networkConfig = { podCidr: '10.1.2.0/24' };
    await server.client.runtime.updateRuntimeConfig({ runtimeConfig: { networkConfig } });
    await server.client.runtime.updateRuntimeConfig({});
    expect(server.log).toContain('10.1.2.0/24');
  });

  it('tells in its verbose status how it is configured and what the host can', async () => {
    const { info } = await server.client.runtime.status({ verbose: true });
    const told = Object.entries(info ?? {}).map(([key, text]) => [key, JSON.parse(text)]);
    expect(Object.fromEntries(told)).toMatchObject({
      config: { runDir: server.runDir, stateDir: server.stateDir },
      cniconfig: { conflist: null },
      host: { kernel: { cgroupVersion: expect.stringMatching(/^v[12]$/u) } },
      launcher: { launcherPid: expect.any(Number) },
      counts: { sandboxes: expect.any(Number), images: 0 },
    });
    const terse = await server.client.runtime.status({});
    expect(terse.info).toEqual({});
  });

  it('is network-ready as soon as there is a configuration, and not when it is gone', async () => {
    const ready = async () =>
      (await server.client.runtime.status({})).status?.conditions?.[1]?.status;
    await server.writeConflist();
    await expect.poll(ready, { timeout: 5000 }).toBe(true);
    await rm(`${server.confDir}/10-test.conflist`);
    await expect.poll(ready, { timeout: 5000 }).toBe(false);
  });

  it('keeps its socket to root and its group, the run directory passable', async () => {
    const socket = await stat(server.socketPath);
    const directory = await stat(server.runDir);
    expect(socket.mode & 0o777).toBe(0o660);
    expect(directory.mode & 0o777).toBe(0o711);
  });

  it('counts its operations for Prometheus', async () => {
    const text = await server.metrics();
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
