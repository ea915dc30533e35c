// HTTP to one endpoint: TLS, client certificates, proxies. No retries, no authentication, no
// redirects; those are endpoint-client.ts.
import { Agent, buildConnector, errors, ProxyAgent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { abortError, Deadline } from '../core/deadline.ts';
import type { Endpoint } from './endpoints.ts';
import { networkError } from './network-error.ts';
import { describeProxy } from './proxy.ts';
import type { ProxyChoice } from './proxy.ts';
import { RegistryError } from './registry-error.ts';
import { readTrustFiles } from './trust.ts';
import type { SystemTrust, TrustFiles } from './trust.ts';

/** What all registries of a process share. */
export interface Network {
  readonly trust: SystemTrust;
  readonly proxies: ProxyChoice;
  /** "estiba/1.0". */
  readonly userAgent: string;
  /** Until an answer's first line, and again for the body that `readBody` reads. Default 60 000. */
  readonly answerTimeoutMs?: number | undefined;
}

export interface HttpRequest {
  /** `<verb> <object>`, for messages. */
  readonly what: string;
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The URL is the endpoint's own host: only that one is shown the client certificate. */
  readonly isOwnHost: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Dispatcher.ResponseData['body'];
  /** What `readBody` waits for all of the body. */
  readonly readTimeoutMs: number;
}

const defaultAnswerTimeoutMs = 60_000;

/** The connections made on behalf of one endpoint during one pull. Close them. */
export class Connections implements AsyncDisposable {
  readonly #endpoint: Endpoint;
  readonly #network: Network;
  readonly #files: TrustFiles;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #tlsErrors = new Map<number, Error>();

  private constructor(endpoint: Endpoint, network: Network, files: TrustFiles) {
    this.#endpoint = endpoint;
    this.#network = network;
    this.#files = files;
  }

  /** Reads the endpoint's certificate files; throws FailedPrecondition naming a bad one. */
  static async open(endpoint: Endpoint, network: Network): Promise<Connections> {
    return new Connections(endpoint, network, await readTrustFiles(endpoint));
  }

  /**
   * Sends a request and returns when the answer's headers are there; the caller reads or destroys
   * the body. Throws RegistryError, Canceled or DeadlineExceeded.
   */
  async request(asked: HttpRequest): Promise<HttpAnswer> {
    const { what, url, signal } = asked;
    const answerTimeoutMs = this.#network.answerTimeoutMs ?? defaultAnswerTimeoutMs;
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: this.#dispatcher(url, asked.isOwnHost),
        method: asked.method,
        // By default a connection is not used again after HEAD.
        reset: false,
        headers: {
          'user-agent': this.#network.userAgent,
          // Digests and ranges are about the bytes as they are stored.
          'accept-encoding': 'identity',
          ...asked.headers,
        },
        body: asked.body ?? null,
        signal: signal ?? null,
        headersTimeout: answerTimeoutMs,
        // Blobs are watched by rate, and only while somebody reads them; `readBody` has a deadline.
        bodyTimeout: 0,
      });
      // A body that nobody reads any more may fail once more; whoever read it knows.
      body.on('error', () => {});
      return { status: statusCode, headers, body, readTimeoutMs: answerTimeoutMs };
    } catch (error) {
      if (signal?.aborted === true) {
        throw abortError(signal, what);
      }
      const proxy = this.#network.proxies.proxyFor(url);
      const via = proxy === undefined ? '' : describeProxy(proxy);
      throw networkError(what, url.host, this.#tlsErrorBehind(error) ?? error, via);
    }
  }

  /** Ends all connections, also those in use. */
  async [Symbol.asyncDispose](): Promise<void> {
    const dispatchers = [...this.#dispatchers.values()];
    this.#dispatchers.clear();
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
  }

  #dispatcher(url: URL, isOwnHost: boolean): Dispatcher {
    const proxy = this.#network.proxies.proxyFor(url);
    const key = `${isOwnHost} ${proxy?.href ?? ''}`;
    const found = this.#dispatchers.get(key);
    if (found !== undefined) {
      return found;
    }
    const made = this.#makeDispatcher(proxy, isOwnHost);
    this.#dispatchers.set(key, made);
    return made;
  }

  /**
   * A server that wants a client certificate says so by an alert after the handshake, which undici
   * replaces by "other side closed". The alert is kept by the connection's port.
   */
  #rememberingConnector(
    tls: () => buildConnector.BuildOptions,
    timeout: number,
  ): buildConnector.connector {
    const plain = buildConnector({ timeout, allowH2: false });
    let secure: buildConnector.connector | undefined;
    return (target, callback) => {
      if (target.protocol === 'https:') {
        secure ??= buildConnector({ ...tls(), allowH2: false });
      }
      const connector = target.protocol === 'https:' ? secure : plain;
      connector?.(target, (...outcome) => {
        const [, socket] = outcome;
        socket?.once('error', (error: Error & { code?: string }) => {
          if (error.code?.startsWith('ERR_SSL_') === true && socket.localPort !== undefined) {
            this.#tlsErrors.set(socket.localPort, error);
          }
        });
        callback(...outcome);
      });
    };
  }

  #tlsErrorBehind(error: unknown): Error | undefined {
    const port = error instanceof errors.SocketError ? error.socket?.localPort : undefined;
    return port === undefined ? undefined : this.#tlsErrors.get(port);
  }

  #makeDispatcher(proxy: URL | undefined, isOwnHost: boolean): Dispatcher {
    const { skipVerify, dialTimeoutMs } = this.#endpoint;
    const { trust } = this.#network;
    const timeout = dialTimeoutMs;
    const files = isOwnHost ? this.#files : { ...this.#files, certificates: [], keys: [] };
    const tls = (): buildConnector.BuildOptions => ({
      secureContext: trust.context(skipVerify ? { ...files, ca: [] } : files),
      rejectUnauthorized: !skipVerify,
      timeout,
    });
    if (proxy === undefined) {
      return new Agent({ allowH2: false, connect: this.#rememberingConnector(tls, timeout) });
    }
    const plain = { ca: [], certificates: [], keys: [] };
    return new ProxyAgent({
      allowH2: false,
      uri: proxy.href,
      requestTls: { ...tls(), allowH2: false },
      proxyTls: {
        timeout,
        allowH2: false,
        ...(proxy.protocol === 'https:' && { secureContext: trust.context(plain) }),
      },
    });
  }
}

const maxDiscardedBytes = 64 * 1024;
const discardMs = 2000;

/**
 * Lets go of an answer that nobody needs. A short body is read to its end, so that the connection
 * serves the next request; otherwise the connection ends.
 */
export async function discard(answer: HttpAnswer): Promise<void> {
  const signal = AbortSignal.timeout(discardMs);
  await answer.body.dump({ limit: maxDiscardedBytes, signal }).catch(() => {});
  answer.body.destroy();
}

/** The first value of a header, "" for none. */
export function headerOf(answer: HttpAnswer, name: string): string {
  const value = answer.headers[name];
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

/**
 * Reads a short body to its end. Throws RegistryError when it is longer than `maxBytes`, breaks off or
 * is not there in time (both may be tried again), Canceled or DeadlineExceeded when `signal` fires.
 */
export async function readBody(
  answer: HttpAnswer,
  maxBytes: number,
  what: string,
  host: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  using deadline = new Deadline(what, answer.readTimeoutMs, signal);
  const stop = (): void => void answer.body.destroy(abortError(deadline.signal, what));
  deadline.signal.addEventListener('abort', stop, { once: true });
  try {
    deadline.signal.throwIfAborted();
    return await collect(answer.body, maxBytes, what, host);
  } catch (error) {
    if (signal?.aborted === true) {
      throw abortError(signal, what);
    }
    throw deadline.signal.aborted ? tooLate(answer, what, host) : networkError(what, host, error);
  } finally {
    answer.body.destroy();
  }
}

async function collect(
  body: AsyncIterable<Buffer>,
  maxBytes: number,
  what: string,
  host: string,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
    if (total > maxBytes) {
      const message = `cannot ${what}: the answer of "${host}" is longer than ${maxBytes} bytes`;
      throw new RegistryError('FailedPrecondition', message, { host });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, total);
}

function tooLate({ readTimeoutMs }: HttpAnswer, what: string, host: string): RegistryError {
  const why = `"${host}" did not send all of its answer in time (${readTimeoutMs / 1000} s)`;
  return new RegistryError('Unavailable', `cannot ${what}: ${why}`, {
    host,
    reason: 'RegistryUnavailable',
    isTransient: true,
  });
}
