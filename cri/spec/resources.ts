// Limits: CRI's resources as the OCI spec has them.
import { toBigInt } from '../../proto/long.ts';
import type { LongLike } from '../../proto/long.ts';
import type { CriResources } from './cri-types.ts';
import type { HostFacts, SpecSettings } from './input.ts';
import { notOnThisHost, quote, refused } from './refusal.ts';
import type { OciResources, OciRlimit } from './types.ts';

/** Limits without device rules, and what was left out. */
export interface Limits {
  readonly resources: Omit<OciResources, 'devices'>;
  readonly notes: readonly string[];
}

/**
 * The limits of a container; 0 and "" mean not set. Memory without a swap limit may not swap.
 * Throws InvalidArgument for values no kernel takes, FailedPrecondition where the host lacks the
 * controller.
 */
export function limits(asked: CriResources, host: HostFacts, pidsLimit: number): Limits {
  const notes: string[] = [];
  const memory = memoryLimits(asked, host, notes);
  const cpu = cpuLimits(asked);
  const hugepages = hugepageLimits(asked, host, notes);
  const unified = unifiedLimits(asked, host);
  const resources = {
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(pidsLimit > 0 ? { pids: { limit: pidsLimit } } : {}),
    ...(hugepages.length > 0 ? { hugepageLimits: hugepages } : {}),
    ...(Object.keys(unified).length > 0 ? { unified } : {}),
  };
  return { resources, notes };
}

/** The score for /proc/<pid>/oom_score_adj, or the lowest that this host lets us give. */
export function oomScoreAdj(asked: CriResources, host: HostFacts): number {
  const score = within(asked.oomScoreAdj, 'oom_score_adj', -1000, 1000);
  return Math.max(score, host.lowestOomScoreAdj);
}

function memoryLimits(
  asked: CriResources,
  host: HostFacts,
  notes: string[],
): { limit?: number; swap?: number } {
  const limit = bytes(asked.memoryLimitInBytes, 'memory_limit_in_bytes');
  const asSwap = bytes(asked.memorySwapLimitInBytes, 'memory_swap_limit_in_bytes');
  if (asSwap > 0 && limit > asSwap) {
    const why = `it is below memory_limit_in_bytes "${limit}" (it counts memory and swap)`;
    throw refused(`use memory_swap_limit_in_bytes "${asSwap}"`, why);
  }
  const swap = asSwap === 0 ? limit : asSwap;
  if (swap !== 0 && !host.swapLimit) {
    if (asSwap !== 0) {
      notes.push(`memory_swap_limit_in_bytes "${asSwap}" is not set: this host cannot limit swap`);
    }
    return limit === 0 ? {} : { limit };
  }
  return { ...(limit === 0 ? {} : { limit }), ...(swap === 0 ? {} : { swap }) };
}

// Negative and beyond 2^53 mean no limit; the kernel counts in pages below 2^63 anyway.
function bytes(value: LongLike | null | undefined, field: string): number {
  const count = toBigInt(value);
  if (count < -1n) {
    throw refused(`use ${field}`, `"${count}" is negative`);
  }
  return count > BigInt(Number.MAX_SAFE_INTEGER) ? -1 : Number(count);
}

function cpuLimits(asked: CriResources): NonNullable<OciResources['cpu']> {
  const shares = within(asked.cpuShares, 'cpu_shares', 0, 2 ** 32);
  const quota = within(asked.cpuQuota, 'cpu_quota', -1, Number.MAX_SAFE_INTEGER);
  const period = within(asked.cpuPeriod, 'cpu_period', 0, 1_000_000);
  if (quota > 0 && quota < 1000) {
    throw refused('use cpu_quota', `"${quota}" is below the kernel’s 1000 microseconds`);
  }
  if (period > 0 && period < 1000) {
    throw refused('use cpu_period', `"${period}" is below the kernel’s 1000 microseconds`);
  }
  const cpus = cpuList(asked.cpusetCpus ?? '', 'cpuset_cpus');
  const mems = cpuList(asked.cpusetMems ?? '', 'cpuset_mems');
  return {
    ...(shares === 0 ? {} : { shares }),
    ...(quota === 0 ? {} : { quota }),
    ...(period === 0 ? {} : { period }),
    ...(cpus === '' ? {} : { cpus }),
    ...(mems === '' ? {} : { mems }),
  };
}

function cpuList(text: string, field: string): string {
  if (text !== '' && !/^\d{1,5}(-\d{1,5})?(,\d{1,5}(-\d{1,5})?)*$/u.test(text)) {
    throw refused(`use ${field}`, `${quote(text)} is not a list such as "0-3,7"`);
  }
  return text;
}

function hugepageLimits(
  asked: CriResources,
  host: HostFacts,
  notes: string[],
): { pageSize: string; limit: number }[] {
  const limits = (asked.hugepageLimits ?? []).map((entry) => ({
    pageSize: entry.pageSize ?? '',
    limit: toBigInt(entry.limit),
  }));
  for (const { pageSize } of limits) {
    if (!/^\d{1,6}[KMG]B$/u.test(pageSize)) {
      throw refused('limit huge pages', `page size ${quote(pageSize)} is not one such as "2MB"`);
    }
  }
  const unknown = limits.filter(({ pageSize }) => !host.hugepageSizes.includes(pageSize));
  const wanted = unknown.find(({ limit }) => limit > 0n);
  if (wanted !== undefined) {
    throw notOnThisHost('limit huge pages', `no hugetlb cgroup for page size "${wanted.pageSize}"`);
  }
  if (unknown.length > 0) {
    // The kubelet sends 0 for every size it knows, also where nothing can enforce it.
    const sizes = unknown.map(({ pageSize }) => pageSize).join(', ');
    notes.push(
      `huge pages of ${sizes} are not limited to 0: this host has no hugetlb cgroup for them`,
    );
  }
  return limits
    .filter(({ pageSize }) => host.hugepageSizes.includes(pageSize))
    .filter(({ limit }) => limit <= BigInt(Number.MAX_SAFE_INTEGER))
    .map(({ pageSize, limit }) => ({ pageSize, limit: Number(limit) }));
}

function unifiedLimits(asked: CriResources, host: HostFacts): Readonly<Record<string, string>> {
  const entries = Object.entries(asked.unified ?? {});
  for (const [file, value] of entries) {
    const action = `set cgroup file ${quote(file)}`;
    // Files named cgroup.* move processes, kill them and hand out controllers.
    if (!/^[a-z0-9_]+(\.[A-Za-z0-9_-]+)+$/u.test(file) || file.startsWith('cgroup.')) {
      throw refused(action, 'it is not the file of a controller');
    }
    if (value.includes('\0')) {
      throw refused(action, `${quote(value)} holds a NUL byte`);
    }
    if (host.cgroupVersion === 'v1') {
      throw notOnThisHost(action, 'it needs cgroup v2');
    }
  }
  return Object.fromEntries(entries);
}

function within(
  value: LongLike | null | undefined,
  field: string,
  lowest: number,
  highest: number,
): number {
  const number = toBigInt(value);
  if (number < BigInt(lowest) || number > BigInt(highest)) {
    throw refused(`use ${field}`, `"${number}" is not between ${lowest} and ${highest}`);
  }
  return Number(number);
}

/** Resource limits of the process, cut to what this host lets us hand out. */
export function rlimits(
  settings: SpecSettings,
  host: HostFacts,
): { rlimits: readonly OciRlimit[]; notes: readonly string[] } {
  const asked = settings.rlimitNofile;
  const hard = Math.min(asked.hard, host.nofileHardLimit);
  const soft = Math.min(asked.soft, hard);
  const notes =
    hard < asked.hard ? [`RLIMIT_NOFILE is ${soft}:${hard}, not ${asked.soft}:${asked.hard}`] : [];
  return { rlimits: [{ type: 'RLIMIT_NOFILE', soft, hard }], notes };
}
