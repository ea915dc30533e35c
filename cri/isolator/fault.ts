import { CriError, type ErrorCode } from '../core/error.ts';
import { estiba } from '../../proto/gen/isolation.js';

const wireCodes: readonly (ErrorCode | undefined)[] = [
  undefined,
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
];

/**
 * Returns the error a Fault stands for: its message as it is, its chain as nested causes. A code of
 * a newer peer becomes Internal.
 */
export function faultToError(fault: estiba.isolation.v1.Fault.$Properties): CriError {
  let cause: Error | undefined;
  for (const link of (fault.chain ?? []).toReversed()) {
    cause = new Error(link, cause === undefined ? undefined : { cause });
  }
  return new CriError(
    wireCodes[fault.code ?? 0] ?? 'Internal',
    orElse(fault.message, 'cannot do the job: the helper gave no reason'),
    { cause, step: orUndefined(fault.step), errno: orUndefined(fault.errno) },
  );
}

function orElse(text: string | null | undefined, fallback: string): string {
  return text === null || text === undefined || text === '' ? fallback : text;
}

function orUndefined<T extends string | number>(value: T | null | undefined): T | undefined {
  return value === null || value === '' || value === 0 ? undefined : value;
}
