import { abortError } from './deadline.ts';

/**
 * Runs tasks one after the other for each key, in the order of the calls; keys do not wait for each
 * other. A key costs no memory once its last task has ended.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();

  /** Number of keys that have a task running or waiting. */
  get size(): number {
    return this.#tails.size;
  }

  /** Whether a task of `key` runs or waits. */
  isBusy(key: string): boolean {
    return this.#tails.has(key);
  }

  /**
   * Runs `task` when every earlier task of `key` has settled; returns or throws what it does. When
   * `signal` fires before the task's turn the call rejects at once (Canceled or DeadlineExceeded)
   * and the task never runs; afterwards the signal is the task's own business.
   */
  run<T>(key: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const previous = this.#tails.get(key) ?? Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const giveUp = (): void => reject(abortError(signal, `wait for "${key}"`));
    if (signal?.aborted === true) {
      giveUp();
      return promise;
    }
    signal?.addEventListener('abort', giveUp, { once: true });
    const takeTurn = async (): Promise<void> => {
      await previous;
      signal?.removeEventListener('abort', giveUp);
      try {
        if (signal?.aborted === true) {
          giveUp();
        } else {
          resolve(await task());
        }
      } catch (error) {
        reject(error);
      }
      if (this.#tails.get(key) === tail) {
        this.#tails.delete(key);
      }
    };
    const tail = takeTurn();
    this.#tails.set(key, tail);
    return promise;
  }
}
