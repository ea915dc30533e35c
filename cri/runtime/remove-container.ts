import { removeContainerFiles } from './container-files.ts';
import type { Deps } from './deps.ts';

/**
 * Removes a container, killing it first if it runs. Idempotent; an unknown one costs a map lookup
 * (the kubelet asks many times for the same ids). Its log is the kubelet's to remove.
 */
export async function removeContainer(
  deps: Deps,
  request: { readonly containerId?: string | null },
): Promise<Record<string, never>> {
  const known = request.containerId ? deps.store.containers.find(request.containerId) : undefined;
  if (known !== undefined) {
    await deps.queue.run(known.sandboxId, async () => {
      const container = deps.store.containers.get(known.id);
      if (container !== undefined) {
        await removeContainerFiles(deps, container);
        await deps.store.containers.remove(container.id);
      }
    });
  }
  return {};
}
