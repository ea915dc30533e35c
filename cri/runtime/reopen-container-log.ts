import type { Deps } from './deps.ts';
import { mustRun } from './requested.ts';

/**
 * Opens the container's log anew after the kubelet renamed it; the new file exists on return. Throws
 * NotFound, and FailedPrecondition when the container does not run (no file appears then).
 */
export async function reopenContainerLog(
  deps: Deps,
  request: { readonly containerId?: string | null },
): Promise<Record<string, never>> {
  const container = deps.store.containers.resolve(request.containerId ?? '');
  mustRun(container, 'reopen the log');
  await deps.monitors.get(container.sandboxId).reopenLog(container.id);
  return {};
}
