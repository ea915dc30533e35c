/** One step of an operation and what it took. */
export interface StepTime {
  readonly step: string;
  readonly elapsedUs: number;
}

/** Where an operation's time went: `lap` ends a step that began with the lap before. */
export class StepTimes {
  readonly #steps: StepTime[] = [];
  #last = performance.now();

  /** Ends the step `name`. */
  lap(name: string): void {
    const now = performance.now();
    this.#steps.push({ step: name, elapsedUs: Math.round((now - this.#last) * 1000) });
    this.#last = now;
  }

  /** All steps so far, in order. */
  get steps(): readonly StepTime[] {
    return this.#steps;
  }
}
