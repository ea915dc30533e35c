import type { runtime } from '../../proto/gen/cri.js';
import { toNumber } from '../../proto/long.ts';
import { asCriError } from '../core/error.ts';
import type { ContainerRecord } from '../store/record.ts';
import { applyEnd, applyExit, mayBeAlive } from './container-end.ts';
import type { Deps } from './deps.ts';
import { destroyPod } from './destroy-pod.ts';

/** The longest grace that a timer of ours can hold; about 24 days. */
const maxGraceMs = 2 ** 31 - 1;

/**
 * Sends the stop signal and, after `timeout` seconds (0 or less: at once), SIGKILL; returns at death.
 * Idempotent; an unknown container is fine. Does not queue behind other calls: a later one with less
 * grace must be able to overtake. Throws Unavailable while the pod's monitor is out of reach.
 */
export async function stopContainer(
  deps: Deps,
  request: runtime.v1.StopContainerRequest.$Properties,
): Promise<Record<string, never>> {
  const container = request.containerId
    ? deps.store.containers.find(request.containerId)
    : undefined;
  if (container === undefined || container.state === 'exited') {
    return {};
  }
  const monitor = deps.monitors.find(container.sandboxId);
  if (monitor === undefined) {
    await stopWithoutMonitor(deps, container);
    return {};
  }
  const graceMs = Math.min(Math.max(toNumber(request.timeout) * 1000, 0), maxGraceMs);
  try {
    const state = await monitor.stopContainer(container.id, container.stopSignal, graceMs);
    if (state.exit !== undefined) {
      await applyExit(deps, container.id, state.exit);
    }
  } catch (error) {
    if (asCriError(error).code !== 'NotFound') {
      throw error;
    }
    await applyEnd(deps, container, 'its monitor does not know it');
  }
  return {};
}

// Nobody can stop one container of a pod that has lost its monitor: the pod ends as a whole.
async function stopWithoutMonitor(deps: Deps, container: ContainerRecord): Promise<void> {
  if (deps.monitors.isOutOfReach(container.sandboxId)) {
    deps.monitors.get(container.sandboxId); // throws
  }
  await deps.queue.run(container.sandboxId, async () => {
    const now = deps.store.containers.get(container.id);
    if (now !== undefined && mayBeAlive(now)) {
      await destroyPod(deps, container.sandboxId, 'its monitor is gone');
    }
  });
}
