// Large pulls: what a restart of the server in the middle costs, and that main's event loop stays free.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventually } from '../lib/pods.ts';
import { noise, onBusybox, PullGround } from '../lib/pulls.ts';
import { hasDockerRegistry } from '../registry/docker-registry.ts';
import { needDockerRegistry } from '../registry/registry-ground.ts';

let ground: PullGround;

beforeAll(async () => {
  if (await hasDockerRegistry()) {
    ground = await PullGround.make();
  }
});

afterAll(async () => {
  if (ground !== undefined) {
    const left = await ground.server.stop();
    await ground[Symbol.asyncDispose]();
    expect(left).toEqual([]);
  }
});

beforeEach(async (context) => {
  await needDockerRegistry(context);
  await ground.clear();
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
    expect(await ground.pull(name)).toBe(image.id);
    expect(ground.proxy.sentBytes).toBeLessThan(size * 1.05);
  },
);

it('fetches hardly more than the image when the connection is cut 20 times', async () => {
  const image = onBusybox([noise(60_000_000)]);
  const size = image.layers.reduce((sum, { blob }) => sum + blob.length, 0);
  const name = await ground.push('team/large', 'cuts', image);
  const large = image.layers.at(-1)?.digest ?? '';
  let cuts = 0;
  ground.proxy.plan = ({ path }) => {
    if (!path.endsWith(large) || cuts >= 20) {
      return undefined;
    }
    cuts += 1;
    return { kind: 'cut', afterBytes: Math.floor(Math.random() * 5_000_000) };
  };
  expect(await ground.pull(name, { deadlineMs: 120_000 })).toBe(image.id);
  expect(cuts).toBe(20);
  expect(ground.proxy.sentBytes).toBeLessThan(size * 1.05);
});

it('keeps the event loop of main free', async () => {
  const { host } = ground.registry;
  await ground.push('team/large', 'small', onBusybox([]));
  await ground.pull(`${host}/team/large:small`);
  const image = onBusybox(Array.from({ length: 3 }, () => noise(100_000_000)));
  await ground.push('team/large', 'loop', image);
  await using idle = IdleProgram.start();
  await metric('estiba_event_loop_delay_p99_seconds'); // begins a new measurement
  const before = await metric('estiba_image_pull_bytes_total');
  expect(await ground.pull(`${host}/team/large:loop`, { deadlineMs: 120_000 })).toBe(image.id);
  const delay = await metric('estiba_event_loop_delay_p99_seconds');
  const fetched = (await metric('estiba_image_pull_bytes_total')) - before;
  expect(fetched).toBeGreaterThanOrEqual(300_000_000);
  // On a machine with more to do than CPUs everybody waits, also a program that does nothing.
  const everybody = await idle.delaySeconds();
  expect(delay).toBeLessThanOrEqual(Math.max(0.01, everybody * 2));
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

/** The value of a metric of the server's own. */
async function metric(name: string): Promise<number> {
  const addresses = [...ground.server.log.matchAll(/"metrics":"([^"]+)"/gu)];
  const answer = await fetch(`http://${addresses.at(-1)?.[1]}/metrics`);
  const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}
