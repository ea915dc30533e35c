import { abortError } from '../../core/deadline.ts';

interface Waiter<P> {
  readonly onProgress: ((progress: P) => void) | undefined;
}

interface Running<T, P> {
  readonly abort: AbortController;
  readonly waiters: Set<Waiter<P>>;
  readonly result: Promise<T>;
  latest: P | undefined;
}

export interface PullCaller<P> {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: P) => void) | undefined;
}

/** Pulls that several callers ask for in the same words and that are done once. */
export class SharedPulls<T, P> {
  readonly #running = new Map<string, Running<T, P>>();

  /** Pulls under way. */
  get size(): number {
    return this.#running.size;
  }

  /**
   * Runs `work`, or joins the run of the same `key` that is under way; all get its result or failure.
   * A caller whose signal fires leaves at once; the work is canceled when the last one has left.
   */
  async run(
    key: string,
    { signal, onProgress }: PullCaller<P>,
    work: (signal: AbortSignal, tell: (progress: P) => void) => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted === true) {
      throw abortError(signal, 'pull image');
    }
    const running = this.#running.get(key) ?? this.#start(key, work);
    const waiter: Waiter<P> = { onProgress };
    running.waiters.add(waiter);
    if (running.latest !== undefined) {
      onProgress?.(running.latest);
    }
    const { promise: left, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => {
      const error = abortError(signal, 'pull image');
      running.waiters.delete(waiter);
      if (running.waiters.size > 0) {
        reject(error);
        return;
      }
      // Whoever comes now gets a run of its own, not the end of this one.
      this.#forget(key, running);
      running.abort.abort(error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([running.result, left]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      running.waiters.delete(waiter);
    }
  }

  #start(
    key: string,
    work: (signal: AbortSignal, tell: (progress: P) => void) => Promise<T>,
  ): Running<T, P> {
    const abort = new AbortController();
    const waiters = new Set<Waiter<P>>();
    const tell = (progress: P): void => {
      running.latest = progress;
      for (const waiter of waiters) {
        waiter.onProgress?.(progress);
      }
    };
    const result = Promise.resolve()
      .then(() => work(abort.signal, tell))
      .finally(() => this.#forget(key, running));
    result.catch(() => undefined);
    const running: Running<T, P> = { abort, waiters, result, latest: undefined };
    this.#running.set(key, running);
    return running;
  }

  #forget(key: string, running: Running<T, P>): void {
    if (this.#running.get(key) === running) {
      this.#running.delete(key);
    }
  }
}
