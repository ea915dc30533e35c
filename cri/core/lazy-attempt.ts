import { describeError } from './error.ts';

/** How long after a failure nothing is tried. */
const pauseMs = 60_000;

/**
 * Something that should have worked at the start, and is tried again when it is needed: one try at a
 * time, none within a minute of one that failed, none after one that has worked.
 */
export class LazyAttempt {
  readonly #attempt: () => Promise<void>;
  readonly #onProblem: (problem: string) => void;
  readonly #now: () => number;
  #running: Promise<void> | undefined;
  #problem = 'it has not been tried yet';
  #nextAtMs = Number.NEGATIVE_INFINITY;

  /** `attempt` throws why it did not work; `onProblem` is told when that is another reason than before. */
  constructor(
    attempt: () => Promise<void>,
    onProblem: (problem: string) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#attempt = attempt;
    this.#onProblem = onProblem;
    this.#now = now;
  }

  /** Why it has not worked; "" = it has. */
  get problem(): string {
    return this.#problem;
  }

  /** Tries if it is time to; resolves when the try that is under way has ended. Never rejects. */
  async run(): Promise<void> {
    if (this.#running === undefined && this.#problem !== '' && this.#now() >= this.#nextAtMs) {
      this.#running = this.#try();
    }
    await this.#running;
  }

  async #try(): Promise<void> {
    const before = this.#problem;
    try {
      await this.#attempt();
      this.#problem = '';
    } catch (error) {
      this.#problem = describeError(error);
      if (this.#problem !== before) {
        this.#onProblem(this.#problem);
      }
    }
    this.#nextAtMs = this.#now() + pauseMs;
    this.#running = undefined;
  }
}
