// What a monitor that was reached again knows, and what that means for the records.
import { describeError } from '../core/error.ts';
import type { SandboxId } from '../core/ids.ts';
import type { MonitorClient } from '../isolator/monitor-client.ts';
import type { ContainerState, PodState } from '../isolator/monitor-messages.ts';
import type { ContainerChange, ContainerRecord } from '../store/record.ts';
import { applyEnd, applyExit, applyOomKills, mayBeAlive } from './container-end.ts';
import type { Deps } from './deps.ts';
import { followStart, isRunning } from './follow-start.ts';
import { keepContainerChange } from './keep-change.ts';

const SIGKILL = 9;

/**
 * Brings the records of a pod's containers up to date with its monitor; what the monitor has and no
 * record tells of is ended. Resolves when the records are right; never rejects.
 */
export async function takeInPodState(
  deps: Deps,
  sandboxId: SandboxId,
  pod: PodState,
  client: Pick<MonitorClient, 'removeContainer' | 'stopContainer'>,
): Promise<void> {
  const known = new Map(pod.containers.map((state) => [state.containerId, state]));
  const changes: Promise<void>[] = [];
  for (const container of deps.store.containers.ofSandbox(sandboxId)) {
    const state = known.get(container.id);
    known.delete(container.id);
    if (mayBeAlive(container)) {
      changes.push(bringUpToDate(deps, container, state));
    } else if (container.state === 'exited' && state !== undefined && state.exit === undefined) {
      const ended = client.stopContainer(container.id, SIGKILL, 0);
      report(deps, container.id, 'ending a container that was said to have exited', ended);
    }
  }
  for (const id of known.keys()) {
    report(deps, id, 'removing a container that no record names', client.removeContainer(id));
  }
  await Promise.all(changes);
}

async function bringUpToDate(
  deps: Deps,
  container: ContainerRecord,
  state: ContainerState | undefined,
): Promise<void> {
  if (state?.exit !== undefined) {
    await applyExit(deps, container.id, state.exit);
    return;
  }
  if (state?.oom !== undefined) {
    await applyOomKills(deps, container.id, state.oom);
  }
  const change = changeFor(container, state);
  if (change !== undefined) {
    await keepContainerChange(deps, container.id, change);
  } else if (state?.phase === 'running' && container.state === 'created') {
    followStart(deps, container);
  } else if (state === undefined) {
    await applyEnd(deps, container, 'its monitor does not know it');
  }
}

/** undefined: nothing to change, or nothing known. */
function changeFor(
  container: Pick<ContainerRecord, 'state'>,
  state: ContainerState | undefined,
): ContainerChange | undefined {
  return state !== undefined && isRunning(state) && container.state === 'created'
    ? { state: 'running', pid: state.pid, startedAtNs: state.startedAtNs }
    : undefined;
}

function report(deps: Deps, containerId: string, what: string, ended: Promise<unknown>): void {
  deps.log.warn({ containerId }, what);
  ended.catch((error: unknown) => {
    // The next connection finds it again.
    deps.log.error({ containerId, reason: describeError(error) }, `${what} failed`);
  });
}
