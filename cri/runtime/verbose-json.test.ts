import { expect, test } from 'vitest';
import { toLong } from '../../proto/long.ts';
import { verboseJson } from './verbose-json.ts';

test('64-bit numbers are numbers, and text where a number would round', () => {
  const value = {
    small: toLong(-5),
    large: toLong(2n ** 63n - 1n),
    unsigned: toLong(2n ** 64n - 1n),
    time: 12n,
    list: [toLong(1)],
    text: 'x',
  };
  expect(JSON.parse(verboseJson(value))).toEqual({
    small: -5,
    large: '9223372036854775807',
    unsigned: '18446744073709551615',
    time: 12,
    list: [1],
    text: 'x',
  });
});
