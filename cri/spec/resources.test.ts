import { describe, expect, it } from 'vitest';

import { toLong } from '../../proto/long.ts';
import type { CriResources } from './cri-types.ts';
import { limits, oomScoreAdj, rlimits } from './resources.ts';
import { refusalOf, sampleHost } from './sample-input.ts';

const long = toLong;
const of = (asked: CriResources, host = sampleHost) => limits(asked, host, 0).resources;

describe('limits', () => {
  it('leave out everything that is not set', () => {
    expect(of({})).toEqual({});
    expect(of({ cpuShares: long(0), memoryLimitInBytes: long(0), cpusetCpus: '' })).toEqual({});
    expect(limits({}, sampleHost, 7).resources).toEqual({ pids: { limit: 7 } });
  });

  it('forbid swapping beyond the memory limit unless asked', () => {
    expect(of({ memoryLimitInBytes: long(4096) })).toEqual({ memory: { limit: 4096, swap: 4096 } });
    const both = { memoryLimitInBytes: long(4096), memorySwapLimitInBytes: long(8192) };
    expect(of(both)).toEqual({ memory: { limit: 4096, swap: 8192 } });
    const unlimited = { memoryLimitInBytes: long(4096), memorySwapLimitInBytes: long(-1) };
    expect(of(unlimited)).toEqual({ memory: { limit: 4096, swap: -1 } });
  });

  it('note a swap limit that the host cannot set, not one nobody asked for', () => {
    const host = { ...sampleHost, swapLimit: false };
    const plain = limits({ memoryLimitInBytes: long(4096) }, host, 0);
    expect(plain).toEqual({ resources: { memory: { limit: 4096 } }, notes: [] });
    const asked = { memoryLimitInBytes: long(4096), memorySwapLimitInBytes: long(8192) };
    expect(limits(asked, host, 0).notes).toEqual([
      'memory_swap_limit_in_bytes "8192" is not set: this host cannot limit swap',
    ]);
  });

  it('read a limit too large to write in JSON as no limit', () => {
    const huge = of({ memoryLimitInBytes: long(2n ** 63n - 1n) });
    expect(huge).toEqual({ memory: { limit: -1, swap: -1 } });
    const pages = { hugepageLimits: [{ pageSize: '2MB', limit: long(2n ** 64n - 1n) }] };
    expect(of(pages)).toEqual({});
  });

  it.each([
    [{ memoryLimitInBytes: long(-2) }, '"-2" is negative'],
    [
      { memoryLimitInBytes: long(8192), memorySwapLimitInBytes: long(4096) },
      'below memory_limit_in_bytes "8192"',
    ],
    [{ cpuShares: long(-1) }, 'cpu_shares: "-1"'],
    [{ cpuQuota: long(-2) }, 'cpu_quota: "-2"'],
    [{ cpuQuota: long(999) }, 'below the kernel’s 1000'],
    [{ cpuPeriod: long(1_000_001) }, 'cpu_period: "1000001"'],
    [{ cpuPeriod: long(999) }, 'below the kernel’s 1000'],
    [{ cpusetCpus: '0-' }, 'cpuset_cpus: "0-"'],
    [{ cpusetMems: '0\n1' }, 'cpuset_mems'],
    [{ hugepageLimits: [{ pageSize: '../x' }] }, 'page size "../x"'],
    [{ unified: { '../memory.max': '1' } }, 'not the file of a controller'],
    [{ unified: { 'cgroup.procs': '1' } }, 'not the file of a controller'],
    [{ unified: { memory: '1' } }, 'not the file of a controller'],
  ])('refuse %j', (asked, why) => {
    const refusal = refusalOf(() => limits(asked, sampleHost, 0));
    expect(refusal.code).toBe('InvalidArgument');
    expect(refusal.message).toContain(why);
  });

  it('refuse what only a newer host has', () => {
    const v1 = { ...sampleHost, cgroupVersion: 'v1', hugepageSizes: [] } as const;
    expect(refusalOf(() => limits({ unified: { 'memory.high': '1' } }, v1, 0))).toEqual({
      code: 'FailedPrecondition',
      message: 'cannot set cgroup file "memory.high": it needs cgroup v2',
    });
    const pages = (limit: number) => ({
      hugepageLimits: [{ pageSize: '2MB', limit: long(limit) }],
    });
    expect(refusalOf(() => limits(pages(1), v1, 0)).code).toBe('FailedPrecondition');
    expect(limits(pages(0), v1, 0).notes).toHaveLength(1);
  });
});

describe('oomScoreAdj', () => {
  it('keeps to the kernel’s range', () => {
    const at = (score: number, host = sampleHost) =>
      oomScoreAdj({ oomScoreAdj: long(score) }, host);
    expect(oomScoreAdj({}, sampleHost)).toBe(0);
    expect(at(-1000)).toBe(-1000);
    expect(refusalOf(() => at(1001)).code).toBe('InvalidArgument');
  });

  it('is not below the one that this host lets us give', () => {
    const host = { ...sampleHost, lowestOomScoreAdj: -5 };
    const at = (score: number) => oomScoreAdj({ oomScoreAdj: long(score) }, host);
    expect([at(-998), at(-5), at(3)]).toEqual([-5, -5, 3]);
  });
});

describe('rlimits', () => {
  const settings = {
    cgroupBase: '/estiba',
    pidsLimit: 0,
    rlimitNofile: { soft: 1024, hard: 524_288 },
    sparedDirs: [],
  };

  it('are cut to what the host can hand out, and noted then', () => {
    const at = (nofileHardLimit: number) => rlimits(settings, { ...sampleHost, nofileHardLimit });
    expect(at(524_288)).toEqual({
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 524_288 }],
      notes: [],
    });
    expect(at(512)).toEqual({
      rlimits: [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 512 }],
      notes: ['RLIMIT_NOFILE is 512:512, not 1024:524288'],
    });
  });
});
