import { expect, test, vi } from 'vitest';
import { StepTimes } from './step-times.ts';

test('a lap holds the time since the one before it', () => {
  const now = vi.spyOn(performance, 'now');
  now.mockReturnValueOnce(10).mockReturnValueOnce(11.5).mockReturnValueOnce(14);
  const times = new StepTimes();
  times.lap('first');
  times.lap('second');
  now.mockRestore();
  expect(times.steps).toEqual([
    { step: 'first', elapsedUs: 1500 },
    { step: 'second', elapsedUs: 2500 },
  ]);
});
