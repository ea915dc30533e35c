const intervalMs = 200;

/** Tells a value now and then; dispose it to tell the latest that has not been told. */
export interface Throttled<T> extends Disposable {
  readonly tell: (value: T) => void;
}

/** Hands values on at most five times a second; those in between are dropped, the last one never. */
export function throttled<T>(
  listener: (value: T) => void,
  now: () => number = () => performance.now(),
): Throttled<T> {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let waiting: { value: T } | undefined;
  return {
    tell(value): void {
      if (now() - toldAtMs < intervalMs) {
        waiting = { value };
        return;
      }
      toldAtMs = now();
      waiting = undefined;
      listener(value);
    },
    [Symbol.dispose](): void {
      if (waiting !== undefined) {
        listener(waiting.value);
      }
    },
  };
}
