// Command line of hack/critest, inside the private host.
import { parseArgs } from 'node:util';
import { Critest, findCritest, type SpecOutcome } from '../../test/conformance/critest.ts';
import {
  knownMisses,
  leftOut,
  missTrouble,
  requiredSpecs,
  requiredTrouble,
  unknownSpecs,
} from '../../test/conformance/critest-specs.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    focus: { type: 'string', multiple: true, default: [] },
    skip: { type: 'string', multiple: true, default: [] },
    verbose: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const found = await findCritest();
  if ('reason' in found) {
    throw new Error(found.reason);
  }
  const critest = await Critest.start(found.tools);
  const startedAt = performance.now();
  let outcomes: SpecOutcome[] = [];
  let left: string[] = [];
  try {
    outcomes = await critest.run({
      nodes: Number(values.nodes),
      focus: values.focus,
      skip: [...values.skip, ...leftOut().map(({ pattern }) => pattern)],
      ...(values.verbose && { onOutput: (text: string) => process.stderr.write(text) }),
    });
  } finally {
    left = await critest.stop();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const troubles = [...troublesOf(outcomes), ...left.map((what) => `left behind: ${what}`)];
  print(outcomes, seconds, troubles);
  process.exitCode = troubles.length === 0 && outcomes.length > 0 ? 0 : 1;
}

/** What is not as the lists say, of what ran. */
function troublesOf(outcomes: readonly SpecOutcome[]): string[] {
  const ran = new Set(outcomes.map(({ name }) => name));
  const required = [...requiredSpecs().values()].flat().filter((spec) => ran.has(spec));
  const misses = knownMisses().filter(({ spec }) => ran.has(spec));
  return [
    ...required.map((spec) => requiredTrouble(spec, outcomes)),
    ...misses.map((miss) => missTrouble(miss, outcomes)),
    ...unknownSpecs(outcomes).map((spec) => `on no list: ${spec}`),
  ].filter((trouble) => trouble !== undefined);
}

function print(
  outcomes: readonly SpecOutcome[],
  seconds: number,
  troubles: readonly string[],
): void {
  const why = new Map(knownMisses().map(({ spec, because }) => [spec, because]));
  for (const { name, state } of outcomes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const because = state === 'passed' ? '' : ` (${why.get(name) ?? 'not known'})`;
    process.stdout.write(`${state.padEnd(7)} ${name}${because}\n`);
  }
  for (const { pattern, because } of leftOut()) {
    process.stdout.write(`not run ${pattern} (${because})\n`);
  }
  for (const trouble of troubles) {
    process.stdout.write(`\nTROUBLE ${trouble}\n`);
  }
  const count = (state: SpecOutcome['state']): number =>
    outcomes.filter((outcome) => outcome.state === state).length;
  process.stdout.write(
    `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped in ` +
      `${seconds.toFixed(0)} s; ${troubles.length === 0 ? 'all as expected' : 'not as expected'}\n`,
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`hack/critest: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
