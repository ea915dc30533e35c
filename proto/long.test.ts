import { describe, expect, it } from 'vitest';
import { runtime } from './gen/cri.js';
import { toBigInt, toLong, toNumber } from './long.ts';

const { Int64Value, UInt64Value } = runtime.v1;

describe('64-bit fields', () => {
  it.each([0n, 1n, -1n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 1_763_726_400_123_456_789n])(
    'carry %s through an int64 field unchanged',
    (value) => {
      const bytes = Int64Value.encode({ value: toLong(value) }).finish();
      expect(toBigInt(Int64Value.decode(bytes).value)).toBe(value);
    },
  );

  it.each([0n, 4_294_967_296n, 2n ** 63n, 2n ** 64n - 1n])(
    'carry %s through a uint64 field unchanged',
    (value) => {
      const bytes = UInt64Value.encode({ value: toLong(value) }).finish();
      expect(toBigInt(UInt64Value.decode(bytes).value)).toBe(value);
    },
  );

  it.each([0, -7, 4_294_967_295, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'accept the number %s and give it back',
    (value) => {
      const bytes = Int64Value.encode({ value: toLong(value) }).finish();
      expect(toNumber(Int64Value.decode(bytes).value)).toBe(value);
    },
  );

  it('are written as the two-complement varint other languages write', () => {
    const bytes = Int64Value.encode({ value: toLong(-2n) }).finish();
    expect(Buffer.from(bytes).toString('hex')).toBe('08feffffffffffffffff01');
  });

  it('read as 0 when absent', () => {
    expect(toBigInt(undefined)).toBe(0n);
    expect(toBigInt(null)).toBe(0n);
    expect(toNumber(null)).toBe(0);
    expect(toBigInt(Int64Value.decode(new Uint8Array()).value)).toBe(0n);
  });

  it('refuse values that 64 bits cannot hold', () => {
    expect(() => toLong(2n ** 64n)).toThrow('"18446744073709551616" does not fit');
    expect(() => toLong(-(2n ** 63n) - 1n)).toThrow(RangeError);
  });

  it('refuse numbers that are already rounded, fractional or not finite', () => {
    for (const value of [2 ** 53, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => toLong(value)).toThrow('is not a safe integer');
    }
  });

  it('refuse to become a number that would round', () => {
    expect(toNumber(toLong(2n ** 53n - 1n))).toBe(2 ** 53 - 1);
    expect(() => toNumber(toLong(2n ** 53n))).toThrow('"9007199254740992" would round');
    expect(() => toNumber(toLong(2n ** 64n - 1n))).toThrow(RangeError);
  });
});
