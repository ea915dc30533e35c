import { expect, it } from 'vitest';
import { Tally } from './tally.ts';

it('knows a value as long as anybody has it', () => {
  const tally = new Tally();
  tally.add('a');
  tally.add('a');
  tally.add('');
  tally.add(undefined);
  expect(tally.has('a')).toBe(true);
  expect(tally.has('')).toBe(false);
  tally.remove('a');
  expect(tally.has('a')).toBe(true);
  tally.remove('a');
  tally.remove('a');
  tally.remove(undefined);
  expect(tally.has('a')).toBe(false);
});
