/** When a stream counts as stalled. */
export interface StallLimits {
  /** Time spent waiting for bytes over which the rate is taken. */
  readonly windowMs: number;
  readonly minBytesPerSecond: number;
}

export const defaultStallLimits: StallLimits = { windowMs: 30_000, minBytesPerSecond: 1024 };

/**
 * Tells of a sender that is too slow. Only the time between wait() and got() counts, so a reader
 * that takes its time is never taken for a slow sender.
 */
export class StallWatch implements Disposable {
  readonly #limits: StallLimits;
  readonly #onStall: (bytesPerSecond: number) => void;
  readonly #timer: NodeJS.Timeout;
  #waitingSince: number | undefined;
  #waitedMs = 0;
  #bytes = 0;

  /** Calls `onStall` once per window that was too slow. Release it with `using`. */
  constructor(limits: StallLimits, onStall: (bytesPerSecond: number) => void) {
    this.#limits = limits;
    this.#onStall = onStall;
    this.#timer = setInterval(() => this.#check(), Math.max(1, limits.windowMs / 10));
  }

  wait(): void {
    this.#waitingSince = performance.now();
  }

  got(bytes: number): void {
    this.#waitedMs += this.#pendingMs();
    this.#waitingSince = undefined;
    this.#bytes += bytes;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #pendingMs(): number {
    return this.#waitingSince === undefined ? 0 : performance.now() - this.#waitingSince;
  }

  #check(): void {
    const waitedMs = this.#waitedMs + this.#pendingMs();
    if (waitedMs < this.#limits.windowMs) {
      return;
    }
    const bytesPerSecond = (this.#bytes * 1000) / waitedMs;
    this.#waitedMs = 0;
    this.#bytes = 0;
    if (this.#waitingSince !== undefined) {
      this.#waitingSince = performance.now();
    }
    if (bytesPerSecond < this.#limits.minBytesPerSecond) {
      this.#onStall(bytesPerSecond);
    }
  }
}
