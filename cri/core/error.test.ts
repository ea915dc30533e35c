import { expect, test } from 'vitest';
import { asCriError, CriError, describeError, errnoCode, fileError } from './error.ts';

test('a CriError keeps code, step, errno and cause', () => {
  const cause = new Error('deep');
  const error = new CriError('NotFound', 'cannot find pod "a": gone', {
    cause,
    step: 'open',
    errno: 2,
  });
  expect(error).toMatchObject({ code: 'NotFound', step: 'open', errno: 2, cause });
  expect(error.message).toBe('cannot find pod "a": gone');
});

test('asCriError returns a CriError untouched', () => {
  const error = new CriError('Unavailable', 'cannot reach monitor: gone');
  expect(asCriError(error)).toBe(error);
});

test('asCriError makes Internal of an untyped error and keeps it as the cause', () => {
  const cause = new TypeError('x is not a function');
  expect(asCriError(cause)).toMatchObject({ code: 'Internal', message: cause.message, cause });
});

test('errnoCode knows the system’s errors from ours', () => {
  expect(errnoCode(Object.assign(new Error('no'), { code: 'EIO', errno: -5 }))).toBe('EIO');
  expect(errnoCode(new CriError('NotFound', 'no', { errno: 2 }))).toBe('');
  expect(errnoCode('EIO')).toBe('');
});

test('describeError never returns an empty text', () => {
  expect(describeError(new RangeError(''))).toBe('RangeError');
  expect(describeError('plain')).toBe('plain');
  expect(describeError('')).toBe('unknown error');
  expect(describeError(undefined)).toBe('unknown error');
});

test.each([
  ['ENOSPC', 28, 'ResourceExhausted'],
  ['EDQUOT', 122, 'ResourceExhausted'],
  ['EIO', 5, 'Internal'],
])('a file operation that fails with %s is told by its place and as %s %s', (code, errno, kind) => {
  const cause = Object.assign(new Error(`${code}: why, write`), { code, errno: -errno });
  expect(fileError('write "/a"', cause, 'save')).toMatchObject({
    code: kind,
    message: `cannot write "/a": ${code}: why, write`,
    errno,
    step: 'save',
    cause,
  });
  const known = new CriError('NotFound', 'cannot find it');
  expect(fileError('write "/a"', known)).toBe(known);
});
