import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockRunDirectory } from './run-lock.ts';

let runDir: string;

beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'estiba-lock-'));
});

afterEach(async () => {
  await rm(runDir, { recursive: true });
});

const names = (): Promise<string[]> => readdir(join(runDir, 'serve.lock'));

test('a run directory has one server, and the next when that has let go', async () => {
  const first = await lockRunDirectory(runDir);
  await expect(lockRunDirectory(runDir)).rejects.toMatchObject({
    code: 'Unavailable',
    message: `cannot use run directory "${runDir}": another server, pid ${process.pid} where it runs, works there`,
  });
  expect(await names()).toHaveLength(1);
  await first.release();
  expect(await names()).toEqual([]);
  const second = await lockRunDirectory(runDir);
  await second.release();
});

test('of many that start at once never two go on', async () => {
  for (let round = 0; round < 10; round += 1) {
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => lockRunDirectory(runDir)),
    );
    const held = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(held.length).toBeLessThanOrEqual(1);
    await Promise.all(held.map((lock) => lock.release()));
  }
  const lock = await lockRunDirectory(runDir);
  await lock.release();
});

test('a server that was killed holds nothing, one that is stopped does', async () => {
  const source = `import { lockRunDirectory } from ${JSON.stringify(import.meta.resolve('./run-lock.ts'))};
    await lockRunDirectory(${JSON.stringify(runDir)});
    process.stdout.write('held');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGSTOP');
  await expect(lockRunDirectory(runDir)).rejects.toThrow(`pid ${child.pid} where it runs`);
  child.kill('SIGKILL');
  await ended;
  const lock = await lockRunDirectory(runDir);
  expect(await names()).toHaveLength(1);
  await lock.release();
});
