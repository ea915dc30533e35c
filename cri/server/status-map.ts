// The one table between our error codes and gRPC's status codes, and the one place that builds a
// status.
import { status, Metadata, type ServerErrorResponse } from '@grpc/grpc-js';
import { asCriError, errorCodes, type CriError, type ErrorCode } from '../core/error.ts';
import { RegistryError } from '../registry/registry-error.ts';

const statusOf: Readonly<Record<ErrorCode, status>> = {
  InvalidArgument: status.INVALID_ARGUMENT,
  NotFound: status.NOT_FOUND,
  AlreadyExists: status.ALREADY_EXISTS,
  FailedPrecondition: status.FAILED_PRECONDITION,
  Unavailable: status.UNAVAILABLE,
  DeadlineExceeded: status.DEADLINE_EXCEEDED,
  Canceled: status.CANCELLED,
  ResourceExhausted: status.RESOURCE_EXHAUSTED,
  PermissionDenied: status.PERMISSION_DENIED,
  Unauthenticated: status.UNAUTHENTICATED,
  Unimplemented: status.UNIMPLEMENTED,
  Internal: status.INTERNAL,
};

const codeOf: ReadonlyMap<status, ErrorCode> = new Map(
  errorCodes.map((code) => [statusOf[code], code]),
);

/** Our error code for a status that a server of ours sent; Internal for those that it never sends. */
export function errorCodeOf(code: status): ErrorCode {
  return codeOf.get(code) ?? 'Internal';
}

// Status messages travel as a percent-encoded HTTP/2 trailer; clients refuse long ones.
const maxDetailsLength = 4096;

/** The gRPC status for whatever a handler threw. The message goes to the user as it is. */
export function toStatus(error: unknown): ServerErrorResponse {
  const known = asCriError(error);
  const whole = known.message.length <= maxDetailsLength;
  // The library throws on half a character, and a cut may leave one.
  const details = (
    whole ? known.message : `${known.message.slice(0, maxDetailsLength)}…`
  ).toWellFormed();
  return Object.assign(new Error(details), {
    code: statusFor(known),
    details,
    metadata: new Metadata(),
  });
}

// The kubelet reads the word at the front of a message only when the status is Unknown.
function statusFor(error: CriError): status {
  const isForKubelet = error instanceof RegistryError && error.reason === 'RegistryUnavailable';
  return isForKubelet ? status.UNKNOWN : statusOf[error.code];
}
