// Prints vitest JSON reports, summed, as the lines that hack/run-tests.ts reads from the guest's
// output.
import { readVitestReport } from './vitest-report.ts';

const outcomes = await Promise.all(
  process.argv.slice(2).map((path) => readVitestReport('guest', path)),
);
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const { passed, failed, skips, failures } of outcomes) {
  for (const failure of failures) {
    process.stdout.write(`guest failed: ${failure}\n`);
  }
  for (const skip of skips) {
    process.stdout.write(`guest skip: ${skip}\n`);
  }
  sum.passed += passed;
  sum.failed += failed;
  sum.skipped += skips.length;
}
process.stdout.write(`guest: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
