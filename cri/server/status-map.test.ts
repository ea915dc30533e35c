import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { CriError } from '../core/error.ts';
import { RegistryError } from '../registry/registry-error.ts';
import { toStatus } from './status-map.ts';

test('a registry that is not available has status Unknown, where the kubelet reads the word', () => {
  const message = 'RegistryUnavailable: cannot resolve image "a": no connection';
  const reason = 'RegistryUnavailable';
  const gone = new RegistryError('Unavailable', message, { host: 'a.example', reason });
  expect(toStatus(gone)).toMatchObject({ code: status.UNKNOWN, details: message });
});

test('other errors of registries keep their own status', () => {
  const missing = new RegistryError('NotFound', 'cannot fetch', { host: 'a.example' });
  expect(toStatus(missing).code).toBe(status.NOT_FOUND);
  expect(toStatus(new CriError('Unavailable', 'cannot')).code).toBe(status.UNAVAILABLE);
});
