// How the end of a container reaches its record: from whoever tells first, and only once.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { estiba } from '../../proto/gen/isolation.js';
import { describeError } from '../core/error.ts';
import type { ExitRecord, OomKills } from '../isolator/monitor-messages.ts';
import { exitRecordFromWire } from '../isolator/monitor-wire.ts';
import type { ContainerChange, ContainerRecord } from '../store/record.ts';
import { exitChange, lostChange } from './container-exit.ts';
import type { Deps } from './deps.ts';
import { keepContainerChange } from './keep-change.ts';
import { oomMessage, reportOomKills } from './oom-kills.ts';

/** Whether something of the container may still run. */
export function mayBeAlive({ state }: ContainerRecord): boolean {
  return state !== 'exited' && state !== 'creating';
}

/** Applies what a monitor knows about a container's end to its record, whichever came first. */
export async function applyExit(deps: Deps, containerId: string, exit: ExitRecord): Promise<void> {
  await endOnce(deps, containerId, exitChange(exit), exit.oom);
}

/** Tells, once, of processes that were killed for lack of memory in a container that lives on. */
export async function applyOomKills(deps: Deps, containerId: string, oom: OomKills): Promise<void> {
  const now = deps.store.containers.get(containerId);
  if (now !== undefined && mayBeAlive(now) && oom.kills > now.oomKills) {
    reportOomKills(deps, now, oom);
    const change = { oomKills: oom.kills, message: oomMessage(oom) };
    await keepContainerChange(deps, containerId, change);
  }
}

/**
 * Marks a container as ended that no monitor knows any more: with the exit record that one left, or
 * for `why` without one. One whose exit is told meanwhile keeps what was told.
 */
export async function applyEnd(
  deps: Deps,
  container: Pick<ContainerRecord, 'id' | 'sandboxId'>,
  why: string,
): Promise<void> {
  const exit = await readExitRecord(deps, container);
  const change = exit === undefined ? lostChange(why, deps.clock.nowNs()) : exitChange(exit);
  await endOnce(deps, container.id, change, exit?.oom);
}

// The record as it is now: whoever saw an older one has waited since.
async function endOnce(
  deps: Deps,
  containerId: string,
  change: ContainerChange,
  oom: OomKills | undefined,
): Promise<void> {
  const now = deps.store.containers.get(containerId);
  if (now !== undefined && mayBeAlive(now)) {
    reportOomKills(deps, now, oom);
    deps.oomReports.end(containerId);
    await keepContainerChange(deps, containerId, change);
  }
}

/** Returns what the monitor wrote when the container ended; undefined when it wrote nothing usable. */
async function readExitRecord(
  deps: Deps,
  container: Pick<ContainerRecord, 'id' | 'sandboxId'>,
): Promise<ExitRecord | undefined> {
  const path = join(deps.monitors.containerDir(container.sandboxId, container.id), 'exit');
  try {
    return exitRecordFromWire(estiba.isolation.v1.ExitRecord.decode(await readFile(path)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      deps.log.error({ path, reason: describeError(error) }, 'cannot read an exit record');
    }
    return undefined;
  }
}
