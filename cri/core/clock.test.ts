import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { increasingClock, systemClock } from './clock.ts';

test('times strictly increase whatever the wall clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 2 }), (wall) => {
      let turn = 0;
      const clock = increasingClock(() => wall[turn++] ?? 0);
      const times = wall.map(() => clock.nowNs());
      times.slice(1).forEach((time, index) => expect(time > (times[index] ?? 0n)).toBe(true));
    }),
  );
});

test('a time is the wall clock in nanoseconds when nothing forces it ahead', () => {
  expect(increasingClock(() => 1_700_000_000_123).nowNs()).toBe(1_700_000_000_123_000_000n);
});

test('the system clock gives different times to calls within one millisecond', () => {
  const times = Array.from({ length: 1000 }, () => systemClock.nowNs());
  expect(new Set(times).size).toBe(1000);
});
