// The 64-bit edge: generated messages carry `Long`, everything else in the project carries bigint
// or number. Never hand a bigint to a generated message: protobufjs writes 0 for it without a word.
import Long from 'long';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** What the generated code puts in a 64-bit field: `Long`, whichever of its two builds made it. */
export interface LongLike {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/**
 * Returns the value for an int64 or uint64 field; above 2^63 - 1 the result is unsigned.
 * Throws RangeError for what no 64-bit field can hold and for a number that is not a safe integer
 * (it would already be rounded). A negative value in a uint64 field is not caught here.
 */
export function toLong(value: bigint | number): Long {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`cannot encode 64-bit field: "${value}" is not a safe integer`);
    }
    return Long.fromNumber(value);
  }
  if (value < INT64_MIN || value > UINT64_MAX) {
    throw new RangeError(`cannot encode 64-bit field: "${value}" does not fit into 64 bits`);
  }
  const low = Number(BigInt.asIntN(32, value));
  const high = Number(BigInt.asIntN(32, value >> 32n));
  return Long.fromBits(low, high, value > INT64_MAX);
}

/** Returns a 64-bit field's value; an absent one (null, undefined) is 0, as proto3 has it. */
export function toBigInt(value: LongLike | number | null | undefined): bigint {
  if (value === null || value === undefined) {
    return 0n;
  }
  if (typeof value === 'number') {
    return BigInt(value);
  }
  const high = BigInt(value.unsigned ? value.high >>> 0 : value.high);
  return (high << 32n) | BigInt(value.low >>> 0);
}

/**
 * Returns a 64-bit field's value as a number; absent is 0.
 * Throws RangeError where a number would round it (beyond ±(2^53 - 1)): use toBigInt for counters
 * of nanoseconds and bytes, this for timeouts, shares and other small figures.
 */
export function toNumber(value: LongLike | number | null | undefined): number {
  const result = Number(toBigInt(value));
  if (!Number.isSafeInteger(result)) {
    throw new RangeError(`cannot read 64-bit field as a number: "${toBigInt(value)}" would round`);
  }
  return result;
}
