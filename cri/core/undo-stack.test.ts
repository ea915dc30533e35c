import * as fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { describeFailures, UndoStack } from './undo-stack.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('unwind runs every step once, newest first, and names exactly those that failed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom('works', 'rejects', 'throws')), async (kinds) => {
      const undo = new UndoStack();
      const ran: string[] = [];
      kinds.forEach((kind, index) => {
        undo.push(`step-${index}`, () => {
          ran.push(`step-${index}`);
          if (kind === 'throws') {
            throw new Error('thrown');
          }
          return kind === 'works' ? Promise.resolve() : Promise.reject(new Error('rejected'));
        });
      });
      const failures = await undo.unwind(1000);
      expect(ran).toEqual(kinds.map((_, index) => `step-${index}`).reverse());
      expect(failures.map((failure) => failure.step)).toEqual(
        kinds.flatMap((kind, index) => (kind === 'works' ? [] : [`step-${index}`])).reverse(),
      );
      expect(await undo.unwind(1000)).toEqual([]);
      expect(ran).toHaveLength(kinds.length);
    }),
  );
});

test('a step that ignores its signal counts as failed at its deadline and the next one still runs', async () => {
  vi.useFakeTimers();
  const undo = new UndoStack();
  let signalOfHung: AbortSignal | undefined;
  let hasRun = false;
  undo.push('network', () => {
    hasRun = true;
    return Promise.resolve();
  });
  undo.push('monitor', (signal) => {
    signalOfHung = signal;
    return new Promise(() => {});
  });
  const unwinding = undo.unwind(5000);
  await vi.advanceTimersByTimeAsync(4999);
  expect(signalOfHung?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  const failures = await unwinding;
  expect(failures).toHaveLength(1);
  expect(failures[0]?.error).toMatchObject({
    code: 'DeadlineExceeded',
    message: 'cannot undo "monitor": it did not end within 5000 ms',
  });
  expect(signalOfHung?.aborted).toBe(true);
  expect(hasRun).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('failures are told with the step that could not be undone', () => {
  const failures = [
    { step: 'detach the network', error: new Error('a plugin hangs') },
    { step: 'stop the monitor', error: 'no' },
  ];
  expect(describeFailures(failures)).toBe(
    'cannot detach the network: a plugin hangs; cannot stop the monitor: no',
  );
});
