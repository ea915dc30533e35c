import { abortError, settledOrAborted } from '../core/deadline.ts';

interface Running<T> {
  readonly holders: Set<string>;
  readonly result: Promise<T>;
}

/** Work that several callers may ask for at once and that is done once. */
export class SharedWork<T> {
  readonly #running = new Map<string, Running<T>>();

  /**
   * Runs `work`, or waits for the run of the same `key` that is under way. `work` gets the live set
   * of everyone who waits for it. When the caller that runs it fails (its source may be the broken
   * one, or it was canceled) the next waiting one runs its own. A waiting caller whose `signal`
   * fires stops waiting with Canceled or DeadlineExceeded.
   */
  async run(
    key: string,
    holder: string,
    signal: AbortSignal | undefined,
    work: (holders: Set<string>) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      if (signal?.aborted === true) {
        throw abortError(signal, 'unpack a layer');
      }
      const running = this.#running.get(key);
      if (running === undefined) {
        return await this.#lead(key, holder, work);
      }
      running.holders.add(holder);
      const outcome = await outcomeOf(running.result, signal);
      if (outcome !== undefined) {
        return outcome.value;
      }
    }
  }

  /** Takes `holder` out of all work under way; the work itself goes on. */
  drop(holder: string): void {
    for (const running of this.#running.values()) {
      running.holders.delete(holder);
    }
  }

  async #lead(key: string, holder: string, work: (holders: Set<string>) => Promise<T>): Promise<T> {
    const holders = new Set([holder]);
    const result = work(holders);
    this.#running.set(key, { holders, result });
    try {
      return await result;
    } finally {
      this.#running.delete(key);
    }
  }
}

/** undefined when the other caller's work failed; its failure is not ours, our cancellation is. */
async function outcomeOf<T>(
  result: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<{ value: T } | undefined> {
  const done = result.then(
    (value) => ({ value }),
    () => undefined,
  );
  return await settledOrAborted(done, 'wait for a layer that is being unpacked', signal);
}
