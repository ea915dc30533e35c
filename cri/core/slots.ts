import { abortError } from './deadline.ts';

/** Lets at most so many tasks run at once; the others wait in the order of their calls. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Runs `task` when a slot is free; returns or throws what it does. When `signal` fires before its
   * turn the call rejects at once (Canceled or DeadlineExceeded) and the task never runs.
   */
  async run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#take(signal);
    try {
      return await task();
    } finally {
      this.#give();
    }
  }

  async #take(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) {
      throw abortError(signal, 'wait for a turn');
    }
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (): void => {
      const place = this.#waiting.indexOf(resolve);
      if (place === -1) {
        return; // its turn has come in the same moment
      }
      this.#waiting.splice(place, 1);
      reject(abortError(signal, 'wait for a turn'));
    };
    this.#waiting.push(resolve);
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  #give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#free += 1;
    } else {
      next();
    }
  }
}
