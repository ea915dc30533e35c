import { expect, test } from 'vitest';
import { LazyAttempt } from './lazy-attempt.ts';

test('what fails is tried again when it is needed, not within a minute, and never after it has worked', async () => {
  let nowMs = 0;
  const outcomes = ['slow disk', 'slow disk', 'full disk', ''];
  const told: string[] = [];
  let tries = 0;
  const attempt = new LazyAttempt(
    async () => {
      const why = outcomes[tries];
      tries += 1;
      if (why !== '') {
        throw new Error(why);
      }
    },
    (problem) => told.push(problem),
    () => nowMs,
  );
  expect(attempt.problem).not.toBe('');
  await Promise.all([attempt.run(), attempt.run()]);
  await attempt.run();
  expect([tries, attempt.problem]).toEqual([1, 'slow disk']);
  for (const expected of ['slow disk', 'full disk', '', '']) {
    nowMs += 60_000;
    await attempt.run();
    expect(attempt.problem).toBe(expected);
  }
  expect(tries).toBe(4);
  expect(told).toEqual(['slow disk', 'full disk']);
});
