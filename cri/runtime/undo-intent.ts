// Creates that a crash of `serve` interrupted: an intent is on disk and nobody was told of the object.
import { rm } from 'node:fs/promises';
import { describeError } from '../core/error.ts';
import type { ContainerId, SandboxId } from '../core/ids.ts';
import { describeFailures, UndoStack } from '../core/undo-stack.ts';
import { removeContainerFiles } from './container-files.ts';
import type { Deps } from './deps.ts';
import { destroyPod } from './destroy-pod.ts';
import { keepContainerChange, keepSandboxChange } from './keep-change.ts';
import { podFilePaths, removePodFiles } from './pod-files.ts';

const interrupted = 'the server was interrupted while it made this';
/** What a monitor that is out of reach gets to answer. */
const patienceMs = 5_000;

/**
 * Takes back a sandbox that was being made; it is gone afterwards. What cannot be taken back stays
 * listed as NOTREADY with the reason, so that the kubelet removes it. Never rejects.
 */
export async function undoSandboxIntent(deps: Deps, sandboxId: SandboxId): Promise<void> {
  const undo = new UndoStack();
  undo.push('remove the pod files', () =>
    removePodFiles(podFilePaths(deps.config.stateDir, sandboxId)),
  );
  undo.push('release the network', (signal) => deps.network.detach(sandboxId, true, signal));
  undo.push('end the pod', (signal) => destroyPod(deps, sandboxId, interrupted, signal));
  const failures = await undo.unwind(deps.config.timeouts.undoSeconds * 1000);
  try {
    if (failures.length > 0) {
      throw new Error(describeFailures(failures));
    }
    // Last: it holds the monitor's record of what is to be ended.
    await rm(deps.monitors.podDir(sandboxId), { recursive: true, force: true });
    await deps.store.sandboxes.remove(sandboxId);
  } catch (error) {
    const reason = `${interrupted}; ${describeError(error)}`;
    deps.log.error({ sandboxId, reason }, 'an interrupted start could not be undone completely');
    await keepSandboxChange(deps, sandboxId, { state: 'notReady', reason });
    deps.network.detachInBackground(sandboxId, true);
  }
}

/** As undoSandboxIntent; a container that stays is listed as unknown. */
export async function undoContainerIntent(deps: Deps, containerId: ContainerId): Promise<void> {
  const container = deps.store.containers.get(containerId);
  if (container === undefined) {
    return;
  }
  try {
    await deps.monitors.findWithin(container.sandboxId, patienceMs);
    await removeContainerFiles(deps, container);
    await deps.store.containers.remove(containerId);
  } catch (error) {
    const message = `${interrupted}; ${describeError(error)}`;
    deps.log.error({ containerId, reason: message }, 'an interrupted create could not be undone');
    const change = { state: 'unknown', reason: 'CreateError', message } as const;
    await keepContainerChange(deps, containerId, change);
  }
}
