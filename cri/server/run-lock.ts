// One server per run directory. Node has no flock, so the lock is a listening unix socket, which the
// kernel ends with its process, however that dies: nothing stale can look alive, in whatever pid or
// network namespace either server runs, and who may not write to the directory cannot hold it.
//
// Every server listens under a name of its own in `<run>/serve.lock` and then looks at all others:
//  - A name appears only when its socket listens (bind and listen under a hidden name, then rename), so
//    a connection that is refused proves its owner dead. Names are never used again, so that removing
//    a dead one cannot hit a living server: the race of every lock with one fixed name.
//  - Each looks only after it has appeared. Of two that start at once at least the later one sees the
//    other; both may withdraw, never both go on. They try again after pauses that differ.
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { asCriError, CriError, describeError } from '../core/error.ts';

/** Against two that start at once and see each other; a server that stays is told soon enough. */
const tries = 4;
const longestPauseMs = 100;

/** The right to work on a run directory; the end of the process gives it back too. */
export interface RunLock {
  release(): Promise<void>;
}

/**
 * Takes `runDir` for this process. To be called before anything in there is read. Throws Unavailable
 * when another server has it, Internal when the lock cannot be made.
 */
export async function lockRunDirectory(runDir: string): Promise<RunLock> {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return await tryToLock(runDir);
    } catch (error) {
      if (left === 0 || asCriError(error).code !== 'Unavailable') {
        throw error;
      }
      await pause(randomInt(longestPauseMs));
    }
  }
}

async function tryToLock(runDir: string): Promise<RunLock> {
  const directory = join(runDir, 'serve.lock');
  const name = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const server = await appear(directory, name);
  const release = async (): Promise<void> => {
    await rm(join(directory, name), { force: true });
    server.close();
  };
  try {
    const holder = await findOther(directory, name);
    if (holder !== undefined) {
      const pid = holder.replace(/-.*/u, '');
      const why = `another server, pid ${pid} where it runs, works there`;
      throw new CriError('Unavailable', `cannot use run directory "${runDir}": ${why}`);
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

async function appear(directory: string, name: string): Promise<Server> {
  const hidden = join(directory, `.${name}`);
  const server = createServer((socket) => socket.destroy());
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(hidden, resolve);
    await promise;
    server.unref();
    await rename(hidden, join(directory, name));
    return server;
  } catch (error) {
    server.close();
    const message = `cannot lock "${directory}": ${describeError(error)}`;
    throw new CriError('Internal', message, { cause: error, step: 'lock-run-directory' });
  }
}

/** The name of a server that lives; those of dead ones are removed. */
async function findOther(directory: string, own: string): Promise<string | undefined> {
  for (const name of await readdir(directory)) {
    if (name === own) {
      continue;
    }
    const path = join(directory, name);
    const code = await connectionError(path);
    if (code === 'ECONNREFUSED') {
      await rm(path, { force: true });
    } else if (code !== 'ENOENT' && !name.startsWith('.')) {
      return name; // it answers, or at least nothing proves that it does not
    }
  }
  return undefined;
}

/** Error code of connecting to `path`; undefined when somebody listens. */
function connectionError(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
}
