import type { Deps } from './deps.ts';
import { endSandbox, removeSandbox } from './sandbox-end.ts';

/**
 * Removes a sandbox with its containers, stopping what still runs. Idempotent; an unknown sandbox is
 * fine.
 */
export async function removePodSandbox(
  deps: Deps,
  request: { readonly podSandboxId?: string | null },
): Promise<Record<string, never>> {
  const sandbox = request.podSandboxId
    ? deps.store.sandboxes.find(request.podSandboxId)
    : undefined;
  if (sandbox !== undefined) {
    await deps.queue.run(sandbox.id, async () => {
      await endSandbox(deps, sandbox.id, 'removed');
      await removeSandbox(deps, sandbox.id);
    });
  }
  return {};
}
