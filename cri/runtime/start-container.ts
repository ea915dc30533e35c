import { asCriError, CriError, describeError } from '../core/error.ts';
import type { MonitorClient } from '../isolator/monitor-client.ts';
import type { ContainerRecord } from '../store/record.ts';
import { lostChange } from './container-exit.ts';
import type { Deps } from './deps.ts';
import { askOutcome, followStart, recordRunning } from './follow-start.ts';
import { keepContainerChange } from './keep-change.ts';
import { mustBeReady } from './requested.ts';

/**
 * Lets a created container run. Throws NotFound, FailedPrecondition (not in state created, sandbox
 * not ready) and what execve said; the container is then EXITED with reason StartError. Where the
 * program takes longer than the answer may, DeadlineExceeded; it is recorded as running when it runs.
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
  const monitor = deps.monitors.get(container.sandboxId);
  try {
    const started = await monitor.startContainer(container.id);
    await recordRunning(deps, container.id, started);
  } catch (error) {
    await onFailure(deps, container, monitor, asCriError(error));
  }
}

// An answer that is lost or bad proves nothing: the program may run. Throws `error` unless it does.
async function onFailure(
  deps: Deps,
  container: ContainerRecord,
  monitor: MonitorClient,
  error: CriError,
): Promise<void> {
  // Where the monitor cannot be asked now, what it knows is taken in when it is reached again.
  const outcome = await askOutcome(deps, container).catch(() => undefined);
  if (outcome === 'started') {
    deps.log.warn({ containerId: container.id, reason: error.message }, 'a container started late');
    return;
  }
  const isLost = error.code === 'Unavailable' || error.code === 'DeadlineExceeded';
  if (outcome === 'starting') {
    // Any other error is execve's own: the exit that follows is an event.
    if (isLost || error.code === 'FailedPrecondition') {
      followStart(deps, container);
    }
  } else if (outcome === 'notStarted' && !isLost) {
    await recordRefusal(deps, container, error);
    // What was refused is still parked.
    await monitor.stopContainer(container.id, SIGKILL, 0).catch((why: unknown) => {
      const facts = { containerId: container.id, reason: describeError(why) };
      deps.log.warn(facts, 'cannot end a container that did not start');
    });
  }
  throw error;
}

async function recordRefusal(
  deps: Deps,
  container: ContainerRecord,
  error: CriError,
): Promise<void> {
  if (deps.store.containers.get(container.id)?.state === 'created') {
    await keepContainerChange(deps, container.id, {
      ...lostChange(error.message, deps.clock.nowNs()),
      exitCode: startErrorExitCode,
      reason: 'StartError',
    });
  }
}

const SIGKILL = 9;

/** What containerd reports for a program that never ran. */
const startErrorExitCode = 128;
