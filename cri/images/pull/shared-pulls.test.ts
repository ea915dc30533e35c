import { describe, expect, test } from 'vitest';
import { SharedPulls } from './shared-pulls.ts';

/** Runs of one key, ended by hand. */
function setUp() {
  const pulls = new SharedPulls<string, number>();
  const runs: {
    signal: AbortSignal;
    tell: (progress: number) => void;
    end: (value: string) => void;
    fail: (error: unknown) => void;
  }[] = [];
  const run = (
    caller: { signal?: AbortSignal; onProgress?: (progress: number) => void } = {},
    key = 'key',
  ): Promise<string> =>
    pulls.run(key, caller, (signal, tell) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      runs.push({ signal, tell, end: resolve, fail: reject });
      signal.addEventListener('abort', () => reject(signal.reason));
      return promise;
    });
  return { pulls, runs, run };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('equal pulls are one, others are their own', async () => {
  const { runs, run, pulls } = setUp();
  const equal = [run(), run(), run({}, 'other')];
  await settled();
  expect(runs.length).toBe(2);
  expect(pulls.size).toBe(2);
  runs[0]?.end('a');
  runs[1]?.end('b');
  await expect(Promise.all(equal)).resolves.toEqual(['a', 'a', 'b']);
  expect(pulls.size).toBe(0);
});

test('all hear of its failure, and the next one runs anew', async () => {
  const { runs, run } = setUp();
  const both = [run(), run()];
  await settled();
  runs[0]?.fail(new Error('no'));
  for (const each of both) {
    await expect(each).rejects.toThrow('no');
  }
  const next = run();
  await settled();
  runs[1]?.end('now');
  await expect(next).resolves.toBe('now');
});

test('whoever joins late is told the latest at once', async () => {
  const { runs, run } = setUp();
  const told: string[] = [];
  const first = run({ onProgress: (progress) => told.push(`first ${progress}`) });
  await settled();
  runs[0]?.tell(1);
  const second = run({ onProgress: (progress) => told.push(`second ${progress}`) });
  runs[0]?.tell(2);
  runs[0]?.end('done');
  await Promise.all([first, second]);
  expect(told).toEqual(['first 1', 'second 1', 'first 2', 'second 2']);
});

describe('a caller that gives up', () => {
  test('leaves the others theirs', async () => {
    const { runs, run } = setUp();
    const abort = new AbortController();
    const leaving = run({ signal: abort.signal });
    const staying = run();
    await settled();
    abort.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'Canceled' });
    expect(runs[0]?.signal.aborted).toBe(false);
    runs[0]?.end('a');
    await expect(staying).resolves.toBe('a');
  });

  test('ends the run when it was the last, and waits for its end', async () => {
    const { runs, run } = setUp();
    const abort = new AbortController();
    const leaving = run({ signal: abort.signal });
    await settled();
    abort.abort();
    expect(runs[0]?.signal.aborted).toBe(true);
    await expect(leaving).rejects.toMatchObject({ code: 'Canceled' });
  });

  test('does not take down one that comes in the next moment', async () => {
    const { runs, run } = setUp();
    const abort = new AbortController();
    const leaving = run({ signal: abort.signal });
    await settled();
    abort.abort();
    const next = run();
    await expect(leaving).rejects.toMatchObject({ code: 'Canceled' });
    await settled();
    runs[1]?.end('own');
    await expect(next).resolves.toBe('own');
  });

  test('before it began is refused and starts nothing', async () => {
    const { runs, run } = setUp();
    await expect(run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'Canceled' });
    await settled();
    expect(runs).toEqual([]);
  });
});
