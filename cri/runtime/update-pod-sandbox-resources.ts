import type { runtime } from '../../proto/gen/cri.js';
import { podResources } from '../store/record.ts';
import type { Deps } from './deps.ts';

/**
 * Records the pod's overhead and sum of resources, which the verbose status tells. They are advice:
 * what holds the pod as a whole is its cgroup, whose limits the kubelet has set before it calls this.
 * Throws NotFound, and what keeps the record from being saved.
 */
export async function updatePodSandboxResources(
  deps: Deps,
  request: runtime.v1.UpdatePodSandboxResourcesRequest.$Properties,
): Promise<Record<string, never>> {
  const { id } = deps.store.sandboxes.resolve(request.podSandboxId ?? '');
  await deps.queue.run(id, async () => {
    deps.store.sandboxes.resolve(id);
    await deps.store.sandboxes.update(id, () => ({ resources: podResources(request) }));
  });
  return {};
}
