// Estiba and containerd live the same pods in turns. hack/bench has installed and built everything
// and runs this on a private host.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { processes, startContainerd, startEstiba, stopSides, type Contender } from './contender.ts';
import { median, ms, ratio, table } from './figures.ts';
import { machineCpuMs } from './machine-cpu.ts';
import { calls, endPod, podLife, runPod, type Network, type Times } from './pod-life.ts';
import { stepsOf } from './steps.ts';

const image = 'localhost/estiba/bench:latest';
/** Lives before the first that counts. */
const warmUp = 3;

interface Life extends Times {
  /** CPU time of the whole machine, ms. */
  readonly cpu: number;
}

async function measuredLife(side: Contender, network: Network): Promise<Life> {
  const before = await machineCpuMs();
  const times = await podLife(side, image, network);
  return { ...times, cpu: (await machineCpuMs()) - before };
}

async function lives(
  sides: readonly Contender[],
  network: Network,
  rounds: number,
): Promise<Record<string, Life[]>> {
  const found: Record<string, Life[]> = {};
  for (let round = -warmUp; round < rounds; round += 1) {
    // Who begins changes, so that neither always runs on the other's heat.
    const order = round % 2 === 0 ? sides : sides.toReversed();
    for (const side of order) {
      const life = await measuredLife(side, network);
      if (round >= 0) {
        (found[side.name] ??= []).push(life);
      }
    }
  }
  return found;
}

function showLives(network: Network, found: Record<string, Life[]>): void {
  const ours = found['estiba'] ?? [];
  const theirs = found['containerd'] ?? [];
  const row = (name: string, of: (life: Life) => number): string[] => [
    name,
    ms(median(ours.map(of))),
    ms(median(theirs.map(of))),
    ratio(ours.map(of), theirs.map(of)),
  ];
  const head = [`${network} network, p50 in ms`, 'Estiba', 'containerd', 'ratio (p10 – p90)'];
  const rows = calls.map((call) => row(call, (life) => life[call]));
  rows.push(
    row(
      'Run + Create + Start',
      (life) => life.RunPodSandbox + life.CreateContainer + life.StartContainer,
    ),
    row('Create + Start', (life) => life.CreateContainer + life.StartContainer),
  );
  const cpu = (all: Life[]): number => all.reduce((sum, life) => sum + life.cpu, 0) / all.length;
  rows.push([
    'CPU of the machine per life, mean',
    ms(cpu(ours)),
    ms(cpu(theirs)),
    (cpu(theirs) / cpu(ours)).toFixed(1),
  ]);
  process.stdout.write(`\n${table(head, rows)}\n`);
}

function showSteps(log: string): void {
  const rows = [...stepsOf(log)].map(([name, values]) => [name, ms(median(values))]);
  process.stdout.write(`\n${table(["Estiba's steps (all networks)", 'p50 in ms'], rows)}\n`);
}

interface Memory {
  readonly privateKiB: number;
  readonly pssKiB: number;
  readonly anonymousKiB: number;
}

async function memoryOf(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'mu').exec(text)?.[1] ?? 0);
  return {
    privateKiB: field('Private_Dirty') + field('Private_Clean'),
    pssKiB: field('Pss'),
    anonymousKiB: field('Anonymous'),
  };
}

const server = ({ anonymousKiB, pssKiB }: Memory): string =>
  `${(anonymousKiB / 1024).toFixed(0)} / ${(pssKiB / 1024).toFixed(0)}`;

async function showMemory(sides: readonly Contender[], pods: number): Promise<void> {
  const rows: string[][] = [];
  for (const side of sides) {
    const idle = await memoryOf(side.pid);
    const running: { podSandboxId: string; containerId: string }[] = [];
    for (let pod = 0; pod < pods; pod += 1) {
      running.push(await runPod(side, image, 'bridge'));
    }
    let [overhead, pss] = [0, 0];
    for (const { pid, commandLine } of await processes()) {
      if (side.isOverhead(commandLine)) {
        const memory = await memoryOf(pid);
        overhead += memory.privateKiB;
        pss += memory.pssKiB;
      }
    }
    const loaded = await memoryOf(side.pid);
    rows.push([
      side.name,
      (overhead / pods).toFixed(0),
      (pss / pods).toFixed(0),
      server(idle),
      server(loaded),
    ]);
    for (const { podSandboxId, containerId } of running) {
      await endPod(side, podSandboxId, containerId);
    }
  }
  const head = [
    'memory',
    'private per pod, KiB',
    'PSS per pod, KiB',
    'server after the lives: anonymous / PSS, MiB',
    `with ${pods} pods, MiB`,
  ];
  process.stdout.write(`\n${table(head, rows)}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '30' },
      pods: { type: 'string', default: '20' },
      json: { type: 'string' },
    },
  });
  const scratch = await mkdtemp(join(tmpdir(), 'estiba-bench-'));
  const sides: Contender[] = [];
  const all: Record<string, unknown> = {};
  try {
    const archive = join(scratch, 'bench.tar');
    const make = ['--output', archive, '--tag', image, '--cmd', 'sleep', '--cmd', '1000000'];
    await promisify(execFile)('hack/images/make', make);
    sides.push(await startEstiba(archive));
    sides.push(await startContainerd(archive, image));
    for (const network of ['host', 'bridge'] as const) {
      const found = await lives(sides, network, Number(values.rounds));
      all[network] = found;
      showLives(network, found);
    }
    showSteps(sides[0]?.log() ?? '');
    await showMemory(sides, Number(values.pods));
    if (values.json !== undefined) {
      await writeFile(values.json, JSON.stringify(all));
    }
  } finally {
    await stopSides(sides);
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
