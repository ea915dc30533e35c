// Reads what hack/guest-tests and hack/guest-rust print in the guest: one line for each thing as it
// happens, `guest EVENT FILE: REST`.
import type { Outcome } from './vitest-report.ts';

/** How the run in the guest as a whole ended. */
export interface GuestEnd {
  readonly code: number;
  readonly output: string;
}

/** How far a file has come; `test` is the one that runs, until the next one. */
interface File {
  test: string;
  hasEnded: boolean;
}

/**
 * The counts of a run of `files`. A file that did not end, or never began, is a failure that names it
 * and the test it was in; so is a run that fails without a test that does.
 */
export function readGuestReport(name: string, files: readonly string[], end: GuestEnd): Outcome {
  const outcome: Outcome = { passed: 0, failed: 0, skips: [], failures: [] };
  const fail = (what: string): void => {
    outcome.failed += 1;
    outcome.failures.push(`${name}: ${what}`);
  };
  const seen = new Map<string, File>();
  for (const [, event, path = '', rest = ''] of end.output.matchAll(
    /^guest (begin|runs|passed|failed|skipped|end) ([^\s:]+)(?:: (.*))?$/gmu,
  )) {
    const file = seen.get(path) ?? { test: '', hasEnded: false };
    seen.set(path, file);
    if (event === 'runs') {
      file.test = rest;
    } else if (event === 'passed') {
      outcome.passed += 1;
    } else if (event === 'failed') {
      fail(`${path}: ${rest}`);
    } else if (event === 'skipped') {
      outcome.skips.push(`${name}: ${rest}`);
    } else if (event === 'end') {
      file.hasEnded = true;
    }
  }
  const why = end.code === 0 ? 'the run ended well' : `the run ended with ${end.code}`;
  for (const path of files) {
    const file = seen.get(path);
    if (file === undefined) {
      fail(`${path}: it was never begun: ${why}`);
    } else if (!file.hasEnded) {
      const test = file.test === '' ? 'before its first test' : `in "${file.test}"`;
      fail(`${path}: it was running, ${test}, when it was cut off: ${why}`);
    }
  }
  if (end.code !== 0 && outcome.failed === 0) {
    fail(`${why} though no test failed`);
  }
  return outcome;
}
