import { describe, expect, it } from 'vitest';

import { toBigInt, toLong } from '../../proto/long.ts';
import type { CriResources } from './cri-types.ts';
import { planUpdate } from './resource-update.ts';
import { refusalOf, sampleHost } from './sample-input.ts';

const long = toLong;
const plan = (present: CriResources, asked: CriResources, host = sampleHost) =>
  planUpdate(present, asked, host);

/** The numbers of these fields, 0 when not set. */
function numbers(resources: CriResources): Record<string, bigint> {
  const { cpuPeriod, cpuQuota, cpuShares, memoryLimitInBytes, memorySwapLimitInBytes } = resources;
  const fields = { cpuPeriod, cpuQuota, cpuShares, memoryLimitInBytes, memorySwapLimitInBytes };
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, toBigInt(value)] as const),
  );
}

describe('planUpdate', () => {
  const present: CriResources = {
    cpuPeriod: long(100_000),
    cpuQuota: long(50_000),
    cpuShares: long(512),
    memoryLimitInBytes: long(4096),
    memorySwapLimitInBytes: long(8192),
    oomScoreAdj: long(900),
    cpusetCpus: '0-1',
    hugepageLimits: [{ pageSize: '2MB', limit: long(0) }],
    unified: { 'memory.high': '2048' },
  };

  it('writes what is given and keeps the rest in force', () => {
    const { resources, inForce, oomScoreAdj } = plan(present, { cpuQuota: long(20_000) });
    expect(resources).toEqual({ cpu: { quota: 20_000 } });
    expect(oomScoreAdj).toBeUndefined();
    expect(numbers(inForce)).toEqual({
      cpuPeriod: 100_000n,
      cpuQuota: 20_000n,
      cpuShares: 512n,
      memoryLimitInBytes: 4096n,
      memorySwapLimitInBytes: 8192n,
    });
    expect(inForce).toMatchObject({ cpusetCpus: '0-1', unified: { 'memory.high': '2048' } });
    expect(toBigInt(inForce.oomScoreAdj)).toBe(900n);
  });

  it('takes the right to swap with a new memory limit that does not speak of it', () => {
    const { resources, inForce } = plan(present, { memoryLimitInBytes: long(6000) });
    expect(resources).toEqual({ memory: { limit: 6000, swap: 6000 } });
    expect(numbers(inForce)).toMatchObject({ memorySwapLimitInBytes: 6000n });
  });

  it('knows the memory limit that a new limit of swap counts from', () => {
    const { resources } = plan(present, { memorySwapLimitInBytes: long(5000) });
    expect(resources).toEqual({ memory: { limit: 4096, swap: 5000 } });
    const tooLow = () => plan(present, { memorySwapLimitInBytes: long(4000) });
    expect(refusalOf(tooLow).message).toContain('below memory_limit_in_bytes "4096"');
  });

  it('merges huge pages by size and cgroup files by name', () => {
    const { resources, inForce } = plan(present, {
      hugepageLimits: [{ pageSize: '2MB', limit: long(2097152) }],
      unified: { 'memory.low': '1024' },
    });
    expect(resources.hugepageLimits).toEqual([{ pageSize: '2MB', limit: 2097152 }]);
    expect(resources.unified).toEqual({ 'memory.low': '1024' });
    expect(inForce.unified).toEqual({ 'memory.high': '2048', 'memory.low': '1024' });
    expect(inForce.hugepageLimits).toHaveLength(1);
    expect(toBigInt(inForce.hugepageLimits?.[0]?.limit)).toBe(2097152n);
  });

  it('forgets a cgroup file whose limit is written anew, and only that', () => {
    const files = { 'memory.max': '1M', 'cpu.max': '5000 10000', 'hugetlb.2MB.max': '0' };
    const { inForce } = plan({ ...present, unified: files }, { memoryLimitInBytes: long(8192) });
    expect(inForce.unified).toEqual({ 'cpu.max': '5000 10000', 'hugetlb.2MB.max': '0' });
    expect(numbers(inForce)).toMatchObject({
      memoryLimitInBytes: 8192n,
      cpuQuota: 5000n,
      cpuPeriod: 10_000n,
    });
    const pages = { hugepageLimits: [{ pageSize: '2MB', limit: long(2097152) }] };
    const after = plan({ ...present, unified: files }, { ...pages, cpuQuota: long(2000) }).inForce;
    expect(after.unified).toEqual({ 'memory.max': '1M' });
    expect(numbers(after)).toMatchObject({ memoryLimitInBytes: 1_048_576n, cpuQuota: 2000n });
  });

  it('gives the score that this host lets us give', () => {
    const host = { ...sampleHost, lowestOomScoreAdj: 100 };
    const { oomScoreAdj, inForce } = plan(present, { oomScoreAdj: long(-5) }, host);
    expect(oomScoreAdj).toBe(100);
    expect(toBigInt(inForce.oomScoreAdj)).toBe(100n);
  });

  it('refuses what creation refuses', () => {
    expect(refusalOf(() => plan(present, { cpuQuota: long(10) })).code).toBe('InvalidArgument');
  });
});
