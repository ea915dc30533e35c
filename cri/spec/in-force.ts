// Which limits hold once a request has been carried out: what ContainerStatus.resources tells. Numbers
// that the kernel rounds (memory to pages, shares to weights) stay as they were asked for: the kubelet
// compares them with its own, and would otherwise take a change for one that never comes to its end.
import { toBigInt, toLong } from '../../proto/long.ts';
import type { CriResources } from './cri-types.ts';
import type { HostFacts } from './input.ts';
import { oomScoreAdj } from './resources.ts';

type Unified = Readonly<Record<string, string>>;

const leastShares = 2n;
const mostShares = 262_144n;
/** Microseconds: the kernel's own where a quota comes without a period. */
const usualPeriod = 100_000n;

/** What is in force of limits that were asked for and set; files of `unified` have the last word. */
export function resourcesInForce(asked: CriResources, host: HostFacts): CriResources {
  const files: Unified = asked.unified ?? {};
  return {
    ...asked,
    ...cpu(asked, files),
    ...memory(asked, files, host),
    cpusetCpus: files['cpuset.cpus'] ?? asked.cpusetCpus ?? '',
    cpusetMems: files['cpuset.mems'] ?? asked.cpusetMems ?? '',
    oomScoreAdj: toLong(oomScoreAdj(asked, host)),
    hugepageLimits: hugepages(asked, files, host),
  };
}

/** Of files that were written before, those that a change with these fields does not write anew. */
export function notOverwritten(files: Unified, change: CriResources): Record<string, string> {
  const isSet = (...values: Parameters<typeof toBigInt>[0][]) =>
    values.some((value) => toBigInt(value) !== 0n);
  const { memoryLimitInBytes, memorySwapLimitInBytes } = change;
  const overwrites: Readonly<Record<string, boolean>> = {
    'memory.max': isSet(memoryLimitInBytes, memorySwapLimitInBytes),
    'memory.swap.max': isSet(memoryLimitInBytes, memorySwapLimitInBytes),
    'cpu.max': isSet(change.cpuQuota, change.cpuPeriod),
    'cpu.weight': isSet(change.cpuShares),
    'cpuset.cpus': (change.cpusetCpus ?? '') !== '',
    'cpuset.mems': (change.cpusetMems ?? '') !== '',
  };
  const sizes = (change.hugepageLimits ?? []).map(({ pageSize }) => `hugetlb.${pageSize}.max`);
  return Object.fromEntries(
    Object.entries(files).filter(([file]) => overwrites[file] !== true && !sizes.includes(file)),
  );
}

function cpu(
  asked: CriResources,
  files: Unified,
): Pick<CriResources, 'cpuShares' | 'cpuQuota' | 'cpuPeriod'> {
  const shares = toBigInt(asked.cpuShares);
  const inRange = shares < leastShares ? leastShares : shares > mostShares ? mostShares : shares;
  const cpuShares = toLong(shares === 0n ? 0n : inRange);
  const [quotaText, periodText] = files['cpu.max']?.trim().split(/\s+/u) ?? [];
  const quota = number(quotaText) ?? toBigInt(asked.cpuQuota);
  const period = number(periodText) ?? toBigInt(asked.cpuPeriod);
  const isBounded = quota !== 0n || period !== 0n;
  return {
    cpuShares,
    cpuQuota: toLong(quota),
    cpuPeriod: toLong(period === 0n && isBounded ? usualPeriod : period),
  };
}

function memory(
  asked: CriResources,
  files: Unified,
  host: HostFacts,
): Pick<CriResources, 'memoryLimitInBytes' | 'memorySwapLimitInBytes'> {
  const wanted = toBigInt(asked.memoryLimitInBytes);
  const both = toBigInt(asked.memorySwapLimitInBytes);
  const own = both === 0n || wanted <= 0n ? 0n : both - wanted;
  const limit = number(files['memory.max']) ?? wanted;
  const swap = number(files['memory.swap.max']) ?? (both < 0n ? -1n : own);
  const isSwapSet = wanted !== 0n || both !== 0n || files['memory.swap.max'] !== undefined;
  const sum = limit < 0n || swap < 0n ? -1n : limit + swap;
  return {
    memoryLimitInBytes: toLong(limit),
    memorySwapLimitInBytes: toLong(host.swapLimit && isSwapSet && limit !== 0n ? sum : 0n),
  };
}

function hugepages(
  asked: CriResources,
  files: Unified,
  host: HostFacts,
): NonNullable<CriResources['hugepageLimits']> {
  const limits = new Map(
    (asked.hugepageLimits ?? []).map(({ pageSize, limit }) => [pageSize ?? '', toBigInt(limit)]),
  );
  for (const pageSize of host.hugepageSizes) {
    const written = number(files[`hugetlb.${pageSize}.max`]);
    if (written !== undefined) {
      limits.set(pageSize, written < 0n ? 2n ** 63n - 1n : written);
    }
  }
  return [...limits]
    .filter(([pageSize]) => host.hugepageSizes.includes(pageSize))
    .map(([pageSize, limit]) => ({ pageSize, limit: toLong(limit) }));
}

/** A limit as a cgroup file takes it: "max" (-1), or a number with K, M or G; undefined for others. */
function number(text: string | undefined): bigint | undefined {
  const word = text?.trim().toLowerCase() ?? '';
  if (word === 'max') {
    return -1n;
  }
  const [, digits, unit = ''] = /^(\d{1,18})([kmg]?)$/u.exec(word) ?? [];
  if (digits === undefined) {
    return undefined;
  }
  const value = BigInt(digits) * 1024n ** BigInt(['', 'k', 'm', 'g'].indexOf(unit));
  return value < 2n ** 63n ? value : undefined;
}
