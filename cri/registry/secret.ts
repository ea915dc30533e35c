const inspectCustom = Symbol.for('nodejs.util.inspect.custom');
const shown = '[redacted]';

/**
 * A password or token. Whatever turns it into text (templates, JSON, util.inspect, a logger) gets
 * "[redacted]"; only reveal() gives the value, and only the code that sends it calls that.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    Object.defineProperty(this, inspectCustom, { value: (): string => shown });
  }

  /** The value itself. Never put it into a message or a record. */
  reveal(): string {
    return this.#value;
  }

  get isEmpty(): boolean {
    return this.#value === '';
  }

  /** Says whether both hold the same value, without telling it. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }
}
