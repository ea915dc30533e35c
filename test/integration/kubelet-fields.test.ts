// Fields of a request that are easily taken for granted, from the request to what a program sees.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { cgroupOf } from '../lib/cgroups.ts';
import { Fixture, withResources } from '../lib/fixture.ts';
import { containerConfig, exec, exited, hostNetworkPodConfig, statusOf } from '../lib/pods.ts';

const { ContainerState } = runtime.v1;
const mebi = 1024 * 1024;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

describe('labels and annotations', () => {
  const labels = {
    'io.kubernetes.container.name': 'main',
    'example.com/ü-😀': 'wärt\n"quoted"\\',
    empty: '',
    toString: 'x',
  };
  // As long as the API server lets them be in all.
  const annotations = { ...labels, 'example.com/long': 'é'.repeat(128 * 1024) };

  it('come back as they were sent, from status and list, also after a restart', async () => {
    const pod = await ground.another({ labels, annotations });
    const id = await pod.create(containerConfig('true', { labels, annotations }));
    const { runtime: client } = ground.server.client;
    const told = async () => [
      (await client.podSandboxStatus({ podSandboxId: pod.podSandboxId })).status,
      (await client.listPodSandbox({ filter: { id: pod.podSandboxId } })).items?.[0],
      await statusOf(ground.server, id),
      (await client.listContainers({ filter: { id } })).containers?.[0],
    ];
    const expected = Array.from({ length: 4 }, () => ({ labels, annotations }));
    expect(await told()).toMatchObject(expected);
    await ground.server.stopServing();
    await ground.server.serve();
    expect(await told()).toMatchObject(expected);
  });
});

describe('a host name', () => {
  it('may have all the characters that the kernel takes', async () => {
    const hostname = `${'a'.repeat(31)}.${'b'.repeat(32)}`;
    const pod = await ground.another({ hostname });
    const script = 'hostname; cat /etc/hostname; echo $HOSTNAME; grep -c "$HOSTNAME" /etc/hosts';
    const found = await pod.outcome(containerConfig(script));
    const lines = found.stdout.trim().split('\n');
    expect(lines.slice(0, 3)).toEqual([hostname, hostname, hostname]);
    expect(Number(lines[3])).toBeGreaterThan(0);
  });
});

describe('a working directory', () => {
  it('is made when it is missing, and belongs to root', async () => {
    const script = 'pwd; stat -c "%u:%g %a" .';
    const config = containerConfig(script, { workingDir: '/made/by//request/' });
    expect((await ground.outcome(config)).stdout).toMatch(/^\/made\/by\/request\n0:0 755\n$/u);
  });

  it('that is a file is refused, naming it', async () => {
    const config = containerConfig('true', { workingDir: '/etc/passwd' });
    await expect(ground.create(config)).rejects.toThrow(/"\/etc\/passwd".*not a directory/iu);
  });
});

describe('standard input', () => {
  it('stays open for whoever attaches where it is asked for, else it is at its end', async () => {
    const config = (change: object) => containerConfig(['cat'], change);
    const open = await ground.run(config({ stdin: true }));
    const once = await ground.run(config({ stdin: true, stdinOnce: true }));
    const closed = await ground.run(config({}));
    expect(await exited(ground.server, closed)).toMatchObject({ exitCode: 0 });
    for (const id of [open, once]) {
      expect((await statusOf(ground.server, id)).state).toBe(ContainerState.CONTAINER_RUNNING);
      expect((await exec(ground.server, id, 'echo alive')).stdout).toBe('alive\n');
    }
  });
});

describe('a log', () => {
  it('is none where no path is given, and the container runs all the same', async () => {
    const id = await ground.run(containerConfig('yes | head -c 1000000', { logPath: '' }));
    expect(await exited(ground.server, id)).toMatchObject({ exitCode: 0, logPath: '' });
  });
});

describe('sysctls', () => {
  it('of the network are refused on the host’s network, and nothing is left', async () => {
    const config = hostNetworkPodConfig();
    const sysctls = { 'net.ipv4.ip_local_port_range': '1024 65000' };
    const request = { config: { ...config, linux: { ...config.linux, sysctls } } };
    const { runtime: client } = ground.server.client;
    await expect(client.runPodSandbox(request)).rejects.toThrow(
      /INVALID_ARGUMENT.*"net.ipv4.ip_local_port_range".*host's network namespace/u,
    );
    const { items } = await client.listPodSandbox({});
    expect(items?.map(({ metadata }) => metadata?.name)).not.toContain(config.metadata?.name);
  });

  it('of the pod’s namespaces are what its containers read', async () => {
    const sysctls = { 'kernel.shmmax': '123456789', 'net.ipv4.ip_local_port_range': '2000 3000' };
    const pod = await ground.another({ linux: { ...ground.pod.linux, sysctls } });
    const script = 'cat /proc/sys/kernel/shmmax /proc/sys/net/ipv4/ip_local_port_range';
    const { stdout } = await pod.outcome(containerConfig(script));
    expect(stdout).toBe('123456789\n2000\t3000\n');
  });
});

describe('memory and swap', () => {
  it('are counted together, as the kubelet does', async () => {
    const id = await ground.run(
      withResources(['sleep', '1000'], {
        memoryLimitInBytes: toLong(32 * mebi),
        memorySwapLimitInBytes: toLong(48 * mebi),
      }),
    );
    const { memory, swap } = await (await cgroupOf(ground.server, id)).limits();
    expect(memory).toBe(32 * mebi);
    expect([undefined, 16 * mebi]).toContain(swap);
  });
});
