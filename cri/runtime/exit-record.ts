// The exit records that monitors leave on disk, for when nobody is there to be asked.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { estiba } from '../../proto/gen/isolation.js';
import { describeError } from '../core/error.ts';
import type { ExitRecord } from '../isolator/monitor-messages.ts';
import { exitRecordFromWire } from '../isolator/monitor-wire.ts';
import type { ContainerChange, ContainerRecord } from '../store/record.ts';
import { exitChange, lostChange } from './container-exit.ts';
import type { Deps } from './deps.ts';

/** Returns what the monitor wrote when the container ended; undefined when it wrote nothing usable. */
export async function readExitRecord(
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

/** The change for a container that no monitor knows any more: its exit record, or `why` without one. */
export async function endChange(
  deps: Deps,
  container: ContainerRecord,
  why: string,
): Promise<ContainerChange> {
  const exit = await readExitRecord(deps, container);
  return exit === undefined ? lostChange(why, deps.clock.nowNs()) : exitChange(exit);
}
