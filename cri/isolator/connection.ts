import { connect, type Socket } from 'node:net';
import { abortError, settledOrAborted } from '../core/deadline.ts';
import { CriError, describeError } from '../core/error.ts';
import { frameHeader, FrameReader } from './frame.ts';

const maxSocketPathBytes = 107;

export interface ConnectionListener {
  /** One whole message. A throw closes the connection with that error. */
  readonly onMessage: (message: Buffer) => void;
  /** Called once; `error` is undefined when the peer closed between two frames or we did. */
  readonly onClose: (error: Error | undefined) => void;
}

/** A unix stream socket that carries frames. */
export class Connection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #listener: ConnectionListener;
  #failure: Error | undefined;
  #isClosedByUs = false;

  private constructor(socket: Socket, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => {
      this.#failure ??= error;
    });
    socket.on('close', () => this.#onClose());
  }

  /**
   * Connects to the socket at `path`. `peer` names who listens there, for messages ("the launcher").
   * Throws Unavailable when nobody does (errno set), Canceled or DeadlineExceeded when `signal` fires.
   */
  static async open(
    path: string,
    peer: string,
    listener: ConnectionListener,
    signal?: AbortSignal,
  ): Promise<Connection> {
    const what = `reach ${peer} at "${path}"`;
    if (Buffer.byteLength(path) > maxSocketPathBytes) {
      const why = `a socket path has at most ${maxSocketPathBytes} bytes`;
      throw new CriError('InvalidArgument', `cannot ${what}: ${why}`);
    }
    if (signal?.aborted === true) {
      throw abortError(signal, what);
    }
    const socket = connect({ path });
    try {
      await connected(socket, signal, what);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new Connection(socket, listener);
  }

  /** Sends one message. Throws ResourceExhausted when it is longer than a frame may be. */
  send(what: string, message: Uint8Array): void {
    const header = frameHeader(what, message.byteLength);
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(message);
    this.#socket.uncork();
  }

  /** Resolves when the kernel has taken so much that more may be sent, or the connection is gone. */
  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('drain', resolve);
    this.#socket.once('close', resolve);
    await promise;
    this.#socket.off('drain', resolve);
    this.#socket.off('close', resolve);
  }

  /** True once the connection is closed or about to be. */
  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Closes at once; what is not sent yet is lost, and no message is delivered any more. */
  close(): void {
    this.#isClosedByUs = true;
    this.#socket.destroy();
  }

  /** Lets the process end although this connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  #onData(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, (message) => {
        if (!this.#socket.destroyed) {
          this.#listener.onMessage(message);
        }
      });
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(describeError(error));
      this.#socket.destroy();
    }
  }

  #onClose(): void {
    const isCut = !this.#isClosedByUs && !this.#reader.isAtBoundary;
    if (this.#failure === undefined && isCut) {
      this.#failure = new Error('it closed the connection in the middle of a frame');
    }
    this.#listener.onClose(this.#failure);
  }
}

async function connected(
  socket: Socket,
  signal: AbortSignal | undefined,
  what: string,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (error: NodeJS.ErrnoException): void => {
    const options = { cause: error, errno: error.errno === undefined ? undefined : -error.errno };
    reject(new CriError('Unavailable', `cannot ${what}: ${whyNot(error)}`, options));
  };
  socket.once('connect', resolve);
  socket.once('error', onError);
  try {
    await settledOrAborted(promise, what, signal);
    socket.off('error', onError); // on failure it stays, for what a closing socket may still report
  } finally {
    socket.off('connect', resolve);
  }
}

function whyNot(error: NodeJS.ErrnoException): string {
  switch (error.code ?? '') {
    case 'ENOENT':
      return 'there is no such socket';
    case 'ECONNREFUSED':
      return 'nobody listens on it';
    case 'EACCES':
      return 'permission denied';
    default:
      return describeError(error);
  }
}
