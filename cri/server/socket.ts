// The server's unix socket, owned by us rather than by grpc-js: its mode is right before the first
// client can connect, and a stale socket of a dead server is told from a living one.
import { chown, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { CriError } from '../core/error.ts';

/** Everything but reading and writing by owner and group is taken away. */
const socketUmask = 0o117;

/**
 * Listens on `path` with mode 0660, owner root and group `gid`; every connection goes to `accept`.
 * A socket file that nobody answers on is replaced. Throws Unavailable when another server answers.
 */
export async function listenOnSocket(
  path: string,
  gid: number,
  accept: (socket: Socket) => void,
): Promise<Server> {
  await mustBeFree(path);
  await unlink(path).catch(ignoreMissing);
  const server = createServer(accept);
  await bind(server, path);
  if (gid !== 0) {
    await chown(path, 0, gid);
  }
  return server;
}

// Also a server on another run directory, or a version without its lock, may have this path.
async function mustBeFree(path: string): Promise<void> {
  if (await answers(path)) {
    throw new CriError('Unavailable', `cannot listen on "${path}": another server answers there`);
  }
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new CriError('Unavailable', `cannot listen on "${path}": ${cause.message}`, { cause }),
      );
    });
    // bind(2) happens inside listen(), so the mode is right from the first moment.
    const previous = process.umask(socketUmask);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(previous);
    }
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
    throw error;
  }
}
