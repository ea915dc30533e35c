import { assert, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { parseChallenges } from './challenge.ts';

test.each([
  [undefined, []],
  ['', []],
  ['Basic realm="x"', [['basic', { realm: 'x' }]]],
  [
    'Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"',
    [['bearer', { realm: 'https://a/t', service: 's', scope: 'repository:a/b:pull,push' }]],
  ],
  [
    'Basic realm="a \\"b\\", c" , bearer REALM=x, scope = "y"',
    [
      ['basic', { realm: 'a "b", c' }],
      ['bearer', { realm: 'x', scope: 'y' }],
    ],
  ],
  [
    'Negotiate, NTLM, Basic realm="x"',
    [
      ['negotiate', {}],
      ['ntlm', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  [
    ['Negotiate', 'Basic realm=x'],
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  ['Bearer realm="a",realm="b"', [['bearer', { realm: 'a' }]]],
  ['Bearer realm="unclosed', [['bearer', {}]]],
  [',,, Bearer realm=a,,service=b', [['bearer', { realm: 'a', service: 'b' }]]],
])('reads %j', (header, expected) => {
  expect(parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters])).toEqual(
    expected,
  );
});

test('any text is read to its end or given up, never looped over', () => {
  assert(
    property(string(), (text) => {
      expect(parseChallenges(text).length).toBeLessThanOrEqual(text.length);
    }),
  );
});
