/** Where times come from, so that tests can choose them. */
export interface Clock {
  /** Nanoseconds since the epoch; every call returns a greater value than the one before. */
  nowNs(): bigint;
}

/**
 * Returns a clock whose times strictly increase, also when `wallMs` (milliseconds since the epoch)
 * stands still or is set back: the kubelet takes the pod with the latest creation time for the
 * current one. Times are never ahead of the wall clock by more than ties and set-backs cost.
 */
export function increasingClock(wallMs: () => number): Clock {
  let lastNs = 0n;
  return {
    nowNs(): bigint {
      const wallNs = BigInt(Math.trunc(wallMs())) * 1_000_000n;
      lastNs = wallNs > lastNs ? wallNs : lastNs + 1n;
      return lastNs;
    },
  };
}

/** The machine's clock. */
export const systemClock: Clock = increasingClock(Date.now);
