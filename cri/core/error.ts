/** The closed set of error codes of the whole project; proto/isolation/v1 has the same names. */
export const errorCodes = [
  'InvalidArgument',
  'NotFound',
  'AlreadyExists',
  'FailedPrecondition',
  'Unavailable',
  'DeadlineExceeded',
  'Canceled',
  'ResourceExhausted',
  'PermissionDenied',
  'Unauthenticated',
  'Unimplemented',
  'Internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface CriErrorOptions {
  /** What led to this error; kept for the log, never sent to the caller. */
  readonly cause?: unknown;
  /** Machine-readable name of the step that failed, kebab-case ("mount-volume"). */
  readonly step?: string | undefined;
  /** errno of the kernel call that failed (positive). */
  readonly errno?: number | undefined;
}

/**
 * The one error type that crosses folder borders. `message` is shown to the caller as it is and
 * reads `cannot <do> <what>: <why>`, with the offending value quoted.
 */
export class CriError extends Error {
  readonly code: ErrorCode;
  readonly step: string | undefined;
  readonly errno: number | undefined;

  constructor(code: ErrorCode, message: string, options: CriErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CriError';
    this.code = code;
    this.step = options.step;
    this.errno = options.errno;
  }
}

/** Returns a CriError as it is; wraps anything else as Internal, its message and cause kept. */
export function asCriError(error: unknown): CriError {
  if (error instanceof CriError) {
    return error;
  }
  return new CriError('Internal', describeError(error), { cause: error });
}

/**
 * The error of a file operation, `cannot <what>: <why>`: ResourceExhausted where disk or quota is full,
 * else Internal. A CriError stays as it is.
 */
export function fileError(what: string, error: unknown, step?: string): CriError {
  if (error instanceof CriError) {
    return error;
  }
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new CriError(
    isFull ? 'ResourceExhausted' : 'Internal',
    `cannot ${what}: ${describeError(error)}`,
    { cause: error, step, errno: errno === undefined ? undefined : -errno },
  );
}

/** The system's name of an error, such as "ENOENT"; "" for what is none of the system's. */
export function errnoCode(error: unknown): string {
  const isSystems = error instanceof Error && 'errno' in error && 'code' in error;
  return isSystems && !(error instanceof CriError) ? String(error.code) : '';
}

/** Returns the text of whatever was thrown; never throws and never returns an empty text. */
export function describeError(error: unknown): string {
  if (error instanceof Error) {
    return error.message === '' ? error.name : error.message;
  }
  if (typeof error === 'string' && error !== '') {
    return error;
  }
  return 'unknown error';
}
