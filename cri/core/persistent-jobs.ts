// Work that nobody waits for and that must have been done in the end.

const defaultFirstPauseMs = 1_000;
const defaultLongestPauseMs = 300_000;

/** One try of a job. Ends early, by throwing, when `signal` fires. */
export type Attempt = (signal: AbortSignal) => Promise<void>;

export interface PersistentJobsOptions {
  /** Pause after the first failure, doubled after each further one; default 1 s. */
  readonly firstPauseMs?: number | undefined;
  /** Default 5 minutes. */
  readonly longestPauseMs?: number | undefined;
  /** How many attempts may run at a time; default: any number. */
  readonly atOnce?: number | undefined;
  /** Told of every failed attempt and of the pause before the next. */
  readonly onFailure: (key: string, error: unknown, pauseMs: number) => void;
}

interface Job {
  readonly key: string;
  readonly attempt: Attempt;
  readonly controller: AbortController;
  pauseMs: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Jobs that are tried again and again, with growing pauses, until they work. Each is alone: one that
 * fails for ever takes nothing from the others but its turn. Pauses keep no process alive.
 */
export class PersistentJobs {
  readonly #options: PersistentJobsOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #waiting: Job[] = [];
  #running = 0;
  #isClosed = false;

  constructor(options: PersistentJobsOptions) {
    this.#options = options;
  }

  /** How many jobs have not worked yet. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Whether a job of this key has not worked yet. */
  has(key: string): boolean {
    return this.#jobs.has(key);
  }

  /** Tries `attempt` now and until it works. A job of the same key that is there already stays. */
  start(key: string, attempt: Attempt): void {
    if (this.#isClosed || this.#jobs.has(key)) {
      return;
    }
    const pauseMs = this.#options.firstPauseMs ?? defaultFirstPauseMs;
    const controller = new AbortController();
    const job: Job = { key, attempt, controller, pauseMs, timer: undefined };
    this.#jobs.set(key, job);
    this.#enqueue(job);
  }

  /** Gives a job up; a running attempt is told by its signal. Unknown keys are fine. */
  stop(key: string): void {
    const job = this.#jobs.get(key);
    if (job !== undefined) {
      this.#jobs.delete(key);
      clearTimeout(job.timer);
      job.controller.abort();
    }
  }

  /** Gives every job up and takes no more. */
  close(): void {
    this.#isClosed = true;
    for (const key of this.#jobs.keys()) {
      this.stop(key);
    }
  }

  #enqueue(job: Job): void {
    this.#waiting.push(job);
    this.#fill();
  }

  #fill(): void {
    while (this.#running < (this.#options.atOnce ?? Infinity)) {
      const job = this.#waiting.shift();
      if (job === undefined) {
        return;
      }
      if (!job.controller.signal.aborted) {
        this.#running += 1;
        void this.#try(job);
      }
    }
  }

  async #try(job: Job): Promise<void> {
    try {
      await job.attempt(job.controller.signal);
      if (this.#jobs.get(job.key) === job) {
        this.#jobs.delete(job.key);
      }
    } catch (error) {
      if (!job.controller.signal.aborted) {
        this.#pause(job, error);
      }
    }
    this.#running -= 1;
    this.#fill();
  }

  #pause(job: Job, error: unknown): void {
    const { pauseMs } = job;
    const longestMs = this.#options.longestPauseMs ?? defaultLongestPauseMs;
    job.pauseMs = Math.min(pauseMs * 2, longestMs);
    job.timer = setTimeout(() => this.#enqueue(job), pauseMs).unref();
    this.#options.onFailure(job.key, error, pauseMs);
  }
}
