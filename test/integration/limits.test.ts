// Limits as the kernel has them, on both versions of cgroups, and what a container reads of them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { runtime } from '../../proto/gen/cri.js';
import { toLong, toNumber } from '../../proto/long.ts';
import { blockDevice, cgroupOf } from '../lib/cgroups.ts';
import { Fixture, withResources } from '../lib/fixture.ts';
import { kubepods } from '../lib/leftovers.ts';
import { containerConfig, exec, statusOf } from '../lib/pods.ts';
import { skip } from '../lib/skip.ts';

const mebi = 1024 * 1024;

let ground: Fixture;
let limited: Fixture;

beforeAll(async () => {
  ground = await Fixture.start({ config: { containers: ['pids_limit = 64'] } });
  limited = await ground.another({
    linux: { ...ground.pod.linux, cgroupParent: `${ground.server.cgroupBase}/${kubepods}` },
  });
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

type Resources = runtime.v1.LinuxContainerResources.$Properties;

async function waiting(resources: Resources, pod = ground): Promise<string> {
  return pod.run(withResources(['sleep', '1000'], resources));
}

describe('limits', () => {
  it('are in the kernel for cpu, memory, swap, tasks', async () => {
    const id = await waiting({
      cpuPeriod: toLong(50_000),
      cpuQuota: toLong(25_000),
      cpuShares: toLong(512),
      cpusetCpus: '0',
      memoryLimitInBytes: toLong(64 * mebi),
      memorySwapLimitInBytes: toLong(64 * mebi),
      oomScoreAdj: toLong(500),
    });
    const cgroup = await cgroupOf(ground.server, id);
    expect(await cgroup.limits()).toEqual({
      cpuQuota: 25_000,
      cpuPeriod: 50_000,
      cpuWeight: cgroup.isV2 ? expect.any(Number) : 512,
      cpus: '0',
      memory: 64 * mebi,
      swap: 0,
      pids: 64,
    });
    expect(cgroup.path).toBe(`${ground.server.cgroupBase}/${id}`);
    expect((await exec(ground.server, id, 'cat /proc/1/oom_score_adj')).stdout).toBe('500\n');
  });

  it('are told by the status as they were asked', async () => {
    const bytes = 100_000_000;
    const asked = { memoryLimitInBytes: toLong(bytes), cpuShares: toLong(102) };
    const id = await waiting({ ...asked, cpuQuota: toLong(5000) });
    const { linux } = (await statusOf(ground.server, id)).resources ?? {};
    // The kernel has whole pages; the kubelet would take that number for a change not made yet.
    const { memory } = await (await cgroupOf(ground.server, id)).limits();
    expect(memory).toBe(bytes - (bytes % 4096));
    expect(toNumber(linux?.memoryLimitInBytes)).toBe(bytes);
    expect(toNumber(linux?.cpuShares)).toBe(102);
    expect(toNumber(linux?.cpuPeriod)).toBe(100_000);
  });

  it('are read by the container from its own cgroup files', async () => {
    const id = await waiting({ memoryLimitInBytes: toLong(48 * mebi) });
    const find =
      'f=/sys/fs/cgroup/memory.max; test -e $f || f=/sys/fs/cgroup/memory/memory.limit_in_bytes; ';
    expect((await exec(ground.server, id, `${find} cat $f`)).stdout).toBe(`${48 * mebi}\n`);
    const write = await exec(ground.server, id, `${find} echo 99999999 >$f`);
    expect(write.stderr).toContain('Read-only file system');
  });

  it('are none where none is asked for', async () => {
    const id = await waiting({});
    const limits = await (await cgroupOf(ground.server, id)).limits();
    expect(limits).toMatchObject({ cpuQuota: undefined, memory: undefined, swap: undefined });
    const bare = await ground.run(containerConfig(['sleep', '1000']));
    const told = (await statusOf(ground.server, bare)).resources?.linux;
    const score = (await exec(ground.server, bare, 'cat /proc/1/oom_score_adj')).stdout;
    expect(toNumber(told?.oomScoreAdj)).toBe(Number(score));
    expect(toNumber(told?.memoryLimitInBytes)).toBe(0);
  });

  it('stand below the parent that the kubelet names', async () => {
    const id = await waiting({ memoryLimitInBytes: toLong(32 * mebi) }, limited);
    const cgroup = await cgroupOf(ground.server, id);
    expect(cgroup.path).toBe(`${ground.server.cgroupBase}/${kubepods}/${id}`);
    expect((await cgroup.limits()).memory).toBe(32 * mebi);
  });

  it('of tasks stop a fork bomb', async () => {
    const script = 'for i in $(seq 200); do sleep 5 & done; echo survived';
    const found = await ground.outcome(containerConfig(script));
    expect(found.stderr).toMatch(/fork/u);
  });

  it('hold execs too', async () => {
    const id = await waiting({
      memoryLimitInBytes: toLong(32 * mebi),
      memorySwapLimitInBytes: toLong(32 * mebi),
    });
    const eater = await exec(ground.server, id, 'dd if=/dev/zero of=/dev/null bs=100M count=1');
    expect(eater.exitCode).not.toBe(0);
    expect((await exec(ground.server, id, 'echo alive')).stdout).toBe('alive\n');
  });

  it.each([
    [{ cpuQuota: toLong(10) }, /cpu_quota.*"10"/u],
    [{ cpuPeriod: toLong(5_000_000) }, /cpu_period.*"5000000"/u],
    [{ cpusetCpus: '0-x' }, /cpuset_cpus.*"0-x"/u],
    [{ cpusetCpus: '1000' }, /cpuset/u],
    [{ memoryLimitInBytes: toLong(8 * mebi), memorySwapLimitInBytes: toLong(mebi) }, /below/u],
    [{ hugepageLimits: [{ pageSize: '3MB', limit: toLong(3 * mebi) }] }, /"3MB"/u],
  ])('that no kernel takes are refused: %j', async (resources, message) => {
    await expect(ground.create(withResources('true', resources))).rejects.toThrow(message);
  });

  it('by classes that a node would have to define are refused, as by others without them', async () => {
    for (const [kind, words] of [
      ['blockio', 'block I/O class "gold"'],
      ['rdt', 'RDT class "gold"'],
    ] as const) {
      const annotations = { [`io.kubernetes.cri.${kind}-class`]: 'gold' };
      const config = containerConfig('true', { annotations });
      await expect(ground.create(config)).rejects.toThrow(
        new RegExp(`FAILED_PRECONDITION.*into ${words}`, 'u'),
      );
    }
  });

  it('of cgroup files need cgroup v2, and are set there', async () => {
    const config = withResources(['sleep', '1000'], {
      unified: { 'memory.high': String(30 * mebi) },
    });
    const { isV2 } = await cgroupOf(ground.server, await waiting({}));
    if (!isV2) {
      await expect(ground.create(config)).rejects.toThrow(/"memory.high".*needs cgroup v2/u);
      return;
    }
    const cgroup = await cgroupOf(ground.server, await ground.run(config));
    expect(await cgroup.read('memory', 'memory.high')).toBe(String(30 * mebi));
  });

  it('of cgroup files are all those that cgroup v2 has, others are refused by name', async () => {
    const { isV2 } = await cgroupOf(ground.server, await waiting({}));
    const unified = {
      'memory.min': String(4 * mebi),
      'memory.low': String(8 * mebi),
      'memory.high': String(40 * mebi),
      'memory.oom.group': '1',
      'cpu.weight': '77',
      'pids.max': '33',
      'hugetlb.2MB.max': String(6 * mebi),
      'io.max': `${await blockDevice()} rbps=1048576 wbps=max riops=max wiops=120`,
    };
    if (isV2) {
      const cgroup = await cgroupOf(ground.server, await waiting({ unified }));
      for (const [file, value] of Object.entries(unified)) {
        expect(await cgroup.read('', file), file).toBe(value);
      }
    }
    const refusals: [string, RegExp][] = !isV2
      ? Object.keys(unified).map((file) => [file, new RegExp(`"${file}".*needs cgroup v2`, 'u')])
      : [
          ['memory.nonsense', /"memory\.nonsense".*its controller has no file/u],
          ['nonsense.max', /"nonsense\.max".*this host has no nonsense controller/u],
          ['memory.current', /memory\.current/u],
          ['hugetlb.3MB.max', /"hugetlb\.3MB\.max".*its controller has no file/u],
          ['io.max', /io\.max/u],
        ];
    for (const [file, message] of refusals) {
      const config = withResources('true', { unified: { [file]: '1' } });
      await expect(ground.create(config), file).rejects.toThrow(message);
    }
  });

  it('of cgroup files have the last word, in the kernel and in the status', async (context) => {
    if (!(await cgroupOf(ground.server, await waiting({}))).isV2) {
      skip(context, 'files by name need cgroup v2, and memory is on v1 here');
    }
    const unified = { 'memory.max': '48M', 'cpu.max': '7000 20000' };
    const id = await waiting({ memoryLimitInBytes: toLong(64 * mebi), unified });
    const cgroup = await cgroupOf(ground.server, id);
    const expected = { memory: 48 * mebi, swap: 0, cpuQuota: 7000, cpuPeriod: 20_000 };
    expect(await cgroup.limits()).toMatchObject(expected);
    const told = (await statusOf(ground.server, id)).resources?.linux;
    expect(toNumber(told?.memoryLimitInBytes)).toBe(48 * mebi);
    expect(toNumber(told?.memorySwapLimitInBytes)).toBe(48 * mebi);
    expect([toNumber(told?.cpuQuota), toNumber(told?.cpuPeriod)]).toEqual([7000, 20_000]);
    const linux = { memoryLimitInBytes: toLong(56 * mebi) };
    await ground.server.client.runtime.updateContainerResources({ containerId: id, linux });
    expect((await cgroup.limits()).memory).toBe(56 * mebi);
    const after = (await statusOf(ground.server, id)).resources?.linux;
    expect(toNumber(after?.memoryLimitInBytes)).toBe(56 * mebi);
    expect(after?.unified).toEqual({ 'cpu.max': '7000 20000' });
  });

  it('of huge pages are set for every size that the host counts', async () => {
    const hugepageLimits = [{ pageSize: '2MB', limit: toLong(4 * mebi) }];
    const unlimited = await cgroupOf(ground.server, await waiting({}));
    const file = unlimited.isV2 ? 'hugetlb.2MB.max' : 'hugetlb.2MB.limit_in_bytes';
    const counted = await unlimited
      .read('hugetlb', file)
      .then(() => true)
      .catch(() => false);
    if (!counted) {
      const config = withResources('true', { hugepageLimits });
      await expect(ground.create(config)).rejects.toThrow(/no hugetlb cgroup for page size "2MB"/u);
      return;
    }
    const cgroup = await cgroupOf(ground.server, await waiting({ hugepageLimits }));
    expect(await cgroup.read('hugetlb', file)).toBe(String(4 * mebi));
  });
});

describe('the oom score', () => {
  it('is the lowest that the host lets us give, which the status tells and the log once', async () => {
    const id = await waiting({ oomScoreAdj: toLong(-998) });
    const given = (await exec(ground.server, id, 'cat /proc/1/oom_score_adj')).stdout.trim();
    const told = (await statusOf(ground.server, id)).resources?.linux?.oomScoreAdj;
    expect(toNumber(told)).toBe(Number(given));
    const lines = ground.server.log.split('oom_score_adj cannot be lowered').length - 1;
    expect(lines).toBe(given === '-998' ? 0 : 1);
  });
});

describe('rlimits and shared memory', () => {
  it('are the documented defaults', async () => {
    const script = 'ulimit -Sn; df -k /dev/shm | tail -1 | { read -r fs size rest; echo $size; }';
    const found = await ground.outcome(containerConfig(script));
    expect(found.stdout).toBe('1024\n65536\n');
  });

  it('shares /dev/shm between the containers of a pod', async () => {
    const writer = await ground.outcome(containerConfig('echo shared >/dev/shm/word'));
    expect(writer.status.exitCode).toBe(0);
    const reader = await ground.outcome(containerConfig('cat /dev/shm/word'));
    expect(reader.stdout).toBe('shared\n');
    const stranger = await limited.outcome(containerConfig('cat /dev/shm/word'));
    expect(stranger.status.exitCode).not.toBe(0);
  });
});
