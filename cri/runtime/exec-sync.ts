import type { runtime } from '../../proto/gen/cri.js';
import { toNumber } from '../../proto/long.ts';
import { CriError } from '../core/error.ts';
import type { Deps } from './deps.ts';
import { mustRun } from './requested.ts';

/**
 * What is returned of both streams together; the rest is read and dropped. CRI speaks of 16 MiB for
 * each, but the kubelet and crictl refuse a message of more than 16 MiB: what is beyond would turn
 * the whole result into an error.
 */
const outputLimitBytes = 16 * 1024 * 1024 - 64;

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
  if (result.oomKilled) {
    const facts = { containerId: container.id, command: argv[0] };
    deps.log.warn(facts, 'a command in a container was killed for lack of memory');
  }
  return { ...fitting(result.stdout, result.stderr), exitCode: result.exitCode };
}

/** Cuts the longer stream, and both only when each has more than half of the room. */
function fitting(stdout: Buffer, stderr: Buffer): { stdout: Buffer; stderr: Buffer } {
  const half = outputLimitBytes / 2;
  const roomForStdout = outputLimitBytes - Math.min(stderr.length, half);
  const roomForStderr = outputLimitBytes - Math.min(stdout.length, half);
  return { stdout: stdout.subarray(0, roomForStdout), stderr: stderr.subarray(0, roomForStderr) };
}
