// One error for several hosts' failures.
import { CriError } from '../core/error.ts';
import type { Endpoint } from './endpoints.ts';
import { RegistryError } from './registry-error.ts';

/** Why one host could not give what was asked for. */
export interface HostFailure {
  readonly endpoint: Endpoint;
  readonly error: CriError;
}

/**
 * The error of `cannot <what>` when every host has failed. Code and reason are those of the registry
 * that the reference names (a mirror's "not found" says little), the message has what each one said
 * and begins with the kubelet's word where that is true.
 */
export function allFailed(what: string, failures: readonly HostFailure[]): CriError {
  const decisive = failures.findLast(({ endpoint }) => endpoint.isUpstream) ?? failures.at(-1);
  if (decisive === undefined) {
    return new CriError('FailedPrecondition', `cannot ${what}: there is no host to ask`);
  }
  const { error } = decisive;
  const told = failures.map((failure) => failure.error.message).join('; ');
  const message = failures.length === 1 ? error.message : `cannot ${what}: no host has it: ${told}`;
  if (!(error instanceof RegistryError)) {
    return new CriError(error.code, message, { cause: error });
  }
  const isUnavailable = error.reason === 'RegistryUnavailable';
  return new RegistryError(
    error.code,
    isUnavailable ? `RegistryUnavailable: ${message}` : message,
    {
      host: error.host,
      status: error.status,
      registryCode: error.registryCode,
      registryMessage: error.registryMessage,
      reason: error.reason,
      isTransient: error.isTransient,
      retryAfterMs: error.retryAfterMs,
      cause: error,
    },
  );
}
