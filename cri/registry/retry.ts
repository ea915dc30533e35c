import { setTimeout as sleep } from 'node:timers/promises';
import { abortError } from '../core/deadline.ts';
import { RegistryError } from './registry-error.ts';

/** How often and after which pauses a request is made again. */
export interface RetryPolicy {
  /** Tries in all, at least 1. */
  readonly attempts: number;
  /** Pause after the first failure; it doubles with each further one. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** A registry that asks for more patience than this gets none. */
  readonly maxRetryAfterMs: number;
}

export const defaultRetry: RetryPolicy = {
  attempts: 5,
  baseMs: 200,
  maxMs: 10_000,
  maxRetryAfterMs: 60_000,
};

/** Pauses; rejects when `signal` fires. */
export type Wait = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** Pauses by the machine's clock. */
export const realWait: Wait = async (ms, signal) => {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {
    throw abortError(signal, 'wait before another try');
  });
};

/**
 * The pause before the next try after `failures` failures in a row, the last one being `error`:
 * what the registry asks for, else an exponential one with jitter (half of it up to all).
 * undefined when there should be no other try.
 */
export function pauseAfter(
  error: unknown,
  failures: number,
  policy: RetryPolicy,
  random: () => number = Math.random,
): number | undefined {
  if (!(error instanceof RegistryError) || !error.isTransient || failures >= policy.attempts) {
    return undefined;
  }
  const { retryAfterMs } = error;
  if (retryAfterMs !== undefined) {
    return retryAfterMs > policy.maxRetryAfterMs ? undefined : retryAfterMs;
  }
  const full = Math.min(policy.baseMs * 2 ** (failures - 1), policy.maxMs);
  return full * (0.5 + random() / 2);
}

/** Runs `work` until it succeeds or another try makes no sense; throws its last error. */
export async function retrying<T>(
  policy: RetryPolicy,
  wait: Wait,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const pause = pauseAfter(error, failures, policy);
      if (pause === undefined) {
        throw error;
      }
      await wait(pause, signal);
    }
  }
}
