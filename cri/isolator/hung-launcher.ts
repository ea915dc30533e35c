// A launcher that holds its place and does not answer: stopped by a signal, or stuck. Another one
// cannot start beside it, so it has to go.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What the kernel calls a launcher, see its main. */
const processName = 'estiba-launcher';

/**
 * Kills the launcher that holds the lock of `runDir`; returns its pid, or undefined when nobody does
 * that is one. Pods live on: their monitors are not its children. Call only after it was silent.
 */
export async function killHungLauncher(runDir: string): Promise<number | undefined> {
  const pid = await lockHolder(join(runDir, 'launcher.lock'));
  if (pid === undefined) {
    return undefined;
  }
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  if (name.trim() !== processName) {
    return undefined;
  }
  process.kill(pid, 'SIGKILL');
  return pid;
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
