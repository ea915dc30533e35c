import { CriError } from './error.ts';

const longestTimerMs = 2 ** 31 - 1;

/**
 * An abort signal that fires when `signal` does or after a time, whichever is first. Release it with
 * `using` (or dispose it) as soon as the work has ended: timer and listener go with it.
 */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  readonly #parent: AbortSignal | undefined;
  readonly #forward: () => void;

  /**
   * `afterMs` undefined means no time limit. At the deadline the reason is a DeadlineExceeded
   * `cannot <what>: no answer within <n> ms`.
   */
  constructor(what: string, afterMs: number | undefined, parent?: AbortSignal) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#parent = parent;
    this.#forward = (): void => controller.abort(parent?.reason);
    if (afterMs !== undefined) {
      this.#arm(afterMs, () => {
        const message = `cannot ${what}: no answer within ${afterMs} ms`;
        controller.abort(new CriError('DeadlineExceeded', message));
      });
    }
    if (parent?.aborted === true) {
      this.#forward();
    } else {
      parent?.addEventListener('abort', this.#forward, { once: true });
    }
  }

  // A timer that is set for longer than its 31 bits hold would fire at once.
  #arm(afterMs: number, fire: () => void): void {
    const step = Math.min(afterMs, longestTimerMs);
    this.#timer = setTimeout(
      () => (step === afterMs ? fire() : this.#arm(afterMs - step, fire)),
      step,
    );
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#parent?.removeEventListener('abort', this.#forward);
  }
}

/**
 * Returns the error of an operation that ended because its signal fired: the signal's reason if that
 * is a CriError, else DeadlineExceeded for a time-out and Canceled for anything else.
 */
export function abortError(signal: AbortSignal | undefined, what: string): CriError {
  const reason: unknown = signal?.reason;
  if (reason instanceof CriError) {
    return reason;
  }
  if (reason instanceof DOMException && reason.name === 'TimeoutError') {
    return new CriError('DeadlineExceeded', `cannot ${what}: the deadline has passed`);
  }
  return new CriError('Canceled', `cannot ${what}: the caller gave up`);
}

/**
 * Returns or throws what `result` does, or the abortError of `signal` when that fires first, or has
 * fired already. Only the waiting ends then: what makes the result goes on.
 */
export async function settledOrAborted<T>(
  result: Promise<T>,
  what: string,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) {
    return await result;
  }
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(abortError(signal, what));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) {
    onAbort();
  }
  try {
    // First, so that it wins where both are there; the race also handles the loser's rejection.
    return await Promise.race([aborted.promise, result]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
