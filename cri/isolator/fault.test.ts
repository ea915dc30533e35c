import { expect, test } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import { errorCodes } from '../core/error.ts';
import { faultToError } from './fault.ts';

const wireCodes: typeof estiba.isolation.v1.ErrorCode = estiba.isolation.v1.ErrorCode;

test('every error code of the wire has its namesake', () => {
  const wireNames = Object.keys(wireCodes).filter((name) => name !== 'ERROR_CODE_UNSPECIFIED');
  const snake = (name: string): string => name.replaceAll(/(?<=.)([A-Z])/g, '_$1').toUpperCase();
  expect(wireNames.toSorted()).toEqual(errorCodes.map((name) => snake(name)).toSorted());
  for (const name of errorCodes) {
    const code = Object.entries(wireCodes).find(([wireName]) => wireName === snake(name))?.[1];
    const fault = estiba.isolation.v1.Fault.decode(Buffer.from([8, Number(code)]));
    expect(faultToError(fault).code).toBe(name);
  }
});

test('message, step, errno and chain survive', () => {
  const error = faultToError({
    code: wireCodes.NOT_FOUND,
    step: 'mount-volume',
    errno: 2,
    message: 'cannot mount "/a": no such file',
    chain: ['outer', 'inner'],
  });
  expect(error).toMatchObject({
    code: 'NotFound',
    step: 'mount-volume',
    errno: 2,
    message: 'cannot mount "/a": no such file',
    cause: { message: 'outer', cause: { message: 'inner' } },
  });
});

test('a fault without facts is Internal and says that it has no reason', () => {
  const error = faultToError({ step: '', errno: 0 });
  expect(error).toMatchObject({ code: 'Internal', step: undefined, errno: undefined });
  expect(error.message).toContain('no reason');
  expect(error.cause).toBeUndefined();
});
