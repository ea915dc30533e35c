import { inspect } from 'node:util';
import pino from 'pino';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

const secret = new Secret('hunter2');

test('a secret is told by reveal() alone', () => {
  expect(secret.reveal()).toBe('hunter2');
  for (const text of [
    String(secret),
    ['with', secret].join(' '),
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: [secret] }, { showHidden: true }),
    JSON.stringify(Object.assign({}, secret)),
    new Error('no', { cause: secret }).stack ?? '',
  ]) {
    expect(text).not.toContain('hunter2');
  }
});

test('a logger that gets one writes its mask', () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  log.info({ auth: { password: secret } }, String(secret));
  expect(lines.join('')).toContain('[redacted]');
  expect(lines.join('')).not.toContain('hunter2');
});

test('two secrets can be compared without being told', () => {
  expect(secret.equals(new Secret('hunter2'))).toBe(true);
  expect(secret.equals(new Secret('hunter3'))).toBe(false);
  expect(new Secret('').isEmpty).toBe(true);
});
