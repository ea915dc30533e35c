import { describe, expect, it } from 'vitest';

import { toBigInt, toLong as long } from '../../proto/long.ts';
import type { LongLike } from '../../proto/long.ts';
import type { CriResources } from './cri-types.ts';
import { resourcesInForce } from './in-force.ts';
import { sampleHost } from './sample-input.ts';

/** What is told, 64-bit numbers as such. */
function told(asked: CriResources, host = sampleHost): Record<string, unknown> {
  const plain = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && 'low' in value
      ? // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else has the field
        Number(toBigInt(value as LongLike))
      : value;
  const { hugepageLimits, ...others } = resourcesInForce(asked, host);
  const pages = (hugepageLimits ?? []).map(({ pageSize, limit }) => [pageSize, plain(limit)]);
  const entries = Object.entries(others).map(([name, value]) => [name, plain(value)] as const);
  return { ...Object.fromEntries(entries), pages };
}

describe('resourcesInForce', () => {
  it('tells what the kubelet asked for as it asked, whatever the kernel rounds', () => {
    const asked = {
      cpuPeriod: long(100_000),
      cpuQuota: long(20_000),
      cpuShares: long(102),
      memoryLimitInBytes: long(100_000_000),
    };
    expect(told(asked)).toMatchObject({
      cpuPeriod: 100_000,
      cpuQuota: 20_000,
      cpuShares: 102,
      memoryLimitInBytes: 100_000_000,
      // Without a word about swap there is none.
      memorySwapLimitInBytes: 100_000_000,
    });
  });

  it('tells what the kernel makes of values that it does not take, and of those left out', () => {
    expect(told({ cpuShares: long(1) })).toMatchObject({ cpuShares: 2, cpuPeriod: 0 });
    expect(told({ cpuShares: long(2 ** 32) })).toMatchObject({ cpuShares: 262_144 });
    expect(told({ cpuQuota: long(5000) })).toMatchObject({ cpuQuota: 5000, cpuPeriod: 100_000 });
    expect(told({})).toMatchObject({ cpuShares: 0, cpuQuota: 0, memorySwapLimitInBytes: 0 });
    const unlimited = { memoryLimitInBytes: long(4096), memorySwapLimitInBytes: long(-1) };
    expect(told(unlimited)).toMatchObject({ memorySwapLimitInBytes: -1 });
  });

  it('tells of no limit that the host does not have', () => {
    const host = { ...sampleHost, swapLimit: false, hugepageSizes: [], lowestOomScoreAdj: 0 };
    const asked = {
      memoryLimitInBytes: long(1),
      memorySwapLimitInBytes: long(2),
      oomScoreAdj: long(-5),
      hugepageLimits: [{ pageSize: '2MB' }],
    };
    expect(told(asked, host)).toMatchObject({
      memoryLimitInBytes: 1,
      memorySwapLimitInBytes: 0,
      oomScoreAdj: 0,
      pages: [],
    });
  });

  it('gives the last word to cgroup files, which are written last', () => {
    const asked = {
      cpuQuota: long(5000),
      memoryLimitInBytes: long(4096),
      memorySwapLimitInBytes: long(6144),
      cpusetCpus: '0-3',
    };
    const unified = {
      'cpu.max': '7000 50000',
      'memory.max': '1M',
      'cpuset.cpus': '1',
      'hugetlb.2MB.max': 'max',
      'memory.high': '5',
    };
    expect(told({ ...asked, unified })).toMatchObject({
      cpuQuota: 7000,
      cpuPeriod: 50_000,
      memoryLimitInBytes: 1_048_576,
      memorySwapLimitInBytes: 1_048_576 + 2048,
      cpusetCpus: '1',
      pages: [['2MB', 2 ** 63]],
      unified,
    });
    const free = { ...asked, unified: { 'cpu.max': 'max', 'memory.swap.max': 'max' } };
    expect(told(free)).toMatchObject({
      cpuQuota: -1,
      cpuPeriod: 100_000,
      memorySwapLimitInBytes: -1,
    });
    const odd = { ...asked, unified: { 'memory.max': 'nonsense' } };
    expect(told(odd)).toMatchObject({ memoryLimitInBytes: 4096 });
  });
});
