import { expect, test } from 'vitest';
import { isId, isImageId, newContainerId, newSandboxId } from './ids.ts';

test('new ids are 64 hex digits and differ', () => {
  const ids = [newSandboxId(), newSandboxId(), newContainerId(), newContainerId()];
  expect(ids.every((id) => isId(id))).toBe(true);
  expect(new Set<string>(ids).size).toBe(4);
});

test('isId refuses upper case, other lengths, path tricks and a trailing newline', () => {
  const good = 'a'.repeat(64);
  expect(isId(good)).toBe(true);
  for (const bad of [
    '',
    good.slice(1),
    `${good}a`,
    good.toUpperCase(),
    `../${good}`,
    `${good}\n`,
  ]) {
    expect(isId(bad), JSON.stringify(bad)).toBe(false);
  }
});

test('isImageId wants the digest algorithm', () => {
  expect(isImageId(`sha256:${'0'.repeat(64)}`)).toBe(true);
  expect(isImageId('0'.repeat(64))).toBe(false);
  expect(isImageId(`sha512:${'0'.repeat(64)}`)).toBe(false);
});
