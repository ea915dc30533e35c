/** Values that objects have, each as often as it is had. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** "" and undefined are no values. */
  add(value: string | undefined): void {
    if (value) {
      this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    }
  }

  /** Undoes one `add`. */
  remove(value: string | undefined): void {
    const count = this.#counts.get(value ?? '') ?? 0;
    if (value && count > 1) {
      this.#counts.set(value, count - 1);
    } else if (value) {
      this.#counts.delete(value);
    }
  }

  has(value: string): boolean {
    return this.#counts.has(value);
  }
}
