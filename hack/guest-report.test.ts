import { expect, test } from 'vitest';
import { readGuestReport } from './guest-report.ts';

const lines = (...all: string[]): string => `${all.join('\n')}\n`;

test('lines are counted, with failures and skips by name', () => {
  const output = lines(
    'vm: something else',
    'guest begin a.test.ts',
    'guest begin b.test.ts',
    'guest runs a.test.ts: works',
    'guest passed a.test.ts: works (0.1 s)',
    'guest failed b.test.ts: breaks: expected 1 to be 2: not equal',
    '    Error: guest passed b.test.ts: is only quoted',
    'guest skipped b.test.ts: needs a thing: there is none',
    'guest end a.test.ts: 1 s',
    'guest end b.test.ts: 2 s',
  );
  expect(readGuestReport('vm', ['a.test.ts', 'b.test.ts'], { code: 1, output })).toEqual({
    passed: 1,
    failed: 1,
    failures: ['vm: b.test.ts: breaks: expected 1 to be 2: not equal'],
    skips: ['vm: needs a thing: there is none'],
  });
});

test('a run that is cut fails by the files that were running and those that never began', () => {
  const output = lines(
    'guest begin a.test.ts',
    'guest runs a.test.ts: first',
    'guest passed a.test.ts: first (0.1 s)',
    'guest runs a.test.ts: second',
    'guest begin b.test.ts',
  );
  const files = ['a.test.ts', 'b.test.ts', 'c.test.ts'];
  expect(readGuestReport('vm', files, { code: 124, output })).toEqual({
    passed: 1,
    failed: 3,
    failures: [
      'vm: a.test.ts: it was running, in "second", when it was cut off: the run ended with 124',
      'vm: b.test.ts: it was running, before its first test, when it was cut off: the run ended with 124',
      'vm: c.test.ts: it was never begun: the run ended with 124',
    ],
    skips: [],
  });
});

test('a run that ends badly fails, whatever it told', () => {
  const output = lines('guest begin a.test.ts', 'guest end a.test.ts: 1 s');
  expect(readGuestReport('vm', ['a.test.ts'], { code: 1, output })).toMatchObject({
    failed: 1,
    failures: ['vm: the run ended with 1 though no test failed'],
  });
  expect(readGuestReport('vm', ['a.test.ts'], { code: 0, output })).toMatchObject({ failed: 0 });
});
