// Reads what vitest's JSON reporter wrote: counts, failures, and each skip with its reason.
import { readFile } from 'node:fs/promises';

/** The counts of one stage. */
export interface Outcome {
  passed: number;
  failed: number;
  /** One line each: which test, and why it did not run. */
  readonly skips: string[];
  readonly failures: string[];
}

interface Test {
  readonly status: string;
  readonly fullName: string;
  readonly meta?: { readonly reason?: string };
  readonly failureMessages?: readonly string[];
}

interface Suite {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
  readonly assertionResults: readonly Test[];
}

/** Returns the counts of a report; a report that cannot be read counts as one failure. */
export async function readVitestReport(stage: string, file: string): Promise<Outcome> {
  let suites: readonly Suite[];
  try {
    const report = JSON.parse(await readFile(file, 'utf8')) as { testResults: readonly Suite[] };
    suites = report.testResults;
  } catch (error) {
    return { passed: 0, failed: 1, skips: [], failures: [`${stage}: no report: ${String(error)}`] };
  }
  const tests = suites.flatMap((suite) => suite.assertionResults);
  const failed = tests.filter((test) => test.status === 'failed');
  const skipped = tests.filter((test) => test.status !== 'failed' && test.status !== 'passed');
  // A file that fails outside its tests (import, hooks) has no failed test of its own.
  const broken = suites.filter(
    (suite) =>
      suite.status === 'failed' && suite.assertionResults.every((test) => test.status !== 'failed'),
  );
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: failed.length + broken.length,
    skips: skipped.map((test) => `${stage}: ${test.fullName}: ${test.meta?.reason ?? 'no reason'}`),
    failures: [
      ...failed.map(
        (test) => `${stage}: ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`,
      ),
      ...broken.map((suite) => `${stage}: ${suite.name}: ${firstLine(suite.message)}`),
    ],
  };
}

function firstLine(text: string | undefined): string {
  return (text ?? '').split('\n')[0] ?? '';
}
