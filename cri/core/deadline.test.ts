import { afterEach, expect, test, vi } from 'vitest';
import { abortError, Deadline } from './deadline.ts';
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
