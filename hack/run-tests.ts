// Runs the test stages, collects their counts and skips, prints the total as the last line.
// Called by hack/test, which has installed and built everything.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guests } from './guest-runs.ts';
import { endCommandsWithUs, run } from './run-command.ts';
import { readVitestReport, type Outcome } from './vitest-report.ts';

interface Stage {
  readonly name: string;
  readonly run: (scratch: string) => Promise<Outcome>;
}

const stages: readonly Stage[] = [
  { name: 'unit', run: (scratch) => vitest('unit', [], scratch, []) },
  { name: 'rust', run: () => cargo() },
  {
    name: 'integration',
    run: (scratch) =>
      vitest('integration', ['test/integration', 'test/fault'], scratch, ['hack/private-host']),
  },
  {
    name: 'conformance',
    run: async (scratch) => {
      // Built out here, where the Go module proxy can be reached; in there it is only found.
      await run(['hack/crictl']);
      await run(['hack/critest', '--build']);
      return vitest('conformance', ['test/conformance'], scratch, ['hack/private-host']);
    },
  },
  { name: 'quickstart', run: () => quickstart() },
  { name: 'vm', run: () => vm() },
];

async function vitest(
  stage: string,
  filters: readonly string[],
  scratch: string,
  wrapper: readonly string[],
): Promise<Outcome> {
  const file = join(scratch, `${stage}.json`);
  const project = stage === 'unit' ? 'unit' : 'integration';
  const argv = ['vitest', 'run', '--project', project, '--passWithNoTests', ...filters];
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${file}`];
  const { code } = await run([...wrapper, ...argv, ...reporters]);
  const outcome = await readVitestReport(stage, file);
  if (code !== 0 && outcome.failed === 0) {
    outcome.failed = 1;
  }
  return outcome;
}

async function cargo(): Promise<Outcome> {
  // As root: most of what the helper does needs it. The target directory is the build's own, so
  // that nothing is compiled twice; only test binaries are added.
  const argv = ['sh', '-c', 'cd cri/native && cargo test --workspace --locked --no-fail-fast 2>&1'];
  const { code, output } = await run(argv);
  const outcome: Outcome = { passed: 0, failed: 0, skips: [], failures: [] };
  for (const line of output.matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gmu,
  )) {
    outcome.passed += Number(line[1]);
    outcome.failed += Number(line[2]);
  }
  for (const line of output.matchAll(/^test (\S+).* \.\.\. ignored(?:, (.*))?$/gmu)) {
    outcome.skips.push(`rust: ${line[1]}: ${line[2] ?? 'no reason given'}`);
  }
  for (const line of output.matchAll(/^skipped: (.*)$/gmu)) {
    outcome.skips.push(`rust: ${line[1]}`);
  }
  if (code !== 0 && outcome.failed === 0) {
    outcome.failed = 1;
  }
  return outcome;
}

async function quickstart(): Promise<Outcome> {
  const { code } = await run(['hack/private-host', 'hack/quickstart', '--name', 'test']);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skips: [], failures: [] };
}

/** What hack/vm promises, then the tests in the guests that it makes. */
async function vm(): Promise<Outcome> {
  if (process.env['ESTIBA_SKIP_VM'] === '1') {
    return { passed: 0, failed: 0, skips: ['vm: all of it: ESTIBA_SKIP_VM=1'], failures: [] };
  }
  return sum([await vmItself(), ...(await guests())]);
}

function sum(outcomes: readonly Outcome[]): Outcome {
  const total: Outcome = { passed: 0, failed: 0, skips: [], failures: [] };
  for (const outcome of outcomes) {
    add(total, outcome);
  }
  return total;
}

function add(total: Outcome, more: Outcome): void {
  total.passed += more.passed;
  total.failed += more.failed;
  total.skips.push(...more.skips);
  total.failures.push(...more.failures);
}

async function vmItself(): Promise<Outcome> {
  // The first run builds the guest.
  const { code, output } = await run(['test/vm/run'], { limitSeconds: 900 });
  const counts = /^(\d+) passed, (\d+) failed$/mu.exec(output);
  const failures = [...output.matchAll(/^FAILED {2}(.*)$/gmu)].map((line) => `vm: ${line[1]}`);
  if (counts === null) {
    const failure = `vm: test/vm/run ended with ${code} and told no counts`;
    return { passed: 0, failed: 1, skips: [], failures: [...failures, failure] };
  }
  return { passed: Number(counts[1]), failed: Number(counts[2]), skips: [], failures };
}

/** A stage that breaks down fails; the others have their turn. */
async function outcomeOf(stage: Stage, scratch: string): Promise<Outcome> {
  try {
    return await stage.run(scratch);
  } catch (error) {
    const failure = `${stage.name}: ${String(error)}`;
    return { passed: 0, failed: 1, skips: [], failures: [failure] };
  }
}

async function runStages(wanted: readonly string[], total: Outcome): Promise<string[]> {
  const lines: string[] = [];
  const scratch = await mkdtemp(join(tmpdir(), 'estiba-tests-'));
  try {
    for (const stage of stages) {
      if (wanted.length > 0 && !wanted.includes(stage.name)) {
        continue;
      }
      process.stderr.write(`\n==> ${stage.name}\n`);
      const startedAt = performance.now();
      const outcome = await outcomeOf(stage, scratch);
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      add(total, outcome);
      lines.push(
        `${stage.name}: ${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skips.length} skipped (${seconds} s)`,
      );
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return lines;
}

async function main(): Promise<void> {
  endCommandsWithUs();
  const total: Outcome = { passed: 0, failed: 0, skips: [], failures: [] };
  const lines = await runStages(process.argv.slice(2), total);
  process.stdout.write(`\n${lines.join('\n')}\n`);
  for (const failure of total.failures) {
    process.stdout.write(`failed: ${failure}\n`);
  }
  for (const skip of total.skips) {
    process.stdout.write(`skipped: ${skip}\n`);
  }
  process.stdout.write(
    `${total.passed} passed, ${total.failed} failed, ${total.skips.length} skipped\n`,
  );
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await main();
