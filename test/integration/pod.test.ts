// The life of a pod sandbox on a real network: addresses, files, idempotence, clean ends.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { importBusybox } from '../lib/images.ts';
import { containerConfig, eventually, exec, podConfig, runContainer, runPod } from '../lib/pods.ts';
import { TestServer } from '../lib/test-server.ts';

const { PodSandboxState, NamespaceMode, Protocol } = runtime.v1;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ dualStack: true });
  await importBusybox(server);
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

describe('a pod sandbox', () => {
  it('is ready with an IPv4 and an IPv6 address, and gone after stop and remove', async () => {
    const config = podConfig();
    const podSandboxId = await runPod(server, config);
    const { status } = await server.client.runtime.podSandboxStatus({ podSandboxId });
    expect(status).toMatchObject({
      id: podSandboxId,
      state: PodSandboxState.SANDBOX_READY,
      metadata: config.metadata,
      labels: config.labels,
      annotations: config.annotations,
    });
    expect(status?.network?.ip).toMatch(/^10\./u);
    expect(status?.network?.additionalIps?.[0]?.ip).toMatch(/^fd00:/u);
    await expect(readdir('/run/netns')).resolves.toContain(`estiba-${podSandboxId}`);
    await server.client.runtime.stopPodSandbox({ podSandboxId });
    const stopped = await server.client.runtime.podSandboxStatus({ podSandboxId });
    expect(stopped.status?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
    await expect(readdir('/run/netns')).resolves.not.toContain(`estiba-${podSandboxId}`);
    await server.client.runtime.stopPodSandbox({ podSandboxId });
    await server.client.runtime.removePodSandbox({ podSandboxId });
    await server.client.runtime.removePodSandbox({ podSandboxId });
    const { items } = await server.client.runtime.listPodSandbox({ filter: { id: podSandboxId } });
    expect(items).toEqual([]);
  });

  it('gets the same answer for the same request, at once and later', async () => {
    const config = podConfig();
    const ids = await Promise.all([1, 2, 3].map(() => runPod(server, config)));
    expect(new Set([...ids, await runPod(server, config)]).size).toBe(1);
    const other = { ...config, hostname: 'other' };
    await expect(runPod(server, other)).rejects.toThrow(/ALREADY_EXISTS.*"hostname"/u);
  });

  it('shows its containers the names, hosts and resolver it was given', async () => {
    const config = podConfig({
      hostname: 'shown',
      dnsConfig: { servers: ['10.10.10.10'], searches: ['a.b'], options: ['ndots:8'] },
    });
    const podSandboxId = await runPod(server, config);
    const id = await runContainer(server, podSandboxId, config, containerConfig('sleep 1000'));
    const { stdout } = await exec(server, id, 'hostname; cat /etc/hostname /etc/resolv.conf');
    expect(stdout).toContain('shown\nshown\n');
    expect(stdout).toContain('nameserver 10.10.10.10\n');
    expect(stdout).toContain('search a.b\n');
    const hosts = await exec(server, id, 'cat /etc/hosts');
    expect(hosts.stdout).toMatch(/^10\.\d+\.\d+\.\d+\s+shown$/mu);
  });

  it('shares one network between its containers and serves a host port', async () => {
    const config = podConfig({
      portMappings: [{ protocol: Protocol.TCP, containerPort: 8080, hostPort: 18_080 }],
    });
    const podSandboxId = await runPod(server, config);
    const script = 'mkdir /www; echo served > /www/index.html; exec httpd -f -p 8080 -h /www';
    await runContainer(server, podSandboxId, config, containerConfig(script));
    const client = containerConfig('sleep 1000');
    const id = await runContainer(server, podSandboxId, config, client);
    await eventually(async () => {
      const page = await exec(server, id, 'wget -q -O - http://127.0.0.1:8080/');
      expect(page.stdout).toBe('served\n');
    });
    const { status } = await server.client.runtime.podSandboxStatus({ podSandboxId });
    const byIp = await fetch(`http://${status?.network?.ip}:8080/`);
    await expect(byIp.text()).resolves.toBe('served\n');
  });

  it('has a reaping pid 1 of our own when the pid namespace is shared', async () => {
    const config = podConfig({
      linux: {
        securityContext: {
          namespaceOptions: {
            network: NamespaceMode.POD,
            pid: NamespaceMode.POD,
            ipc: NamespaceMode.POD,
          },
        },
      },
    });
    const podSandboxId = await runPod(server, config);
    const shared = { securityContext: { namespaceOptions: { pid: NamespaceMode.POD } } };
    const id = await runContainer(
      server,
      podSandboxId,
      config,
      containerConfig('(sleep 0.1 &) ; exec sleep 1000', { linux: shared }),
    );
    const init = await exec(server, id, 'cat /proc/1/comm');
    expect(init.stdout).toBe('estiba-init\n');
    await eventually(async () => {
      const zombies = await exec(server, id, 'grep -l "^State:.Z" /proc/[0-9]*/status; true');
      expect(zombies.stdout).toBe('');
    });
  });

  it('leaves nothing when a CNI plugin fails, and runs when it works again', async () => {
    const broken = join(server.confDir, '00-broken.conflist');
    const { writeFile, rm } = await import('node:fs/promises');
    await writeFile(
      broken,
      JSON.stringify({ cniVersion: '1.0.0', name: 'broken', plugins: [{ type: 'no-such' }] }),
    );
    const config = podConfig();
    const before = await readdir('/run/netns');
    await expect(runPod(server, config)).rejects.toThrow(
      'cannot run CNI plugin "no-such": no such program in "/usr/lib/cni"',
    );
    await expect(readdir('/run/netns')).resolves.toEqual(before);
    await rm(broken);
    await expect(runPod(server, config)).resolves.toMatch(/^[0-9a-f]{64}$/u);
  });
});
