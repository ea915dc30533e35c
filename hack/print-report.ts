// Prints a vitest JSON report as the lines that hack/run-tests.ts reads from the guest's output.
import { readVitestReport } from './vitest-report.ts';

const outcome = await readVitestReport('guest', process.argv[2] ?? '');
for (const failure of outcome.failures) {
  process.stdout.write(`guest failed: ${failure}\n`);
}
for (const skip of outcome.skips) {
  process.stdout.write(`guest skip: ${skip}\n`);
}
const { passed, failed, skips } = outcome;
process.stdout.write(`guest: ${passed} passed, ${failed} failed, ${skips.length} skipped\n`);
