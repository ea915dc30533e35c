// Processes that the kernel killed for lack of memory: what users, logs and metrics are told.
import type { OomKills, OomLevel } from '../isolator/monitor-messages.ts';
import type { ContainerRecord } from '../store/record.ts';
import type { Deps } from './deps.ts';

/** A container that loses processes all the time gets one line of the log in this time. */
const lineIntervalMs = 10_000;

interface Untold {
  kills: number;
  tell: (kills: number) => void;
  readonly timer: NodeJS.Timeout;
}

/** Counts kills since the server started, and keeps a loop of them from filling the log. */
export class OomReports {
  readonly #counts = new Map<OomLevel, number>();
  /** Containers with a line not long ago, and what has come since. */
  readonly #untold = new Map<string, Untold>();

  /** Levels at which somebody was killed, and how many. */
  entries(): Iterable<[OomLevel, number]> {
    return this.#counts.entries();
  }

  /**
   * Counts kills. `tell` is called with how many are to be told: now, or, when there was a line of the
   * container not long ago, later and with all that come until then.
   */
  add(containerId: string, level: OomLevel, kills: number, tell: Untold['tell']): void {
    this.#counts.set(level, (this.#counts.get(level) ?? 0) + kills);
    const untold = this.#untold.get(containerId);
    if (untold === undefined) {
      tell(kills);
      this.#pause(containerId, tell);
    } else {
      untold.kills += kills;
      untold.tell = tell;
    }
  }

  /** The container has ended: what waits to be told is told now. */
  end(containerId: string): void {
    const untold = this.#untold.get(containerId);
    this.#untold.delete(containerId);
    clearTimeout(untold?.timer);
    if (untold !== undefined && untold.kills > 0) {
      untold.tell(untold.kills);
    }
  }

  #pause(containerId: string, tell: Untold['tell']): void {
    const timer = setTimeout(() => {
      const waiting = this.#untold.get(containerId);
      this.end(containerId);
      if (waiting !== undefined && waiting.kills > 0) {
        this.#pause(containerId, waiting.tell);
      }
    }, lineIntervalMs).unref();
    this.#untold.set(containerId, { kills: 0, tell, timer });
  }
}

/** Logs and counts the kills that the container's record does not know of yet. */
export function reportOomKills(
  deps: Deps,
  container: Pick<ContainerRecord, 'id' | 'sandboxId' | 'oomKills' | 'config'>,
  oom: OomKills | undefined,
): void {
  const news = (oom?.kills ?? 0) - container.oomKills;
  if (oom === undefined || news <= 0) {
    return;
  }
  const { level, cgroup, limitBytes } = oom;
  const name = container.config.metadata?.name ?? '';
  const { id: containerId, sandboxId } = container;
  deps.oomReports.add(containerId, level, news, (kills) => {
    const facts = { sandboxId, containerId, name, kills, level, cgroup, limitBytes };
    deps.log.warn(facts, 'the kernel killed processes of a container for lack of memory');
  });
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
