import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PersistentJobs } from './persistent-jobs.ts';

let failures: [string, string, number][];

beforeEach(() => {
  vi.useFakeTimers();
  failures = [];
});

afterEach(() => {
  vi.useRealTimers();
});

function jobs(atOnce?: number): PersistentJobs {
  return new PersistentJobs({
    firstPauseMs: 100,
    longestPauseMs: 300,
    atOnce,
    onFailure: (key, error, pauseMs) => failures.push([key, (error as Error).message, pauseMs]),
  });
}

test('a job is tried with growing pauses until it works, and is then forgotten', async () => {
  const subject = jobs();
  let tries = 0;
  subject.start('a', async () => {
    tries += 1;
    if (tries < 5) {
      throw new Error(`no ${tries}`);
    }
  });
  await vi.advanceTimersByTimeAsync(100 + 200 + 300 - 1);
  expect(tries).toBe(3);
  expect(subject.has('a')).toBe(true);
  await vi.advanceTimersByTimeAsync(1 + 300);
  expect(tries).toBe(5);
  expect(subject.size).toBe(0);
  expect(failures).toEqual([
    ['a', 'no 1', 100],
    ['a', 'no 2', 200],
    ['a', 'no 3', 300],
    ['a', 'no 4', 300],
  ]);
});

test('a job that never ends takes one turn only; the others get theirs', async () => {
  const subject = jobs(2);
  const done: string[] = [];
  subject.start('hangs', () => new Promise(() => {}));
  for (const key of ['a', 'b', 'c']) {
    subject.start(key, async () => {
      done.push(key);
    });
  }
  await vi.advanceTimersByTimeAsync(0);
  expect(done).toEqual(['a', 'b', 'c']);
  expect(subject.size).toBe(1);
});

test('a second job of a key does not start while the first has not worked', async () => {
  const subject = jobs();
  const second = vi.fn(async () => {});
  subject.start('a', async () => {
    throw new Error('no');
  });
  subject.start('a', second);
  await vi.advanceTimersByTimeAsync(1000);
  expect(second).not.toHaveBeenCalled();
});

test('a job that is given up is told, tried no more and reported no more', async () => {
  const subject = jobs();
  const signals: AbortSignal[] = [];
  subject.start('running', (signal) => {
    signals.push(signal);
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('given up')));
    });
  });
  subject.start('pausing', async () => {
    throw new Error('no');
  });
  await vi.advanceTimersByTimeAsync(0);
  subject.close();
  await vi.advanceTimersByTimeAsync(1000);
  expect(signals.map((signal) => signal.aborted)).toEqual([true]);
  expect(failures).toEqual([['pausing', 'no', 100]]);
  expect(vi.getTimerCount()).toBe(0);
});
