import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isGone } from './process-life.ts';

function startTimeTicks(pid: number): number {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[19]);
}

test('a process is gone when it has ended, and when another has its pid', async () => {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const known = { pid, startTimeTicks: startTimeTicks(pid) };
  expect(await isGone(known)).toBe(false);
  expect(await isGone({ pid, startTimeTicks: known.startTimeTicks - 1 })).toBe(true);
  child.kill('SIGKILL');
  await ended;
  expect(await isGone(known)).toBe(true);
});
