// The kinds of single values that options have, and their units.
import * as v from 'valibot';
import { directoryProblem } from './checks.ts';

/** A string schema with one of the checks of checks.ts, which answer "" or what is wrong. */
export function checkedString(problem: (text: string) => string): v.GenericSchema<string> {
  return v.pipe(
    v.string(),
    v.check(
      (text) => problem(text) === '',
      (issue) => `"${issue.input}" ${problem(issue.input)}`,
    ),
  );
}

/** A whole number in a range, both ends included. */
export function integer(lowest: number, highest: number): v.GenericSchema<number> {
  const wrong = (issue: { received: string }) =>
    `${issue.received} is not a whole number from ${lowest} to ${highest}`;
  return v.pipe(
    v.number(),
    v.safeInteger(wrong),
    v.minValue(lowest, wrong),
    v.maxValue(highest, wrong),
  );
}

/** An absolute path. */
export const directory = (): v.GenericSchema<string> => checkedString(directoryProblem);

/** A time of at least a second. */
export const seconds = (highest: number): v.GenericSchema<number> => integer(1, highest);

export const inSeconds: { readonly type: string; readonly unit: string } = {
  type: 'integer',
  unit: 'seconds',
};

export const inBytes: { readonly type: string; readonly unit: string } = {
  type: 'integer',
  unit: 'bytes',
};
