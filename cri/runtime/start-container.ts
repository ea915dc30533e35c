import { asCriError, CriError } from '../core/error.ts';
import type { ContainerRecord } from '../store/record.ts';
import { lostChange } from './container-exit.ts';
import type { Deps } from './deps.ts';
import { mustBeReady } from './requested.ts';

/**
 * Lets a created container run. Throws NotFound, FailedPrecondition (not in state created, sandbox
 * not ready) and what execve said; the container is then EXITED with reason StartError.
 */
export async function startContainer(
  deps: Deps,
  request: { readonly containerId?: string | null },
): Promise<Record<string, never>> {
  const { id, sandboxId } = deps.store.containers.resolve(request.containerId ?? '');
  await deps.queue.run(sandboxId, () => start(deps, deps.store.containers.resolve(id)));
  return {};
}

async function start(deps: Deps, container: ContainerRecord): Promise<void> {
  if (container.state !== 'created') {
    const why = `it is ${container.state}, not created`;
    throw new CriError('FailedPrecondition', `cannot start container "${container.id}": ${why}`);
  }
  const sandbox = deps.store.sandboxes.resolve(container.sandboxId);
  mustBeReady(sandbox, `start container "${container.id}"`);
  let started;
  try {
    started = await deps.monitors.get(container.sandboxId).startContainer(container.id);
  } catch (error) {
    await recordFailure(deps, container, asCriError(error));
    throw error;
  }
  const { pid, startedAtNs } = started;
  // A program that ends at once may have been reported as exited before this answer was handled.
  if (deps.store.containers.get(container.id)?.state === 'created') {
    await deps.store.containers.update(container.id, () => ({
      state: 'running',
      pid,
      startedAtNs,
    }));
  }
}

// The monitor reports the end of an init whose execve failed; this is for answers without that.
async function recordFailure(
  deps: Deps,
  container: ContainerRecord,
  error: CriError,
): Promise<void> {
  const isLost = error.code === 'Unavailable' || error.code === 'DeadlineExceeded';
  if (isLost || deps.store.containers.get(container.id)?.state !== 'created') {
    return;
  }
  await deps.store.containers.update(container.id, () => ({
    ...lostChange(error.message, deps.clock.nowNs()),
    exitCode: startErrorExitCode,
    reason: 'StartError',
  }));
}

/** What containerd reports for a program that never ran. */
const startErrorExitCode = 128;
