// The launcher as a process: who it is, what it runs, and its end. Another one cannot start beside it,
// so one that hangs, or that is of another build, has to go.
import { open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { CriError, describeError, errnoCode } from '../core/error.ts';

/** What the kernel calls a launcher, see its main. */
const processName = 'estiba-launcher';
/** The kernel lets go of a killed process at once, unless the machine is very busy. */
const endDeadlineMs = 10_000;
const retryMs = 5;
const pieceBytes = 256 * 1024;

/** Pid of the launcher that holds the lock of `runDir`; undefined when nobody does that is one. */
export async function launcherPid(runDir: string): Promise<number | undefined> {
  const pid = await lockHolder(join(runDir, 'launcher.lock'));
  if (pid === undefined) {
    return undefined;
  }
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  // An inode alone does not tell: every tmpfs counts its own.
  return name.trim() === processName && isOf(command, runDir) ? pid : undefined;
}

/** Whether a launcher's command line, words ended by NUL, is that of `runDir`. */
export function isOf(command: string, runDir: string): boolean {
  return `\0${command}`.includes(`\0--run-dir\0${runDir}\0`);
}

/**
 * Kills the launcher that holds the lock of `runDir` and waits until it has let go; returns its pid,
 * or undefined when there is none. Pods live on: their monitors are not its children. Throws
 * DeadlineExceeded when it does not die.
 */
export async function killLauncher(runDir: string): Promise<number | undefined> {
  const pid = await launcherPid(runDir);
  if (pid === undefined) {
    return undefined;
  }
  kill(pid);
  const endAtMs = performance.now() + endDeadlineMs;
  while ((await launcherPid(runDir)) === pid) {
    if (performance.now() > endAtMs) {
      const why = `process ${pid} does not die within ${endDeadlineMs} ms`;
      throw new CriError('DeadlineExceeded', `cannot replace the launcher: ${why}`);
    }
    await wait(retryMs);
  }
  return pid;
}

/** Kills a process; one that has just ended is fine. Throws PermissionDenied. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    if (errnoCode(cause) !== 'ESRCH') {
      const message = `cannot replace the launcher: cannot kill process ${pid}: ${describeError(cause)}`;
      throw new CriError('PermissionDenied', message, { cause });
    }
  }
}

/**
 * Whether a process runs another program than the file at `path` holds now. A launcher runs a copy of
 * its file, which an upgrade leaves as it was. Throws when one of both cannot be read.
 */
export async function runsOther(pid: number, path: string): Promise<boolean> {
  await using running = await open(`/proc/${pid}/exe`);
  await using file = await open(path);
  const { size } = await file.stat();
  if ((await running.stat()).size !== size) {
    return true;
  }
  for (let offset = 0; offset < size; offset += pieceBytes) {
    const [ours, theirs] = await Promise.all([piece(file, offset), piece(running, offset)]);
    if (!ours.equals(theirs)) {
      return true;
    }
  }
  return false;
}

async function piece(file: FileHandle, offset: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytes), 0, pieceBytes, offset);
  return buffer.subarray(0, bytesRead);
}

async function lockHolder(path: string): Promise<number | undefined> {
  const file = await stat(path, { bigint: true }).catch(() => undefined);
  if (file === undefined) {
    return undefined;
  }
  return parseLockHolder(await readFile('/proc/locks', 'utf8'), file.ino);
}

/** Pid of the process with a POSIX write lock on the file with this inode number. */
export function parseLockHolder(locks: string, inode: bigint): number | undefined {
  for (const line of locks.split('\n')) {
    // "1: POSIX  ADVISORY  WRITE 4711 00:19:1021 0 EOF"; waiting ones have "->" in the second column.
    const [, kind, , access, pid, file] = line.trim().split(/\s+/u);
    if (kind === 'POSIX' && access === 'WRITE' && file?.endsWith(`:${inode}`) === true) {
      const holder = Number(pid);
      return holder > 1 ? holder : undefined;
    }
  }
  return undefined;
}
