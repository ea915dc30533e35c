// Changes of limits: what to write, and what is in force then.
import { toBigInt } from '../../proto/long.ts';
import type { LongLike } from '../../proto/long.ts';
import type { CriResources } from './cri-types.ts';
import { notOverwritten, resourcesInForce } from './in-force.ts';
import type { HostFacts } from './input.ts';
import { limits, oomScoreAdj } from './resources.ts';
import type { Limits } from './resources.ts';

/** A checked change. */
export interface ResourceUpdate {
  /** Only what changes; the rest stays. */
  readonly resources: Limits['resources'];
  /** undefined: stays. */
  readonly oomScoreAdj: number | undefined;
  /** For ContainerStatus.resources once the change is made. */
  readonly inForce: CriResources;
  /** What was done less than asked and why, for the log. */
  readonly notes: readonly string[];
}

/**
 * Plans the change of a container's limits: 0, "" and absent mean that a limit stays as it is. A memory
 * limit without a limit of memory and swap takes the right to swap, as at creation. Throws as `limits`.
 */
export function planUpdate(
  present: CriResources,
  asked: CriResources,
  host: HostFacts,
): ResourceUpdate {
  const merged = merge(present, asked);
  const memory = isSet(asked.memoryLimitInBytes) || isSet(asked.memorySwapLimitInBytes);
  // Each needs the other: swap alone is the difference of the two.
  const pair = {
    memoryLimitInBytes: merged.memoryLimitInBytes ?? null,
    memorySwapLimitInBytes: merged.memorySwapLimitInBytes ?? null,
  };
  const { resources, notes } = limits(memory ? { ...asked, ...pair } : asked, host, 0);
  return {
    resources,
    oomScoreAdj: isSet(asked.oomScoreAdj) ? oomScoreAdj(asked, host) : undefined,
    inForce: resourcesInForce(merged, host),
    notes,
  };
}

function merge(present: CriResources, asked: CriResources): CriResources {
  const number = (
    field: 'cpuPeriod' | 'cpuQuota' | 'cpuShares' | 'memoryLimitInBytes' | 'oomScoreAdj',
  ) => (isSet(asked[field]) ? asked[field] : present[field]) ?? null;
  const swap = isSet(asked.memoryLimitInBytes)
    ? asked.memorySwapLimitInBytes
    : isSet(asked.memorySwapLimitInBytes)
      ? asked.memorySwapLimitInBytes
      : present.memorySwapLimitInBytes;
  const pages = new Map(
    [...(present.hugepageLimits ?? []), ...(asked.hugepageLimits ?? [])].map(
      (entry) => [entry.pageSize ?? '', entry] as const,
    ),
  );
  return {
    cpuPeriod: number('cpuPeriod'),
    cpuQuota: number('cpuQuota'),
    cpuShares: number('cpuShares'),
    memoryLimitInBytes: number('memoryLimitInBytes'),
    memorySwapLimitInBytes: swap ?? null,
    oomScoreAdj: number('oomScoreAdj'),
    cpusetCpus: asked.cpusetCpus || present.cpusetCpus || '',
    cpusetMems: asked.cpusetMems || present.cpusetMems || '',
    hugepageLimits: [...pages.values()],
    unified: { ...notOverwritten(present.unified ?? {}, asked), ...asked.unified },
  };
}

function isSet(value: LongLike | null | undefined): boolean {
  return toBigInt(value) !== 0n;
}
