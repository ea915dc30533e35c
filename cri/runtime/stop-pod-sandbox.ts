import { endSandbox } from './sandbox-end.ts';
import type { Deps } from './deps.ts';

/**
 * Kills all containers at once, releases the network and leaves the sandbox NOTREADY. Idempotent; an
 * unknown sandbox is fine. Throws what a CNI plugin or the monitor said, and what was killed and hangs in the
 * kernel, with its volume; the kubelet calls again.
 */
export async function stopPodSandbox(
  deps: Deps,
  request: { readonly podSandboxId?: string | null },
): Promise<Record<string, never>> {
  const sandbox = request.podSandboxId
    ? deps.store.sandboxes.find(request.podSandboxId)
    : undefined;
  if (sandbox !== undefined) {
    if (deps.queue.isBusy(sandbox.id)) {
      // What holds the queue may be a create that hangs on a dead volume: this ends it. Its own
      // outcome is of no interest, the pod is killed once more below.
      deps.monitors.find(sandbox.id)?.stopPod().catch(ignored);
    }
    await deps.queue.run(sandbox.id, () => endSandbox(deps, sandbox.id, 'stopped'));
  }
  return {};
}

function ignored(): void {}
