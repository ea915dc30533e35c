import type { runtime } from '../../proto/gen/cri.js';
import { toNumber } from '../../proto/long.ts';
import { CriError } from '../core/error.ts';
import type { Deps } from './deps.ts';
import { applyExit } from './sandbox-end.ts';

/** The longest grace that a timer of ours can hold; about 24 days. */
const maxGraceMs = 2 ** 31 - 1;

/**
 * Sends the stop signal and, after `timeout` seconds (0 or less: at once), SIGKILL; returns at death.
 * Idempotent; an unknown container is fine. Does not queue behind other calls: a later one with less
 * grace must be able to overtake.
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
    const why = `the monitor of sandbox "${container.sandboxId}" is gone; its pod is being ended`;
    throw new CriError('Unavailable', `cannot stop container "${container.id}": ${why}`);
  }
  const graceMs = Math.min(Math.max(toNumber(request.timeout) * 1000, 0), maxGraceMs);
  const state = await monitor.stopContainer(container.id, container.stopSignal, graceMs);
  if (state.exit !== undefined) {
    await applyExit(deps, container.id, state.exit);
  }
  return {};
}
