// State checks that several calls share; the words are the ones users see.
import { CriError } from '../core/error.ts';
import type { ContainerRecord, SandboxRecord } from '../store/record.ts';

/** Throws FailedPrecondition unless the sandbox is ready. */
export function mustBeReady(sandbox: SandboxRecord, action: string): void {
  if (sandbox.state !== 'ready') {
    const why = `sandbox "${sandbox.id}" is not ready${sandbox.reason && `: ${sandbox.reason}`}`;
    throw new CriError('FailedPrecondition', `cannot ${action}: ${why}`);
  }
}

/** Throws FailedPrecondition unless the container is running. */
export function mustRun(container: ContainerRecord, action: string): void {
  if (container.state !== 'running') {
    const why = `container "${container.id}" is ${container.state}, not running`;
    throw new CriError('FailedPrecondition', `cannot ${action}: ${why}`);
  }
}
