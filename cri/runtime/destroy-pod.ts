// How a pod ends when there is no monitor to be asked.
import { join } from 'node:path';
import type { SandboxId } from '../core/ids.ts';
import { applyEnd, mayBeAlive } from './container-end.ts';
import type { Deps } from './deps.ts';

/**
 * Ends a pod without its monitor: kills its cgroups, and the monitor if it hangs, unpins its network
 * namespace and marks its containers as ended, with their exit record or else for `why`. The pod's
 * directory stays until the sandbox is removed. Idempotent, also for a pod that is gone. Throws what
 * could not be ended; no container is marked then.
 */
export async function destroyPod(
  deps: Deps,
  sandboxId: SandboxId,
  why: string,
  signal?: AbortSignal,
): Promise<void> {
  const sandbox = deps.store.sandboxes.get(sandboxId);
  const containers = deps.store.containers.ofSandbox(sandboxId);
  const cgroupParent = sandbox?.cgroupParent ?? '';
  await deps.launcher.destroyPod(
    {
      podDir: deps.monitors.podDir(sandboxId),
      netnsPath: sandbox?.netnsPath ?? '',
      removeDir: false,
      // Without the parent nobody but the monitor's own record tells where they are.
      cgroups:
        cgroupParent === '' ? [] : containers.map((container) => join(cgroupParent, container.id)),
    },
    signal,
  );
  await Promise.all(
    containers.filter(mayBeAlive).map((container) => applyEnd(deps, container, why)),
  );
}
