import { expect, test } from 'vitest';
import { throttled } from './throttled.ts';

test('values are handed on five times a second at most, the last one always', () => {
  const told: number[] = [];
  let now = 0;
  const run = (): void => {
    using values = throttled<number>(
      (value) => told.push(value),
      () => now,
    );
    for (now = 0; now <= 1000; now += 50) {
      values.tell(now);
    }
    now += 10;
    values.tell(7);
  };
  run();
  expect(told).toEqual([0, 200, 400, 600, 800, 1000, 7]);
});

test('without a value nothing is told', () => {
  const told: number[] = [];
  throttled<number>((value) => told.push(value))[Symbol.dispose]();
  expect(told).toEqual([]);
});
