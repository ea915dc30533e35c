// Pulls from a registry on loopback into a fresh file system, Estiba and containerd in turns.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { buildImage } from '../images/build-image.ts';
import type { TarInput } from '../images/tar-writer.ts';
import { DockerRegistry } from '../../test/registry/docker-registry.ts';
import { statOf } from '../../test/lib/processes.ts';
import { pushBuilt } from '../../test/lib/pulls.ts';
import { processes, startContainerd, startEstiba, stopSides, type Contender } from './contender.ts';
import { median, ratio, table } from './figures.ts';
import { machineCpuMs, msPerTick } from './machine-cpu.ts';

const run = promisify(execFile);
const sandboxImage = 'localhost/estiba/bench:latest';

interface Pull {
  readonly seconds: number;
  /** CPU seconds of the machine without the registry's. */
  readonly cpu: number;
  /** CPU seconds of the server's own processes, whatever else the machine does. */
  readonly own: number;
}

// Hexadecimal digits: they compress to a little more than half, as programs do.
const pool = Buffer.from(randomBytes(8 << 20).toString('hex'));

function content(bytes: number): Buffer {
  const from = Math.floor(Math.random() * (pool.length - Math.min(bytes, pool.length)));
  if (bytes <= pool.length) {
    return pool.subarray(from, from + bytes);
  }
  // In pieces: one text of this size is more than the engine takes.
  const piece = 8 << 20;
  const pieces = Array.from({ length: Math.ceil(bytes / piece) }, () =>
    Buffer.from(randomBytes(piece / 2).toString('hex')),
  );
  return Buffer.concat(pieces).subarray(0, bytes);
}

/** Layers with `count` files altogether, of the sizes that a distribution's files have. */
function fileLayers(layers: number, count: number, withParents: boolean): TarInput[][] {
  const made: TarInput[][] = [];
  for (let layer = 0; layer < layers; layer += 1) {
    // Most image builders write all parents; a layer without is unpacked on those below it.
    const parents = withParents ? ['usr', 'usr/lib', `usr/lib/l${layer}`] : [];
    const entries: TarInput[] = parents.map((name) => ({ name, type: 'directory', mode: 0o755 }));
    for (let file = 0; file < count / layers; file += 1) {
      const directory = `usr/lib/l${layer}/d${Math.floor(file / 100)}`;
      if (file % 100 === 0) {
        entries.push({ name: directory, type: 'directory', mode: 0o755 });
      }
      // Log-uniform from 200 bytes to 160 kB: many small ones, the mean near 24 kB.
      const bytes = Math.round(200 * 800 ** Math.random());
      entries.push({ name: `${directory}/f${file}`, content: content(bytes), mode: 0o644 });
    }
    made.push(entries);
  }
  return made;
}

async function push(url: string, name: string, layers: TarInput[][]): Promise<number> {
  const image = buildImage({ layers, compression: 'gzip' });
  await pushBuilt(url, `bench/${name}`, 'latest', image);
  return image.layers.reduce((sum, { blob }) => sum + blob.length, 0);
}

const isRegistry = (commandLine: string): boolean => commandLine.startsWith('docker-registry');

/** CPU of running processes with their ended children, but this one and the private host's first. */
async function processCpuMs(isMeant: (commandLine: string) => boolean): Promise<number> {
  let ticks = 0;
  for (const { pid, commandLine } of await processes()) {
    if (pid !== 1 && pid !== process.pid && isMeant(commandLine)) {
      const stat = await statOf(pid);
      ticks += (stat?.cpuTicks ?? 0) + (stat?.childCpuTicks ?? 0);
    }
  }
  return ticks * msPerTick;
}

const registryCpuMs = (): Promise<number> => processCpuMs(isRegistry);
const serverCpuMs = (): Promise<number> => processCpuMs((line) => !isRegistry(line));

/** An empty ext4 in a file of its own for the servers' directories. */
async function freshFileSystem(scratch: string): Promise<{ unmount: () => Promise<void> }> {
  const file = join(scratch, 'disk');
  const directory = join(scratch, 'mnt');
  await mkdir(directory, { recursive: true });
  await run('truncate', ['-s', '8G', file]);
  await run('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file]);
  await run('mount', ['-o', 'loop', file, directory]);
  process.env['TMPDIR'] = directory;
  return {
    unmount: async () => {
      delete process.env['TMPDIR'];
      await run('umount', [directory]);
      await rm(file);
    },
  };
}

async function pullOnce(
  start: () => Promise<Contender>,
  scratch: string,
  image: string,
): Promise<Pull> {
  const disk = await freshFileSystem(scratch);
  try {
    const side = await start();
    try {
      await run('sync', []);
      const ownBeforeMs = await serverCpuMs();
      const cpuBeforeMs = (await machineCpuMs()) - (await registryCpuMs());
      const startedAt = performance.now();
      await side.client.image.pullImage({ image: { image } }, { deadlineMs: 600_000 });
      const seconds = (performance.now() - startedAt) / 1000;
      const cpuMs = (await machineCpuMs()) - (await registryCpuMs()) - cpuBeforeMs;
      return { seconds, cpu: cpuMs / 1000, own: ((await serverCpuMs()) - ownBeforeMs) / 1000 };
    } finally {
      await stopSides([side]);
    }
  } finally {
    await disk.unmount();
  }
}

async function compare(
  starts: Readonly<Record<string, () => Promise<Contender>>>,
  scratch: string,
  image: string,
  rounds: number,
): Promise<Record<string, Pull[]>> {
  const found: Record<string, Pull[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    const order = Object.entries(starts);
    for (const [name, start] of round % 2 === 0 ? order : order.toReversed()) {
      (found[name] ??= []).push(await pullOnce(start, scratch, image));
    }
  }
  return found;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      pull: { type: 'boolean' },
      rounds: { type: 'string', default: '3' },
      files: { type: 'string', default: '65000' },
      image: { type: 'string', default: 'files,bare,one' },
    },
  });
  const scratch = await mkdtemp(join(tmpdir(), 'estiba-pull-'));
  const archive = join(scratch, 'bench.tar');
  await run('hack/images/make', ['--output', archive, '--tag', sandboxImage]);
  await mkdir(join(scratch, 'registry'));
  const registry = await DockerRegistry.start({ directory: join(scratch, 'registry') });
  const starts = {
    estiba: () => startEstiba(archive),
    containerd: () => startContainerd(archive, sandboxImage),
  };
  try {
    const images: [string, TarInput[][]][] = [
      ['files', fileLayers(3, Number(values.files), true)],
      ['bare', fileLayers(3, Number(values.files), false)],
      [
        'one',
        [[{ name: 'opt/model', content: content(Number(values.files) * 16_000), mode: 0o644 }]],
      ],
    ];
    const titles: Record<string, string> = {
      files: `${values.files} files in 3 layers`,
      bare: 'the same without parent directories',
      one: 'one layer',
    };
    const rows: string[][] = [];
    const wanted = values.image.split(',');
    for (const [name, layers] of images.filter(([each]) => wanted.includes(each))) {
      const bytes = await push(registry.url, name, layers);
      const image = `${registry.host}/bench/${name}:latest`;
      const found = await compare(starts, scratch, image, Number(values.rounds));
      const [ours = [], theirs = []] = [found['estiba'], found['containerd']];
      const title = `${titles[name] ?? ''}, ${Math.round(bytes / 1e6)} MB gzip`;
      for (const [what, of] of [
        ['time', (pull: Pull) => pull.seconds],
        ['CPU', (pull: Pull) => pull.cpu],
        ['CPU of its own processes', (pull: Pull) => pull.own],
      ] as const) {
        const [a, b] = [ours.map(of), theirs.map(of)];
        rows.push([`${title}: ${what}`, median(a).toFixed(1), median(b).toFixed(1), ratio(a, b)]);
      }
    }
    const head = ['pull and unpack, s', 'Estiba', 'containerd', 'ratio (p10 – p90)'];
    process.stdout.write(`\n${table(head, rows)}\n`);
  } finally {
    await registry[Symbol.asyncDispose]();
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
