// Changes that are true whether or not they could be saved: they are in force at once, and the table
// saves them as soon as it can. Nobody's pod ends because /run is full.
import { describeError } from '../core/error.ts';
import type { ContainerChange, SandboxChange } from '../store/record.ts';
import type { Deps } from './deps.ts';

/** Changes a container; a save that fails is logged. A container that is gone is fine. */
export async function keepContainerChange(
  deps: Deps,
  containerId: string,
  change: ContainerChange,
): Promise<void> {
  if (deps.store.containers.get(containerId) !== undefined) {
    await deps.store.containers
      .update(containerId, () => change)
      .catch((error: unknown) => {
        deps.log.error({ containerId, reason: describeError(error) }, 'cannot save a change yet');
      });
  }
}

/** As keepContainerChange, for a sandbox. */
export async function keepSandboxChange(
  deps: Deps,
  sandboxId: string,
  change: SandboxChange,
): Promise<void> {
  if (deps.store.sandboxes.get(sandboxId) !== undefined) {
    await deps.store.sandboxes
      .update(sandboxId, () => change)
      .catch((error: unknown) => {
        deps.log.error({ sandboxId, reason: describeError(error) }, 'cannot save a change yet');
      });
  }
}
