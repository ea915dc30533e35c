// Limits that change while a container lives: all that are asked for or none, and the status tells
// what is in force.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { runtime } from '../../proto/gen/cri.js';
import { toLong, toNumber } from '../../proto/long.ts';
import { blockDevice, cgroupOf } from '../lib/cgroups.ts';
import { Fixture, withResources } from '../lib/fixture.ts';
import { kubepods } from '../lib/leftovers.ts';
import { containerConfig, eventually, exec, exited, statusOf } from '../lib/pods.ts';
import { skip } from '../lib/skip.ts';

const mebi = 1024 * 1024;

type Resources = runtime.v1.LinuxContainerResources.$Properties;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

function memory(bytes: number): Resources {
  return { memoryLimitInBytes: toLong(bytes), memorySwapLimitInBytes: toLong(bytes) };
}

const update = (containerId: string, linux: Resources) =>
  ground.server.client.runtime.updateContainerResources({
    containerId,
    linux,
    annotations: { 'example.com/why': 'in-place resize' },
  });

const toldOf = async (id: string) => (await statusOf(ground.server, id)).resources?.linux ?? {};

const start: Resources = {
  ...memory(64 * mebi),
  cpuPeriod: toLong(50_000),
  cpuQuota: toLong(25_000),
  cpuShares: toLong(512),
};

describe('limits of a living container', () => {
  it('change in the kernel and in the status', async () => {
    const id = await ground.run(withResources(['sleep', '1000'], start));
    await update(id, {
      ...memory(96 * mebi),
      cpuPeriod: toLong(100_000),
      cpuQuota: toLong(150_000),
      cpuShares: toLong(1024),
      cpusetCpus: '0',
    });
    const cgroup = await cgroupOf(ground.server, id);
    expect(await cgroup.limits()).toMatchObject({
      cpuPeriod: 100_000,
      cpuQuota: 150_000,
      cpuWeight: cgroup.isV2 ? 100 : 1024,
      cpus: '0',
      memory: 96 * mebi,
      swap: 0,
    });
    const told = await toldOf(id);
    expect(toNumber(told.cpuQuota)).toBe(150_000);
    expect(toNumber(told.memoryLimitInBytes)).toBe(96 * mebi);
    await update(id, { ...memory(48 * mebi), cpuPeriod: toLong(20_000), cpuQuota: toLong(5_000) });
    expect(await cgroup.limits()).toMatchObject({
      cpuPeriod: 20_000,
      cpuQuota: 5_000,
      cpus: '0',
      memory: 48 * mebi,
    });
  });

  it('change before its start', async () => {
    const id = await ground.create(withResources(['sleep', '1000'], start));
    await update(id, memory(80 * mebi));
    await ground.server.client.runtime.startContainer({ containerId: id });
    expect((await (await cgroupOf(ground.server, id)).limits()).memory).toBe(80 * mebi);
  });

  it('stay where an update does not speak of them', async () => {
    const id = await ground.run(withResources(['sleep', '1000'], start));
    await update(id, { cpuQuota: toLong(-1) });
    const cgroup = await cgroupOf(ground.server, id);
    expect(await cgroup.limits()).toMatchObject({
      cpuQuota: undefined,
      cpuPeriod: 50_000,
      memory: 64 * mebi,
    });
    expect(toNumber((await toldOf(id)).cpuShares)).toBe(512);
  });

  it('of CPU time change in an order that a pod at its limit allows', async () => {
    const cgroupParent = `${ground.server.cgroupBase}/${kubepods}`;
    const pod = await ground.another({ linux: { ...ground.pod.linux, cgroupParent } });
    const half = { cpuPeriod: toLong(50_000), cpuQuota: toLong(25_000) };
    const id = await pod.run(withResources(['sleep', '1000'], half));
    const { isV2 } = await cgroupOf(ground.server, id);
    // The kubelet's part: v1 refuses a container that may have more than its pod.
    const [root, file] = isV2 ? ['', 'cpu.max'] : ['cpu', 'cpu.cfs_quota_us'];
    const limit = join('/sys/fs/cgroup', root, cgroupParent, file);
    await writeFile(limit, isV2 ? '50000 100000' : '50000');
    for (const [period, quota] of [
      [100_000, 50_000],
      [20_000, 10_000],
      [50_000, 25_000],
    ] as const) {
      await update(id, { cpuPeriod: toLong(period), cpuQuota: toLong(quota) });
      const limits = await (await cgroupOf(ground.server, id)).limits();
      expect(limits).toMatchObject({ cpuPeriod: period, cpuQuota: quota });
    }
  });

  it('are refused by name, all together, where one cannot be', async () => {
    const id = await ground.run(withResources(['sleep', '1000'], start));
    const cgroup = await cgroupOf(ground.server, id);
    const before = await cgroup.limits();
    const bad = update(id, { ...memory(32 * mebi), cpuQuota: toLong(9_000), cpusetCpus: '4095' });
    await expect(bad).rejects.toThrow(/"4095".*cpuset\.cpus/u);
    expect(await cgroup.limits()).toEqual(before);
    expect(toNumber((await toldOf(id)).memoryLimitInBytes)).toBe(64 * mebi);
    await expect(update(id, { cpuQuota: toLong(10) })).rejects.toThrow(/cpu_quota.*"10"/u);
  });

  it('do not fall below the memory in use: an error instead of a kill', async () => {
    const script = 'head -c 20000000 /dev/zero >/dev/shm/x; echo done; sleep 1000';
    const id = await ground.run(withResources(['/bin/sh', '-c', script], start));
    await eventually(async () => {
      const { stdout } = await exec(ground.server, id, 'stat -c %s /dev/shm/x');
      expect(stdout).toBe('20000000\n');
    });
    const cgroup = await cgroupOf(ground.server, id);
    const before = await cgroup.limits();
    await expect(update(id, { ...memory(8 * mebi), cpuShares: toLong(2) })).rejects.toThrow(
      new RegExp(`cannot set memory.limit to ${8 * mebi} bytes: 2\\d{7} bytes are in use`, 'u'),
    );
    expect(await cgroup.limits()).toEqual(before);
    expect((await statusOf(ground.server, id)).exitCode).toBe(0);
    expect((await exec(ground.server, id, 'rm /dev/shm/x')).exitCode).toBe(0);
    await update(id, memory(12 * mebi));
    expect((await cgroup.limits()).memory).toBe(12 * mebi);
  });

  it('take back memory that only holds copies of files', async () => {
    const directory = await ground.directory('cache');
    await writeFile(join(directory, 'large'), Buffer.alloc(40 * mebi));
    const mounts = [{ containerPath: '/data', hostPath: directory }];
    const config = { ...withResources(['sleep', '1000'], start), mounts };
    const id = await ground.run(config);
    const copy = 'cp /data/large /data/copy && sync && cat /data/copy >/dev/null';
    expect((await exec(ground.server, id, copy)).exitCode).toBe(0);
    await update(id, memory(16 * mebi));
    expect((await (await cgroupOf(ground.server, id)).limits()).memory).toBe(16 * mebi);
  });

  it('hold when the server starts anew, and so does what the status tells', async () => {
    const id = await ground.run(withResources(['sleep', '1000'], start));
    await update(id, { ...memory(100 * mebi), oomScoreAdj: toLong(321) });
    await ground.server.stopServing();
    await ground.server.serve();
    const told = await toldOf(id);
    expect(toNumber(told.memoryLimitInBytes)).toBe(100 * mebi);
    expect(toNumber(told.cpuShares)).toBe(512);
    expect(toNumber(told.oomScoreAdj)).toBe(321);
    expect((await (await cgroupOf(ground.server, id)).limits()).memory).toBe(100 * mebi);
    const scores = await exec(
      ground.server,
      id,
      'cat /proc/1/oom_score_adj /proc/self/oom_score_adj',
    );
    expect(scores.stdout).toBe('321\n321\n');
  });
});

describe('limits by cgroup file, of huge pages and memory nodes', () => {
  const pages = (megabytes: number): Resources => ({
    hugepageLimits: [{ pageSize: '2MB', limit: toLong(megabytes * mebi) }],
  });

  it('change in the kernel and in the status, and outlive the server', async (context) => {
    const id = await ground.run(withResources(['sleep', '1000'], start));
    const cgroup = await cgroupOf(ground.server, id);
    if (!cgroup.isV2) {
      skip(context, 'files by name, io.* and hugetlb.* need cgroup v2, and memory is on v1 here');
    }
    const disk = await blockDevice();
    const unified = {
      'memory.high': String(40 * mebi),
      'io.max': `${disk} rbps=1048576 wbps=max riops=max wiops=max`,
      'hugetlb.2MB.rsvd.max': String(2 * mebi),
    };
    await update(id, { unified, cpusetMems: '0' });
    await update(id, { unified: { 'pids.max': '44' }, ...pages(8) });
    const expected = {
      'memory.high': unified['memory.high'],
      'io.max': unified['io.max'],
      'pids.max': '44',
      'hugetlb.2MB.max': String(8 * mebi),
      'cpuset.mems': '0',
    };
    for (const [file, value] of Object.entries(expected)) {
      expect(await cgroup.read('', file), file).toBe(value);
    }
    await ground.server.stopServing();
    await ground.server.serve();
    const told = await toldOf(id);
    expect(told.unified).toEqual({ ...unified, 'pids.max': '44' });
    expect(told.cpusetMems).toBe('0');
    expect(told.hugepageLimits?.map((one) => [one.pageSize, toNumber(one.limit)])).toEqual([
      ['2MB', 8 * mebi],
    ]);
  });

  it('are put back, those of disks too, where one of them is refused', async (context) => {
    const unified = { 'memory.high': String(40 * mebi) };
    const { isV2 } = await cgroupOf(ground.server, await ground.wait());
    if (!isV2) {
      skip(context, 'files by name need cgroup v2, and memory is on v1 here');
    }
    const id = await ground.run(withResources(['sleep', '1000'], { ...start, unified }));
    const cgroup = await cgroupOf(ground.server, id);
    const files = 'memory.max memory.high io.max hugetlb.2MB.max cpuset.mems pids.max'.split(' ');
    const all = async () => Promise.all(files.map((file) => cgroup.read('', file)));
    const [before, told] = [await all(), await toldOf(id)];
    const fine = {
      'memory.high': String(50 * mebi),
      'io.max': `${await blockDevice()} rbps=2097152`,
      'pids.max': '55',
    };
    const refusals: [Resources, RegExp][] = [
      [{ unified: { ...fine, 'io.max': '4095:4095 rbps=1' } }, /4095:4095.*io\.max/u],
      [{ unified: { ...fine, 'pids.max': 'many' } }, /"many".*pids\.max/u],
      [{ unified: { ...fine, 'memory.nonsense': '1' } }, /memory\.nonsense/u],
      [{ unified: fine, ...pages(4), cpusetMems: '63' }, /"63".*cpuset\.mems/u],
      [{ unified: fine, hugepageLimits: [{ pageSize: '3MB', limit: toLong(1) }] }, /"3MB"/u],
    ];
    for (const [resources, message] of refusals) {
      await expect(update(id, { ...memory(48 * mebi), ...resources })).rejects.toThrow(message);
      expect(await all()).toEqual(before);
    }
    expect(await toldOf(id)).toEqual(told);
  });

  it('are refused by name where this host has no files for them', async (context) => {
    const id = await ground.run(withResources(['sleep', '1000'], start));
    const cgroup = await cgroupOf(ground.server, id);
    if (cgroup.isV2) {
      skip(context, 'this host is cgroup v2');
    }
    const before = await cgroup.limits();
    for (const file of ['io.max', 'hugetlb.2MB.max', 'memory.high']) {
      const bad = update(id, { ...memory(48 * mebi), unified: { [file]: '1' } });
      await expect(bad).rejects.toThrow(new RegExp(`"${file}".*needs cgroup v2`, 'u'));
    }
    await expect(update(id, { ...memory(48 * mebi), cpusetMems: '63' })).rejects.toThrow(
      /"63".*cpuset\.mems/u,
    );
    expect(await cgroup.limits()).toEqual(before);
    await update(id, { cpusetMems: '0' });
    expect(await cgroup.read('cpuset', 'cpuset.mems')).toBe('0');
  });
});

describe('limits of what does not live', () => {
  it('are taken for the record of a container that is over', async () => {
    const id = await ground.run(containerConfig('true'));
    await exited(ground.server, id);
    await update(id, { cpuShares: toLong(77) });
    expect(toNumber((await toldOf(id)).cpuShares)).toBe(77);
  });

  it('are refused for containers and pods that nobody knows', async () => {
    await expect(update('f'.repeat(64), start)).rejects.toThrow(
      /NOT_FOUND.*cannot find container/u,
    );
    const podSandboxId = 'f'.repeat(64);
    const pod = ground.server.client.runtime.updatePodSandboxResources({ podSandboxId });
    await expect(pod).rejects.toThrow(/NOT_FOUND.*cannot find pod sandbox/u);
  });
});

describe('resources of a pod as a whole', () => {
  interface Info {
    readonly overhead: { readonly cpuShares: number } | null;
    readonly resources: { readonly memoryLimitInBytes: number } | null;
  }

  async function infoOf(podSandboxId: string): Promise<Info> {
    const request = { podSandboxId, verbose: true };
    const { info } = await ground.server.client.runtime.podSandboxStatus(request);
    return JSON.parse(info?.['info'] ?? '') as Info;
  }

  it('are recorded at the start, change, and outlive the server', async () => {
    const overhead: Resources = { cpuShares: toLong(3) };
    const linux = { ...ground.pod.linux, overhead, resources: memory(64 * mebi) };
    const { podSandboxId } = await ground.another({ linux });
    expect(await infoOf(podSandboxId)).toMatchObject({
      overhead: { cpuShares: 3 },
      resources: { memoryLimitInBytes: 64 * mebi },
    });
    await ground.server.client.runtime.updatePodSandboxResources({
      podSandboxId,
      overhead: { cpuShares: toLong(5) },
      resources: memory(80 * mebi),
    });
    await ground.server.stopServing();
    await ground.server.serve();
    expect(await infoOf(podSandboxId)).toMatchObject({
      overhead: { cpuShares: 5 },
      resources: { memoryLimitInBytes: 80 * mebi },
    });
  });
});
