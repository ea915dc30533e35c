// Processes that the kernel killed for lack of memory: what users, logs and metrics are told.
import type { OomKills, OomLevel } from '../isolator/monitor-messages.ts';
import type { ContainerRecord } from '../store/record.ts';
import type { Deps } from './deps.ts';

/** Counts kills by the level whose limit was reached, since the server started. */
export class OomCounts {
  readonly #counts = new Map<OomLevel, number>();

  add(level: OomLevel, kills: number): void {
    this.#counts.set(level, (this.#counts.get(level) ?? 0) + kills);
  }

  /** Levels at which somebody was killed, and how many. */
  entries(): Iterable<[OomLevel, number]> {
    return this.#counts.entries();
  }
}

/** Logs and counts the kills that the container's record does not know of yet. */
export function reportOomKills(
  deps: Deps,
  container: Pick<ContainerRecord, 'id' | 'sandboxId' | 'oomKills' | 'config'>,
  oom: OomKills | undefined,
): void {
  const kills = (oom?.kills ?? 0) - container.oomKills;
  if (oom === undefined || kills <= 0) {
    return;
  }
  deps.oomCounts.add(oom.level, kills);
  const { level, cgroup, limitBytes } = oom;
  const name = container.config.metadata?.name ?? '';
  const { id: containerId, sandboxId } = container;
  const facts = { sandboxId, containerId, name, kills, level, cgroup, limitBytes };
  deps.log.warn(facts, 'the kernel killed processes of a container for lack of memory');
}

/** What ContainerStatus.message says of kills; "" when there were none. */
export function oomMessage(oom: OomKills | undefined): string {
  if (oom === undefined) {
    return '';
  }
  const victims = oom.kills === 1 ? '1 process' : `${oom.kills} processes`;
  return `the kernel killed ${victims} of it for lack of memory: ${reason(oom)}`;
}

function reason({ level, cgroup, limitBytes }: OomKills): string {
  const limit = limitBytes === 0 ? 'limit' : `limit of ${limitBytes} bytes`;
  const reasons: Readonly<Record<OomLevel, string>> = {
    container: `the container's ${limit} was reached`,
    pod: `the pod's ${limit} was reached (cgroup "${cgroup}")`,
    ancestor: `the ${limit} of cgroup "${cgroup}", which is above the pod, was reached`,
    node: 'the node had no memory left',
    unknown: 'nobody knows whose limit was reached',
  };
  return reasons[level];
}
