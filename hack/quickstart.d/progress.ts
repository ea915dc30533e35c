// What the quickstart prints: steps with the time each took, facts in between.

const startedAt = performance.now();

const since = (from: number): string => {
  const ms = performance.now() - from;
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
};

/** Runs steps one after the other; after an interruption no further one begins. */
export class Steps {
  readonly #interruption: AbortSignal;

  constructor(interruption: AbortSignal) {
    this.#interruption = interruption;
  }

  /** Runs one step and prints its name and duration, also when it fails. */
  async run<T>(name: string, work: (interruption: AbortSignal) => Promise<T>): Promise<T> {
    this.#interruption.throwIfAborted();
    const from = performance.now();
    try {
      const result = await work(this.#interruption);
      process.stdout.write(`  ok    ${name} (${since(from)})\n`);
      return result;
    } catch (error) {
      process.stdout.write(`  FAIL  ${name} (${since(from)})\n`);
      throw error;
    }
  }
}

/** Prints a headline. */
export function title(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

/** Prints lines, indented below the last headline. */
export function show(...lines: readonly string[]): void {
  for (const line of lines) {
    process.stdout.write(`  ${line}\n`);
  }
}

/** Time since the script began. */
export const elapsed = (): string => since(startedAt);
