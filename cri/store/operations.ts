import { abortError, settledOrAborted } from '../core/deadline.ts';
import { CriError } from '../core/error.ts';
import { firstDifference } from './first-difference.ts';

interface Operation<T> {
  readonly config: object;
  readonly result: Promise<T>;
}

/**
 * Creates in flight, by name. The kubelet repeats a create whose answer it did not wait for: the
 * repetition must get the result of the first, not an error.
 */
export class OperationTable<T> {
  /** What is created, for messages ("pod sandbox"). */
  readonly #noun: string;
  readonly #running = new Map<string, Operation<T>>();

  constructor(noun: string) {
    this.#noun = noun;
  }

  /** Number of operations in flight. */
  get size(): number {
    return this.#running.size;
  }

  /**
   * Joins the running operation of the name `key`, or calls `start` and makes it that. Throws
   * AlreadyExists, naming the first field that differs, when the running one has another
   * configuration. `signal` ends the waiting of this caller only: the operation goes on for the next.
   */
  async join(
    key: string,
    config: object,
    start: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const what = `create ${this.#noun} ${key}`;
    if (signal?.aborted === true) {
      throw abortError(signal, what);
    }
    const running = this.#running.get(key);
    if (running !== undefined) {
      checkSameConfig(what, running.config, config);
    }
    return await settledOrAborted(
      (running ?? this.#begin(key, config, start)).result,
      what,
      signal,
    );
  }

  #begin(key: string, config: object, start: () => Promise<T>): Operation<T> {
    const run = async (): Promise<T> => {
      try {
        return await start();
      } finally {
        this.#running.delete(key);
      }
    };
    // The table knows the operation before it runs: start may end, or ask the table, at once.
    const begun = Promise.withResolvers<T>();
    const operation: Operation<T> = { config, result: begun.promise };
    begun.promise.catch(() => {}); // all callers may have gone
    this.#running.set(key, operation);
    begun.resolve(run());
    return operation;
  }
}

/** Throws AlreadyExists, naming the first field that differs, unless both are the same. */
export function checkSameConfig(what: string, existing: object, wanted: object): void {
  const field = firstDifference(existing, wanted);
  if (field !== undefined) {
    const why = `one of the same name exists with another "${field}"`;
    throw new CriError('AlreadyExists', `cannot ${what}: ${why}`);
  }
}
