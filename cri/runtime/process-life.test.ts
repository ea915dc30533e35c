import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { processIdentity } from './fake-deps.ts';
import { isGone } from './process-life.ts';

test('a process is gone when it has ended, and when another has its pid', async () => {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const known = processIdentity(pid);
  expect(await isGone(known)).toBe(false);
  expect(await isGone({ pid, startTimeTicks: known.startTimeTicks - 1 })).toBe(true);
  child.kill('SIGKILL');
  await ended;
  expect(await isGone(known)).toBe(true);
});
