// What a container has on disk beside its record, and how it goes away.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerId } from '../core/ids.ts';
import type { ContainerRecord } from '../store/record.ts';
import type { Deps } from './deps.ts';
import { destroyPod } from './destroy-pod.ts';

/** Directory of a container's writable layer. */
export function writableDir(deps: Deps, containerId: ContainerId): string {
  return join(deps.config.stateDir, 'containers', containerId);
}

/** The monitor's directory of a container: config.json and the exit record. */
export function bundleDir(
  deps: Deps,
  container: Pick<ContainerRecord, 'id' | 'sandboxId'>,
): string {
  return deps.monitors.containerDir(container.sandboxId, container.id);
}

/**
 * Kills the container if it lives, and removes its cgroup, its writable layer and its directory: the
 * monitor does while there is one; a container that may have outlived its monitor ends first, with its
 * pod. The image's layers may be collected afterwards. Throws Unavailable while the monitor is out of
 * reach, and what could not be ended or removed.
 */
export async function removeContainerFiles(deps: Deps, container: ContainerRecord): Promise<void> {
  const monitor = deps.monitors.find(container.sandboxId);
  if (monitor === undefined) {
    if (deps.monitors.isOutOfReach(container.sandboxId)) {
      deps.monitors.get(container.sandboxId); // throws: nothing may be taken from under a container
    }
    if (container.state !== 'exited') {
      await destroyPod(deps, container.sandboxId, 'its monitor is gone');
    }
    // Names in a writable layer are the container's own: only the helper, which follows nothing,
    // may walk it.
    await deps.launcher.removeTrees([writableDir(deps, container.id)]);
    await rm(bundleDir(deps, container), { recursive: true, force: true });
  } else {
    await monitor.removeContainer(container.id);
  }
  deps.images.release(container.id);
}
