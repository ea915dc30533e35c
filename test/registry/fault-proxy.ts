// Stands between a client and a registry and spoils answers: cuts, stalls, throttles, lies.
import { createServer as createPlainServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { KeyPair } from './certificates.ts';

export type Fault =
  /** Answers without asking the registry. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Closes the connection after so many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Keeps the connection and sends nothing more. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** Ends the body early as if it were whole. */
  | { readonly kind: 'truncate'; readonly afterBytes: number }
  /** Says another length than it sends (0 = hides it). */
  | { readonly kind: 'length'; readonly contentLength: number }
  | { readonly kind: 'range'; readonly contentRange: string }
  /** Answers range requests with the whole. */
  | { readonly kind: 'ignore-range' }
  /** Turns one bit of the body around. */
  | { readonly kind: 'corrupt' }
  /** Says another digest than the content has. */
  | { readonly kind: 'digest'; readonly digest: string }
  | { readonly kind: 'none' };

/** Chooses the fault of an answer. */
export type FaultPlan = (request: {
  readonly method: string;
  readonly path: string;
  readonly range: string;
  /** What the client proves itself with, "" for nothing. */
  readonly authorization: string;
  /** How many requests came before this one. */
  readonly count: number;
}) => Fault | undefined;

export interface FaultProxyOptions {
  readonly upstream: string;
  /** Stands before "/v2" of all paths here, and is not passed on; default "". */
  readonly prefix?: string;
  /** Trusted for the way to the registry, and shown to clients. */
  readonly tls?: { readonly ca: string; readonly server: KeyPair };
}

export class FaultProxy implements AsyncDisposable {
  readonly #options: FaultProxyOptions;
  readonly #server: Server;
  readonly #agent: Agent;
  /** Set it to spoil what follows. */
  plan: FaultPlan = () => undefined;
  /** "GET /v2/a/blobs/… bytes=5-" of every request. */
  readonly asked: string[] = [];
  /** The headers of every request. */
  readonly heard: IncomingHttpHeaders[] = [];
  /** Bytes of bodies given to clients. */
  sentBytes = 0;

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
    const { tls } = options;
    this.#agent = new Agent(tls === undefined ? {} : { connect: { ca: tls.ca } });
    const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
      this.#answer(incoming, response).catch(() => incoming.socket.destroy());
    };
    this.#server =
      tls === undefined
        ? createPlainServer(answer)
        : createServer({ key: tls.server.key, cert: tls.server.certificate }, answer);
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${this.host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
    await this.#agent.destroy();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '' } = incoming;
    const range = incoming.headers.range ?? '';
    const { authorization = '' } = incoming.headers;
    const count = this.asked.length;
    const fault = this.plan({ method, path, range, authorization, count }) ?? { kind: 'none' };
    this.asked.push([method, path, range].filter(Boolean).join(' '));
    this.heard.push(incoming.headers);
    response.on('error', () => {});
    if (fault.kind === 'status') {
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
      return;
    }
    const answer = await this.#forward(incoming, method, path, fault);
    response.writeHead(answer.statusCode, spoiledHeaders(answer.headers, fault));
    response.flushHeaders();
    await this.#send(answer.body, incoming, response, fault);
  }

  async #forward(
    incoming: IncomingMessage,
    method: string,
    path: string,
    fault: Fault,
  ): Promise<Dispatcher.ResponseData> {
    const { host: _host, connection: _connection, ...headers } = incoming.headers;
    if (fault.kind === 'ignore-range') {
      delete headers.range;
    }
    const { upstream, prefix = '' } = this.#options;
    const passedOn = path.startsWith(prefix) ? path.slice(prefix.length) : path;
    return await request(`${upstream}${passedOn}`, {
      dispatcher: this.#agent,
      method: method,
      headers,
      body: ['GET', 'HEAD'].includes(method) ? null : incoming,
    });
  }

  async #send(
    body: AsyncIterable<Buffer>,
    incoming: IncomingMessage,
    response: ServerResponse,
    fault: Fault,
  ): Promise<void> {
    let sent = 0;
    for await (const chunk of body) {
      const room = 'afterBytes' in fault ? fault.afterBytes - sent : chunk.length;
      const piece = Buffer.from(chunk.subarray(0, room));
      if (fault.kind === 'corrupt' && sent === 0) {
        piece.writeUInt8(piece.readUInt8(0) ^ 1, 0);
      }
      if (fault.kind === 'throttle') {
        await sleep((piece.length / fault.bytesPerSecond) * 1000);
      }
      await written(response, piece);
      sent += piece.length;
      this.sentBytes += piece.length;
      if (piece.length < chunk.length) {
        break;
      }
    }
    if (fault.kind === 'cut' && sent >= fault.afterBytes) {
      incoming.socket.destroy();
    } else if (fault.kind !== 'stall') {
      response.end();
    }
  }
}

/** Writes and waits until the piece has left, so that what follows cannot overtake it. */
async function written(response: ServerResponse, piece: Buffer): Promise<void> {
  if (piece.length > 0) {
    await new Promise<void>((resolve, reject) => {
      response.once('close', resolve);
      response.write(piece, (error) => {
        response.off('close', resolve);
        if (error) {
          reject(error);
        } else {
          resolve();
        }
      });
    });
  }
}

function spoiledHeaders(
  headers: Dispatcher.ResponseData['headers'],
  fault: Fault,
): Record<string, string | string[] | undefined> {
  const { connection: _connection, 'transfer-encoding': _encoding, ...rest } = headers;
  if (fault.kind === 'truncate') {
    return { ...rest, 'content-length': undefined };
  }
  if (fault.kind === 'length') {
    const length = fault.contentLength === 0 ? undefined : String(fault.contentLength);
    return { ...rest, 'content-length': length };
  }
  if (fault.kind === 'range') {
    return { ...rest, 'content-range': fault.contentRange };
  }
  return fault.kind === 'digest' ? { ...rest, 'docker-content-digest': fault.digest } : rest;
}
