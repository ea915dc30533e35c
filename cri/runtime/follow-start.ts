// How a start went whose answer was lost or bad: the monitor knows, and only what it says is recorded.
import type { Logger } from 'pino';
import { describeError } from '../core/error.ts';
import { PersistentJobs } from '../core/persistent-jobs.ts';
import type { ContainerState } from '../isolator/monitor-messages.ts';
import type { ContainerRecord } from '../store/record.ts';
import { applyExit } from './container-end.ts';
import type { Deps } from './deps.ts';
import { keepContainerChange } from './keep-change.ts';

/** "starting": let go, and execve has not succeeded yet, as when it waits for a slow volume. */
export type StartOutcome = 'notStarted' | 'starting' | 'started' | 'failed';

type Started = Pick<ContainerRecord, 'id' | 'sandboxId'>;

/** Asks the monitor how the container's start went and records it. Throws when it cannot be asked. */
export async function askOutcome(deps: Deps, container: Started): Promise<StartOutcome> {
  const pod = await deps.monitors.get(container.sandboxId).getPod();
  const state = pod.containers.find(({ containerId }) => containerId === container.id);
  if (state?.exit !== undefined) {
    await applyExit(deps, container.id, state.exit);
    return state.exit.startFailed || state.exit.startedAtNs === 0n ? 'failed' : 'started';
  }
  if (state !== undefined && isRunning(state)) {
    await recordRunning(deps, container.id, state);
    return 'started';
  }
  return state?.phase === 'running' ? 'starting' : 'notStarted';
}

/** False while its execve has not succeeded. */
export function isRunning({ phase, startedAtNs }: ContainerState): boolean {
  return phase === 'running' && startedAtNs > 0n;
}

/** Makes a created container running; one that was reported as exited meanwhile stays that. */
export async function recordRunning(
  deps: Deps,
  containerId: string,
  { pid, startedAtNs }: Pick<ContainerState, 'pid' | 'startedAtNs'>,
): Promise<void> {
  if (deps.store.containers.get(containerId)?.state === 'created') {
    await keepContainerChange(deps, containerId, { state: 'running', pid, startedAtNs });
  }
}

/**
 * The jobs of `followStart`: no left-overs that may take their time, the kubelet waits to see the
 * container run. Pauses in the program's way there are therefore short.
 */
export function startFollowers(log: Logger): PersistentJobs {
  return new PersistentJobs({
    firstPauseMs: 1_000,
    longestPauseMs: 5_000,
    onFailure: (job, error, pauseMs) => {
      log.info({ job, reason: describeError(error), pauseMs }, 'not started yet; asked again');
    },
  });
}

/** Records in the background that a container runs, as soon as it does. Its end is an event. */
export function followStart(deps: Deps, container: Started): void {
  deps.starts.start(`follow the start of container "${container.id}"`, async () => {
    if (deps.store.containers.get(container.id)?.state !== 'created') {
      return;
    }
    const outcome = await askOutcome(deps, container);
    if (outcome === 'starting') {
      throw new Error('its program has not been executed yet');
    }
  });
}
