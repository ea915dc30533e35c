// A launcher or monitor for unit tests: listens on a real unix socket and does what a script says.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { estiba } from '../../proto/gen/isolation.js';
import { toLong } from '../../proto/long.ts';
import { frameHeader, FrameReader } from './frame.ts';
import { protocolVersion } from './protocol.ts';

type Wire = typeof estiba.isolation.v1;
const v1: Wire = estiba.isolation.v1;

type LauncherRequest = ReturnType<Wire['LauncherRequest']['decode']>;
type MonitorRequest = ReturnType<Wire['MonitorRequest']['decode']>;
type LauncherReplyProperties = estiba.isolation.v1.LauncherReply.$Properties;
type MonitorReplyProperties = estiba.isolation.v1.MonitorReply.$Properties;

/** One connection, seen from the peer's side. */
export class FakeConnection {
  readonly socket: Socket;
  /** Every message received, as bytes. */
  readonly received: Buffer[] = [];
  /** Resolves when the other side has closed. */
  readonly closed: Promise<void>;

  constructor(socket: Socket, onMessage: (message: Buffer, connection: FakeConnection) => void) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    const reader = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk, (message) => {
        this.received.push(message);
        onMessage(message, this);
      });
    });
    socket.on('error', () => {}); // the other side may go away at any time
    socket.on('close', () => resolve());
  }

  /** Sends one frame around `message`. */
  send(message: Uint8Array): void {
    this.socket.write(Buffer.concat([frameHeader('answer', message.byteLength), message]));
  }

  launcherReply(reply: LauncherReplyProperties): void {
    this.send(v1.LauncherReply.encode({ version: protocolVersion, ...reply }).finish());
  }

  monitorReply(id: number, reply: MonitorReplyProperties): void {
    this.send(
      v1.MonitorReply.encode({ version: protocolVersion, id: toLong(id), ...reply }).finish(),
    );
  }
}

/** A listening fake; dispose it with `await using`. */
export class FakePeer implements AsyncDisposable {
  readonly dir: string;
  readonly socketPath: string;
  readonly connections: FakeConnection[] = [];
  readonly #server: Server;

  private constructor(
    dir: string,
    socketPath: string,
    onMessage: (message: Buffer, connection: FakeConnection) => void,
  ) {
    this.dir = dir;
    this.socketPath = socketPath;
    this.#server = createServer((socket) => {
      this.connections.push(new FakeConnection(socket, onMessage));
    });
  }

  static async listen(
    onMessage: (message: Buffer, connection: FakeConnection) => void,
    socketName = 'launcher.sock',
  ): Promise<FakePeer> {
    const dir = await mkdtemp(join(tmpdir(), 'estiba-fake-'));
    const peer = new FakePeer(dir, join(dir, socketName), onMessage);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    peer.#server.once('error', reject);
    peer.#server.listen(peer.socketPath, resolve);
    await promise;
    return peer;
  }

  /** Answers every launcher job with what `script` does. */
  static launcher(
    script: (request: LauncherRequest, connection: FakeConnection) => void,
  ): Promise<FakePeer> {
    return FakePeer.listen((message, connection) => {
      if (connection.received.length === 1) {
        script(v1.LauncherRequest.decode(message), connection);
      }
    });
  }

  /** Answers every monitor request with what `script` does. */
  static monitor(
    script: (request: MonitorRequest, id: number, connection: FakeConnection) => void,
  ): Promise<FakePeer> {
    return FakePeer.listen((message, connection) => {
      const request = v1.MonitorRequest.decode(message);
      script(request, request.id.toNumber(), connection);
    }, 'monitor.sock');
  }

  /** Stops listening and cuts every connection, as a process that dies does. */
  async die(): Promise<void> {
    for (const { socket } of this.connections) {
      socket.destroy();
    }
    if (this.#server.listening) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#server.close(() => resolve());
      await promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
    await rm(this.dir, { recursive: true, force: true });
  }
}
