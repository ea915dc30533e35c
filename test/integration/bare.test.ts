// The barest requests that clients send, and what a container finds without having asked.
import { readlink } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { connectCri } from '../lib/cri-client.ts';
import { pidOf } from '../lib/cgroups.ts';
import { Fixture, withResources } from '../lib/fixture.ts';
import { busybox, containerConfig, eventually, exec, podConfig, statusOf } from '../lib/pods.ts';

const { ContainerState, NamespaceMode, Protocol } = runtime.v1;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const call = () => ground.server.client.runtime;
const metadata = (name: string) => ({ name, uid: `uid-${name}`, namespace: 'bare', attempt: 2 });

describe('a request with metadata alone', () => {
  it('makes a pod whose containers share processes, and a container of the image’s command', async () => {
    const config = { metadata: metadata('pod') };
    const { podSandboxId } = await call().runPodSandbox({ config });
    const container = {
      metadata: { name: 'c', attempt: 2 },
      image: { image: busybox },
      stdin: true,
    };
    const request = { podSandboxId, config: container, sandboxConfig: config };
    const { containerId } = await call().createContainer(request);
    await call().startContainer({ containerId });
    // The image's command is a shell: with stdin open it waits for words that do not come.
    const seen = await exec(
      ground.server,
      containerId,
      'cat /proc/1/comm; echo $HOME $PATH; pwd; id -u',
    );
    expect(seen.stdout).toBe(
      'estiba-init\n/root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/\n0\n',
    );
    const status = await statusOf(ground.server, containerId);
    expect(status).toMatchObject({ state: ContainerState.CONTAINER_RUNNING, logPath: '' });
    expect(status.image?.image).toBe(busybox);
    expect(status.imageRef).not.toBe('');
    expect(Number(status.createdAt)).toBeGreaterThan(0);
    await call().stopContainer({ containerId, timeout: toLong(0) });
  });

  it('makes a pod with empty sections too', async () => {
    const config = {
      metadata: metadata('empty'),
      dnsConfig: {},
      portMappings: [],
      linux: {
        securityContext: { namespaceOptions: {}, seccomp: null },
        sysctls: {},
        resources: {},
      },
    };
    const { podSandboxId } = await call().runPodSandbox({ config });
    const container = {
      metadata: { name: 'c' },
      image: { image: busybox },
      command: ['true'],
      linux: { resources: {}, securityContext: { capabilities: {}, namespaceOptions: {} } },
    };
    const request = { podSandboxId, config: container, sandboxConfig: config };
    const { containerId } = await call().createContainer(request);
    await call().startContainer({ containerId });
  });
});

describe('the namespaces of a pod', () => {
  const kinds = ['net', 'ipc', 'uts', 'mnt', 'pid', 'cgroup'] as const;
  const namespaces = async (containerId: string) => {
    const pid = await pidOf(ground.server, containerId);
    const links = kinds.map((kind) => readlink(`/proc/${pid}/ns/${kind}`));
    return Object.fromEntries((await Promise.all(links)).map((link) => link.split(':')));
  };

  it('are shared by its containers for network, ipc and names, not for mounts and processes', async () => {
    const one = await namespaces(await ground.wait());
    const two = await namespaces(await ground.wait());
    const host = Object.fromEntries(
      (await Promise.all(kinds.map((kind) => readlink(`/proc/self/ns/${kind}`)))).map((link) =>
        link.split(':'),
      ),
    );
    const same = kinds.filter((kind) => one[kind] === two[kind]);
    expect(same).toEqual(['net', 'ipc', 'uts']);
    expect(kinds.filter((kind) => one[kind] === host[kind])).toEqual([]);
  });

  it('are the host’s where the pod asks for that', async () => {
    const node = NamespaceMode.NODE;
    const namespaceOptions = { network: node, ipc: node, pid: node };
    const linux = { securityContext: { namespaceOptions } };
    const pod = await ground.another({ hostname: '', linux });
    const one = await namespaces(await pod.wait({ linux }));
    for (const kind of ['net', 'ipc', 'uts', 'pid'] as const) {
      expect(await readlink(`/proc/self/ns/${kind}`)).toContain(one[kind]);
    }
  });
});

describe('what clients do', () => {
  it('such as leaving hundreds of connections open', async () => {
    const clients = Array.from({ length: 200 }, () => connectCri(ground.server.socketPath));
    const versions = await Promise.all(clients.map((client) => client.runtime.version({})));
    expect(new Set(versions.map(({ runtimeName }) => runtimeName))).toEqual(new Set(['estiba']));
    for (const client of clients) {
      client.close();
    }
  });

  it('such as asking for a lower oom_score_adj than we may give', async () => {
    const id = await ground.run(withResources(['sleep', '1000'], { oomScoreAdj: toLong(-998) }));
    const score = Number((await exec(ground.server, id, 'cat /proc/1/oom_score_adj')).stdout);
    expect(score).toBeGreaterThanOrEqual(-998);
    expect(score).toBeLessThanOrEqual(0);
  });

  it('such as mapping a device', async () => {
    const devices = [{ hostPath: '/dev/full', containerPath: '/dev/own/brim', permissions: 'rw' }];
    const found = await ground.outcome(
      containerConfig('stat -c "%t %T" /dev/own/brim; echo x >/dev/own/brim', { devices }),
    );
    expect(found.stdout).toBe('1 7\n');
    expect(found.stderr).toContain('No space left');
    const missing = [{ hostPath: '/dev/not-there', containerPath: '/dev/x', permissions: 'r' }];
    await expect(ground.create(containerConfig('true', { devices: missing }))).rejects.toThrow(
      /"\/dev\/not-there"/u,
    );
  });
});

describe('a host port', () => {
  it('answers on every address of the host, loopback included, until the pod is gone', async () => {
    const config = podConfig({
      portMappings: [{ protocol: Protocol.TCP, containerPort: 80, hostPort: 12_000 }],
    });
    const pod = await ground.another(config);
    const script = 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 80 -h /www';
    await pod.run(containerConfig(script));
    const { status } = await call().podSandboxStatus({ podSandboxId: pod.podSandboxId });
    const gateway = status?.network?.ip?.replace(/\d+$/u, '1');
    for (const host of ['127.0.0.1', gateway]) {
      const text = await eventually(
        async () => (await fetch(`http://${host}:12000/`)).text(),
        5000,
      );
      expect(text).toBe('served\n');
    }
    await call().removePodSandbox({ podSandboxId: pod.podSandboxId });
    await expect(fetch('http://127.0.0.1:12000/')).rejects.toThrow('fetch failed');
  });
});
