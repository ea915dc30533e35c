// Large pulls: what a restart of the server in the middle costs, and that main's event loop stays free.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import type { BuiltImage } from '../../hack/images/build-image.ts';
import { eventually } from '../lib/pods.ts';
import { aroundPulls, noise, onBusybox, type PullGround } from '../lib/pulls.ts';
import type { FaultPlan } from '../registry/fault-proxy.ts';

let ground: PullGround;

aroundPulls({
  made: (one) => {
    ground = one;
  },
});

it.each(['SIGTERM', 'SIGKILL'] as const)(
  'goes on where it was when the server ends by %s in the middle',
  async (signal) => {
    const image = onBusybox([noise(60_000_000), noise(30_000_000)]);
    const size = image.layers.reduce((sum, { blob }) => sum + blob.length, 0);
    const name = await ground.push('team/large', signal.toLowerCase(), image);
    ground.proxy.plan = ({ path }) =>
      path.includes('/blobs/') ? { kind: 'throttle', bytesPerSecond: 10_000_000 } : undefined;
    const broken = ground.pull(name).catch((error: unknown) => String(error));
    await eventually(async () => expect(ground.proxy.sentBytes).toBeGreaterThan(size * 0.6));
    await ground.server.stopServing(signal);
    expect(await broken).toMatch(/UNAVAILABLE|CANCELLED/u);
    await ground.server.serve();
    expect(await ground.status(name)).toBeUndefined();
    ground.proxy.asked.length = 0;
    expect(await ground.pull(name)).toBe(image.id);
    expect(ground.proxy.sentBytes).toBeLessThanOrEqual(size * 1.05);
    // Of layers only the rest was asked for.
    const layers = new Set(image.layers.map(({ digest }) => digest));
    expect(resumed().length).toBeGreaterThan(0);
    expect(resumed()).toHaveLength(ground.blobsAsked.filter((blob) => layers.has(blob)).length);
  },
);

it.each([
  ['one large layer', [60_000_000]],
  ['several layers at once', [25_000_000, 20_000_000, 10_000_000, 5_000_000]],
])('fetches hardly more than the image when connections are cut 20 times: %s', async (_, sizes) => {
  const image = onBusybox(sizes.map(noise));
  const size = image.layers.reduce((sum, { blob }) => sum + blob.length, 0);
  const name = await ground.push('team/large', `cuts-${sizes.length}`, image);
  const cuts = new Cuts(image, 20);
  ground.proxy.plan = cuts.plan;
  expect(await ground.pull(name, { deadlineMs: 120_000 })).toBe(image.id);
  expect(cuts.left).toBe(0);
  // Every byte of every answer that the proxy has written, manifests too, received or not.
  expect(ground.proxy.sentBytes).toBeLessThanOrEqual(size * 1.05);
  expect(resumed()).toHaveLength(20);
});

/** Cuts at random places of an image's layers, more of them in the larger ones. */
class Cuts {
  /** Offsets still to cut at, by layer, in order. */
  readonly #places = new Map<string, number[]>();

  constructor(image: BuiltImage, count: number) {
    const layers = image.layers.slice(1);
    const size = layers.reduce((sum, { blob }) => sum + blob.length, 0);
    for (let index = 0; index < count; index += 1) {
      // Never in the last bytes: what is behind a cut has to be asked for.
      let at = Math.floor(Math.random() * (size - layers.length * 1000));
      const layer = layers.find(({ blob }) => {
        const isHere = at < blob.length - 1000;
        at -= isHere ? 0 : blob.length - 1000;
        return isHere;
      });
      const { digest = '' } = layer ?? {};
      this.#places.set(digest, [...(this.#places.get(digest) ?? []), at]);
    }
    for (const places of this.#places.values()) {
      places.sort((a, b) => a - b);
    }
  }

  get left(): number {
    return [...this.#places.values()].reduce((sum, { length }) => sum + length, 0);
  }

  readonly plan: FaultPlan = ({ path, range }) => {
    const place = this.#places.get(path.slice(path.lastIndexOf('/') + 1))?.shift();
    const start = Number(/^bytes=(\d+)-/u.exec(range)?.[1] ?? 0);
    return place === undefined
      ? undefined
      : { kind: 'cut', afterBytes: Math.max(0, place - start) };
  };
}

/** The requests that asked for the rest of a blob. */
function resumed(): string[] {
  return ground.proxy.asked.filter((line) => /^GET \S+\/blobs\/\S+ bytes=\d+-$/u.test(line));
}

it('keeps the event loop of main free, and little in memory, while 1 GB is pulled', async () => {
  const { host } = ground.registry;
  await ground.push('team/large', 'small', onBusybox([]));
  await ground.pull(`${host}/team/large:small`);
  const image = onBusybox(Array.from({ length: 3 }, () => noise(90_000_000)));
  await ground.push('team/large', 'loop', image);
  await using idle = IdleProgram.start();
  await metric('estiba_event_loop_delay_p99_seconds'); // begins a new measurement
  const before = await metric('estiba_image_pull_bytes_total');
  const residentBefore = await memoryOf('VmRSS');
  await writeFile(`/proc/${ground.server.serverPid}/clear_refs`, '5'); // the peak begins anew
  for (let round = 0; round < 4; round += 1) {
    const name = `${host}/team/large:loop`;
    expect(await ground.pull(name, { deadlineMs: 120_000 })).toBe(image.id);
    await ground.server.client.image.removeImage({ image: { image: image.id } });
  }
  const residentPeak = await memoryOf('VmHWM');
  const delay = await metric('estiba_event_loop_delay_p99_seconds');
  const fetched = (await metric('estiba_image_pull_bytes_total')) - before;
  expect(fetched).toBeGreaterThanOrEqual(1_000_000_000);
  // Whatever waits for the garbage collector, not the 270 MB that come at once.
  expect(residentPeak - residentBefore).toBeLessThan(180_000_000);
  // On a machine with more to do than CPUs everybody waits, also a program that does nothing.
  const everybody = await idle.delaySeconds();
  expect(delay - everybody).toBeLessThanOrEqual(0.01);
});

const idleProgram = `
  const delay = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  process.stdin.once('data', () => {
    process.stdout.write(String(delay.percentile(99) / 1e9 - 0.01));
    process.exit();
  });
`;

/** A program that only measures the delay of its own event loop. */
class IdleProgram implements AsyncDisposable {
  readonly #process: ChildProcessWithoutNullStreams;

  private constructor(process: ChildProcessWithoutNullStreams) {
    this.#process = process;
  }

  static start(): IdleProgram {
    return new IdleProgram(spawn(process.execPath, ['-e', idleProgram]));
  }

  /** p99 of the delay since the start; ends the program. */
  async delaySeconds(): Promise<number> {
    this.#process.stdin.end('\n');
    return Number(await text(this.#process.stdout));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
  }
}

/** What the kernel says about the server's memory, in bytes. */
async function memoryOf(field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${ground.server.serverPid}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'mu').exec(status)?.[1]) * 1024;
}

/** The value of a metric of the server's own. */
async function metric(name: string): Promise<number> {
  const metrics = await ground.server.metrics();
  const line = metrics.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}
