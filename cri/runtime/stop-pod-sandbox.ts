import { endSandbox } from './sandbox-end.ts';
import type { Deps } from './deps.ts';

/**
 * Kills all containers at once, releases the network and leaves the sandbox NOTREADY. Idempotent; an
 * unknown sandbox is fine. Throws what a CNI plugin or the monitor said; the kubelet calls again.
 */
export async function stopPodSandbox(
  deps: Deps,
  request: { readonly podSandboxId?: string | null },
): Promise<Record<string, never>> {
  const sandbox = request.podSandboxId
    ? deps.store.sandboxes.find(request.podSandboxId)
    : undefined;
  if (sandbox !== undefined) {
    await deps.queue.run(sandbox.id, () => endSandbox(deps, sandbox.id, 'stopped'));
  }
  return {};
}
