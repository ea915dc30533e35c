import { describe, expect, test } from 'vitest';
import { parseGoDuration } from './go-duration.ts';
import { answerError, parseRetryAfter, quotable, RegistryError } from './registry-error.ts';
import { pauseAfter, realWait } from './retry.ts';

const policy = { attempts: 4, baseMs: 100, maxMs: 250, maxRetryAfterMs: 1000 };

function failing(isTransient: boolean, retryAfterMs?: number): RegistryError {
  return new RegistryError('Unavailable', 'no', { host: 'h', isTransient, retryAfterMs });
}

describe('pauseAfter', () => {
  test.each([
    [1, 0, 50],
    [1, 1, 100],
    [2, 1, 200],
    [3, 1, 250],
    [4, 1, undefined],
  ])('after failure %i with chance %f is %s ms', (failures, chance, expected) => {
    expect(pauseAfter(failing(true), failures, policy, () => chance)).toBe(expected);
  });

  test.each([
    [700, 700],
    [0, 0],
    [1001, undefined],
  ])('is what the registry asks for: %i → %s', (asked, expected) => {
    expect(pauseAfter(failing(true, asked), 1, policy)).toBe(expected);
  });

  test('is none for an error that will not pass, or that is not a registry’s', () => {
    expect(pauseAfter(failing(false), 1, policy)).toBeUndefined();
    expect(pauseAfter(new Error('x'), 1, policy)).toBeUndefined();
  });
});

test('a pause ends when its caller gives up', async () => {
  const controller = new AbortController();
  const waiting = realWait(60_000, controller.signal);
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'Canceled' });
});

test.each([
  ['5', 5000],
  ['0', 0],
  ['', undefined],
  ['soon', undefined],
  ['-1', undefined],
  ['1', 1000],
  ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
])('Retry-After %j asks for %s ms', (text, expected) => {
  expect(parseRetryAfter(text, 1000)).toBe(expected);
});

test.each([
  ['10s', 10_000],
  ['1m30s', 90_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['', undefined],
  ['10', undefined],
  ['s', undefined],
  ['10s!', undefined],
  ['-1s', undefined],
])('the duration %j has %s ms', (text, expected) => {
  expect(parseGoDuration(text)).toBe(expected);
});

test('foreign words are cut and cannot forge lines', () => {
  expect(quotable('a\r\nERROR b\u0007')).toBe('a ERROR b');
  expect(quotable('x'.repeat(1000))).toHaveLength(301);
});

test.each([
  ['<html>', 'answered status 503'],
  ['{"errors": []}', 'answered status 503'],
  ['{"errors": [{"code": "X"}]}', 'answered status 503 (X)'],
  ['{"errors": [{"code": "X", "message": "why"}, {}]}', 'answered status 503 (X: "why")'],
  ['{"error": "invalid", "error_description": "why"}', 'answered status 503 (invalid: "why")'],
  ['{"details": "why"}', 'answered status 503 ("why")'],
  ['null', 'answered status 503'],
])('an answer of %j is told as %j', (body, told) => {
  const answer = { host: 'h', status: 503, body, retryAfter: '' };
  expect(answerError('do it', answer, 0).message).toBe(`cannot do it: "h" ${told}`);
});
