import { afterEach, expect, test, vi } from 'vitest';
import { abortError, Deadline, settledOrAborted } from './deadline.ts';
import { CriError } from './error.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('a deadline fires after its time and names what did not answer', () => {
  vi.useFakeTimers();
  using deadline = new Deadline('ping launcher', 200);
  vi.advanceTimersByTime(199);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(deadline.signal.reason).toMatchObject({
    code: 'DeadlineExceeded',
    message: 'cannot ping launcher: no answer within 200 ms',
  });
});

test('a deadline fires with its parent, also one that has fired already', () => {
  const parent = new AbortController();
  using before = new Deadline('x', undefined, parent.signal);
  parent.abort('why');
  using after = new Deadline('x', undefined, parent.signal);
  expect(before.signal.reason).toBe('why');
  expect(after.signal.reason).toBe('why');
});

test('a deadline that is further away than a timer reaches does not fire at once', () => {
  vi.useFakeTimers();
  const days = 60 * 86_400_000;
  using deadline = new Deadline('stop container', days);
  vi.advanceTimersByTime(days - 1);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(deadline.signal.reason).toMatchObject({ code: 'DeadlineExceeded' });
});

test('a disposed deadline leaves no timer and no listener behind', () => {
  vi.useFakeTimers();
  const parent = new AbortController();
  const remove = vi.spyOn(parent.signal, 'removeEventListener');
  const deadline = new Deadline('x', 1000, parent.signal);
  deadline[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  expect(remove).toHaveBeenCalledOnce();
  parent.abort();
  expect(deadline.signal.aborted).toBe(false);
});

test('abortError tells a time-out from a caller that left and keeps a CriError', () => {
  const own = new CriError('Unavailable', 'cannot go on: shutting down');
  expect(abortError(AbortSignal.abort(own), 'x')).toBe(own);
  const timeout = new DOMException('late', 'TimeoutError');
  expect(abortError(AbortSignal.abort(timeout), 'x').code).toBe('DeadlineExceeded');
  expect(abortError(AbortSignal.abort(), 'x').code).toBe('Canceled');
});

test('settledOrAborted ends with the result, also when the signal fires later', async () => {
  const controller = new AbortController();
  const remove = vi.spyOn(controller.signal, 'removeEventListener');
  expect(await settledOrAborted(Promise.resolve(1), 'x', undefined)).toBe(1);
  expect(await settledOrAborted(Promise.resolve(2), 'x', controller.signal)).toBe(2);
  const failed = settledOrAborted(Promise.reject(new Error('no')), 'x', controller.signal);
  await expect(failed).rejects.toThrow('no');
  expect(remove).toHaveBeenCalledTimes(2);
});

test('settledOrAborted ends when the signal fires, and at once when it has fired', async () => {
  const controller = new AbortController();
  const never = new Promise<never>(() => {});
  const waiting = settledOrAborted(never, 'wait for y', controller.signal);
  controller.abort();
  const left = { code: 'Canceled', message: 'cannot wait for y: the caller gave up' };
  await expect(waiting).rejects.toMatchObject(left);
  await expect(settledOrAborted(never, 'wait for y', controller.signal)).rejects.toMatchObject(
    left,
  );
  const settled = settledOrAborted(Promise.resolve(1), 'wait for y', controller.signal);
  await expect(settled).rejects.toMatchObject(left);
  const failed = settledOrAborted(Promise.reject(new Error('no')), 'x', controller.signal);
  await expect(failed).rejects.toMatchObject({ code: 'Canceled' });
});
