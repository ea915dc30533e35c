import { expect, test } from 'vitest';
import { CriError } from '../core/error.ts';
import { isNotTls, networkError } from './network-error.ts';

function withCode(code: string, cause?: unknown): Error {
  return Object.assign(new Error('of its own', { cause }), { code });
}

test.each([
  ['ECONNREFUSED', 'Unavailable', 'RegistryUnavailable', false, 'connection refused'],
  ['ENOTFOUND', 'Unavailable', 'RegistryUnavailable', false, 'the name does not resolve'],
  ['EAI_AGAIN', 'Unavailable', 'RegistryUnavailable', true, 'the name server does not answer'],
  ['ECONNRESET', 'Unavailable', 'RegistryUnavailable', true, 'the connection was reset'],
  ['UND_ERR_SOMETHING', 'Unavailable', 'RegistryUnavailable', true, 'of its own'],
  ['CERT_HAS_EXPIRED', 'FailedPrecondition', 'ErrImagePull', false, 'has expired'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'FailedPrecondition', 'ErrImagePull', false, 'speak TLS'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'FailedPrecondition', 'ErrImagePull', false, 'not trust'],
  ['ERR_SSL_NEW_THING', 'FailedPrecondition', 'ErrImagePull', false, 'TLS failed (ERR_SSL_NEW'],
])('%s is %s, %s, worth another try: %s', (code, expected, reason, isTransient, why) => {
  for (const error of [
    withCode(code),
    withCode('UNKNOWN', withCode(code)),
    new AggregateError([withCode(code)]),
  ]) {
    const wrapped = networkError('do it', 'h', error);
    expect(wrapped).toMatchObject({ code: expected, reason, isTransient, host: 'h' });
    if (error.message === 'of its own') {
      expect(wrapped.message).toContain(why);
    }
  }
});

test('an error of our own passes as it is', () => {
  const own = new CriError('Canceled', 'x');
  expect(networkError('do it', 'h', own)).toBe(own);
});

test('only a host that does not speak TLS is taken for one', () => {
  expect(isNotTls(withCode('ERR_SSL_WRONG_VERSION_NUMBER'))).toBe(true);
  expect(isNotTls(withCode('CERT_HAS_EXPIRED'))).toBe(false);
  expect(isNotTls('no error')).toBe(false);
});
