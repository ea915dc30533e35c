import type { runtime } from '../../proto/gen/cri.js';
import { toNumber } from '../../proto/long.ts';
import { CriError } from '../core/error.ts';
import type { Deps } from './deps.ts';
import { mustRun } from './requested.ts';

/** What CRI allows of each stream; the rest is read and dropped. */
const outputLimitBytes = 16 * 1024 * 1024;

/**
 * Runs a command in a running container. A non-zero exit code is a result. Throws DeadlineExceeded
 * when `timeout` seconds pass (everything the command started is dead then), NotFound and
 * FailedPrecondition for the container, InvalidArgument for an empty command, and what execve said.
 */
export async function execSync(
  deps: Deps,
  request: runtime.v1.ExecSyncRequest.$Properties,
  call: { readonly signal: AbortSignal },
): Promise<runtime.v1.ExecSyncResponse.$Properties> {
  const container = deps.store.containers.resolve(request.containerId ?? '');
  mustRun(container, 'exec');
  const argv = request.cmd ?? [];
  if (argv.length === 0) {
    throw new CriError('InvalidArgument', 'cannot exec: the command is empty');
  }
  const timeoutSeconds = Math.max(toNumber(request.timeout), 0);
  const result = await deps.monitors
    .get(container.sandboxId)
    .execSync(
      { containerId: container.id, argv, timeoutMs: timeoutSeconds * 1000, outputLimitBytes },
      call.signal,
    );
  if (result.timedOut) {
    const what = `cannot exec "${argv[0]}" in container "${container.id}"`;
    const why = `it did not end within ${timeoutSeconds} s and was killed`;
    throw new CriError('DeadlineExceeded', `${what}: ${why}`, { step: 'exec' });
  }
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
}
