import { spawn, spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { isOf, kill, killLauncher, parseLockHolder, runsOther } from './launcher-process.ts';

const locks = `1: FLOCK  ADVISORY  WRITE 10 00:19:7 0 EOF
2: POSIX  ADVISORY  READ  11 00:19:7 0 EOF
2: -> POSIX  ADVISORY  WRITE 12 00:19:7 0 EOF
3: POSIX  ADVISORY  WRITE 13 00:19:77 0 EOF
4: POSIX  ADVISORY  WRITE 14 fe:00:7 0 EOF
`;

test('the holder is who has the POSIX write lock of that inode', () => {
  expect(parseLockHolder(locks, 7n)).toBe(14);
  expect(parseLockHolder(locks, 77n)).toBe(13);
  expect(parseLockHolder(locks, 8n)).toBeUndefined();
});

test('a holder of another pid namespace, which has no pid here, is nobody', () => {
  expect(parseLockHolder('1: POSIX  ADVISORY  WRITE 0 00:19:7 0 EOF\n', 7n)).toBeUndefined();
  expect(parseLockHolder('1: POSIX  ADVISORY  WRITE -1 00:19:7 0 EOF\n', 7n)).toBeUndefined();
});

test('a launcher is that of the run directory which it was given', () => {
  const command = 'estiba-isolator\0launcher\0--run-dir\0/run/estiba\0--log\0x\0';
  expect(isOf(command, '/run/estiba')).toBe(true);
  expect(isOf(command, '/run/estiba-two')).toBe(false);
  expect(isOf('', '')).toBe(false);
});

test('nobody is killed for a lock that is not held, or not there', async () => {
  const runDir = await mkdtemp(join(tmpdir(), 'estiba-lock-'));
  expect(await killLauncher(runDir)).toBeUndefined();
  await writeFile(join(runDir, 'launcher.lock'), '');
  expect(await killLauncher(runDir)).toBeUndefined();
  await rm(runDir, { recursive: true });
});

test('a process that has ended before it is killed is fine', () => {
  const { pid } = spawnSync('true');
  expect(() => kill(pid)).not.toThrow();
});

test('a process runs another program when one byte differs, also when the file was replaced', async () => {
  const own = await readlink('/proc/self/exe');
  expect(await runsOther(process.pid, own)).toBe(false);
  const dir = await mkdtemp(join(tmpdir(), 'estiba-exe-'));
  const path = join(dir, 'program');
  await copyFile('/bin/sleep', path);
  const sleep = spawn(path, ['60']);
  try {
    await vi.waitFor(async () => expect(await runsOther(sleep.pid ?? 0, path)).toBe(false));
    await rm(path);
    const bytes = await readFile('/bin/sleep');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await writeFile(path, bytes);
    expect(await runsOther(sleep.pid ?? 0, path)).toBe(true);
    await writeFile(path, bytes.subarray(1));
    expect(await runsOther(sleep.pid ?? 0, path)).toBe(true);
    await expect(runsOther(sleep.pid ?? 0, join(dir, 'gone'))).rejects.toThrow('ENOENT');
  } finally {
    sleep.kill('SIGKILL');
    await rm(dir, { recursive: true });
  }
});
