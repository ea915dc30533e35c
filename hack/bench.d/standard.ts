// What the standard features of a container cost: lives with and without them in turns, on Estiba and
// on containerd. hack/bench --standard runs this on a private host.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { startContainerd, startEstiba, stopSides, type Contender } from './contender.ts';
import { difference, median, ms, ratio, table } from './figures.ts';
import { calls, podLife, type Times } from './pod-life.ts';
import { prepareShapes, type Shapes } from './standard-shape.ts';
import { stepsOf } from './steps.ts';

const image = 'localhost/estiba/bench:latest';
/** Rounds before the first that counts. */
const warmUp = 3;
const names = ['plain', 'standard'] as const;

type Life = Times & { readonly containerId: string };
/** One side's lives by shape; those of one round have the same index. */
type Pairs = Record<(typeof names)[number], Life[]>;

async function compare(
  sides: readonly Contender[],
  shapes: Shapes,
  rounds: number,
): Promise<ReadonlyMap<Contender, Pairs>> {
  const found = new Map<Contender, Pairs>(sides.map((side) => [side, { plain: [], standard: [] }]));
  for (let round = -warmUp; round < rounds; round += 1) {
    // Who begins changes, so that nobody always runs on the other's heat.
    const turn = <T>(all: readonly T[]): readonly T[] => (round % 2 === 0 ? all : all.toReversed());
    for (const [side, pairs] of turn([...found])) {
      for (const name of turn(names)) {
        const life = await podLife(side, image, 'host', shapes[name]);
        if (round >= 0) {
          pairs[name].push(life);
        }
      }
    }
  }
  return found;
}

const makes = (life: Life): number => life.CreateContainer + life.StartContainer;

function showLives(side: Contender, { plain, standard }: Pairs): void {
  const row = (name: string, of: (life: Life) => number): string[] => {
    const [less, more] = [plain.map(of), standard.map(of)];
    return [name, ms(median(less)), ms(median(more)), difference(less, more)];
  };
  const rows = calls.map((call) => row(call, (life) => life[call]));
  rows.push(row('Create + Start', makes));
  const head = [`${side.name}, p50 in ms`, 'plain', 'standard', 'more (p10 – p90)'];
  process.stdout.write(`\n${table(head, rows)}\n`);
}

function showRatio(ours: Pairs, theirs: Pairs): void {
  const rows = names.map((name) => [name, ratio(ours[name].map(makes), theirs[name].map(makes))]);
  const head = ['Create + Start', "containerd's time over Estiba's (p10 – p90)"];
  process.stdout.write(`\n${table(head, rows)}\n`);
}

type Steps = ReadonlyMap<string, readonly number[]>;

function stepsByShape(log: string, pairs: Pairs): Record<keyof Pairs, Steps> {
  const of = (name: keyof Pairs): Steps => {
    const ids = new Set(pairs[name].map(({ containerId }) => containerId));
    return stepsOf(log, (id) => ids.has(id));
  };
  return { plain: of('plain'), standard: of('standard') };
}

function showSteps({ plain, standard }: Record<keyof Pairs, Steps>): void {
  const rows = [...standard].map(([step, more]) => {
    const less = plain.get(step) ?? [];
    return [step, ms(median(less)), ms(median(more)), difference(less, more)];
  });
  const head = ["Estiba's steps, p50 in ms", 'plain', 'standard', 'more (p10 – p90)'];
  process.stdout.write(`\n${table(head, rows)}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      standard: { type: 'boolean' },
      rounds: { type: 'string', default: '30' },
      json: { type: 'string' },
    },
  });
  const scratch = await mkdtemp(join(tmpdir(), 'estiba-bench-'));
  const shapes = await prepareShapes(scratch);
  const sides: Contender[] = [];
  try {
    const archive = join(scratch, 'bench.tar');
    const make = ['--output', archive, '--tag', image, '--cmd', 'sleep', '--cmd', '1000000'];
    await promisify(execFile)('hack/images/make', make);
    const ours = await startEstiba(archive);
    sides.push(ours);
    const theirs = await startContainerd(archive, image);
    sides.push(theirs);
    const found = await compare(sides, shapes, Number(values.rounds));
    found.forEach((pairs, side) => showLives(side, pairs));
    const [own, rival] = [found.get(ours), found.get(theirs)];
    if (own === undefined || rival === undefined) {
      throw new Error('a side has no lives');
    }
    showRatio(own, rival);
    const steps = stepsByShape(ours.log(), own);
    showSteps(steps);
    if (values.json !== undefined) {
      const inJson = names.map((name) => [name, Object.fromEntries(steps[name])]);
      const all = { estiba: own, containerd: rival, steps: Object.fromEntries(inJson) };
      await writeFile(values.json, JSON.stringify(all));
    }
  } finally {
    await stopSides(sides);
    await shapes.unmount();
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
