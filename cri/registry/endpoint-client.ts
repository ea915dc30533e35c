// Requests to one endpoint for one repository: authentication, redirects, retries.
import { Authorizer } from './authorizer.ts';
import { Connections, discard, headerOf, readBody } from './connections.ts';
import type { HttpAnswer, Network } from './connections.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';
import { isNotTls } from './network-error.ts';
import type { Reference } from '../core/image-reference.ts';
import { answerError, RegistryError } from './registry-error.ts';
import { realWait, retrying } from './retry.ts';
import type { RetryPolicy, Wait } from './retry.ts';
import type { TokenCache } from './tokens.ts';

export interface EndpointRequest {
  /** `<verb> <object>`, for messages. */
  readonly what: string;
  readonly method: 'GET' | 'HEAD';
  /** Below the repository: "manifests/latest". */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Statuses that are answers; all others are errors. */
  readonly expected: readonly number[];
  /** What comes is checked by its digest, so a redirect to plain HTTP does no harm. */
  readonly isDigestKnown: boolean;
  /** The caller tries again itself. Default false. */
  readonly isOneTry?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EndpointClientOptions {
  readonly endpoint: Endpoint;
  readonly reference: Reference;
  readonly credentials: Credentials;
  readonly network: Network;
  readonly tokens: TokenCache;
  readonly retry: RetryPolicy;
  readonly wait?: Wait | undefined;
}

const maxRedirects = 10;
const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];
const maxErrorBytes = 64 * 1024;

/** A repository at an endpoint. Dispose it to end its connections. */
export class EndpointClient implements AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly #options: EndpointClientOptions;
  readonly #connections: Connections;
  readonly #authorizer: Authorizer;
  #scheme: 'http' | 'https';

  private constructor(options: EndpointClientOptions, connections: Connections) {
    this.endpoint = options.endpoint;
    this.#options = options;
    this.#connections = connections;
    this.#scheme = options.endpoint.scheme;
    this.#authorizer = new Authorizer({
      credentials: options.credentials,
      defaultScope: `repository:${options.reference.path}:pull`,
      tokens: options.tokens,
      connections,
    });
  }

  /** Reads the endpoint's certificates; throws FailedPrecondition for broken ones. */
  static async open(options: EndpointClientOptions): Promise<EndpointClient> {
    return new EndpointClient(options, await Connections.open(options.endpoint, options.network));
  }

  get credentials(): Credentials {
    return this.#options.credentials;
  }

  get retry(): RetryPolicy {
    return this.#options.retry;
  }

  /**
   * Sends a request, again and again while that makes sense, and returns the answer with one of the
   * expected statuses. The caller reads or destroys its body. Throws RegistryError.
   */
  async send(asked: EndpointRequest): Promise<HttpAnswer> {
    if (asked.isOneTry === true) {
      return await this.#sendOnce(asked);
    }
    return await this.#retrying(asked, () => this.#sendOnce(asked));
  }

  /** As send, reading the body too: one that breaks off is asked for again. */
  async fetch(
    asked: EndpointRequest,
    maxBytes: number,
  ): Promise<{ readonly answer: HttpAnswer; readonly bytes: Buffer }> {
    return await this.#retrying(asked, async () => {
      const answer = await this.#sendOnce(asked);
      const { what, signal } = asked;
      const bytes = await readBody(answer, maxBytes, what, this.endpoint.host, signal);
      return { answer, bytes };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }

  async #retrying<T>({ signal }: EndpointRequest, work: () => Promise<T>): Promise<T> {
    const { retry, wait = realWait } = this.#options;
    return await retrying(retry, wait, signal, work);
  }

  async #sendOnce(asked: EndpointRequest): Promise<HttpAnswer> {
    for (;;) {
      const url = this.#url(asked.path);
      const answer = await this.#follow(asked, url).catch((error: unknown) => {
        if (this.#canSpeakPlainly(error)) {
          return undefined;
        }
        throw error;
      });
      if (answer === undefined) {
        this.#scheme = 'http';
        continue;
      }
      if (answer.status === 401 && answer.isOwnHost) {
        if (this.#authorizer.learn(answer, url, asked.what)) {
          await discard(answer);
          continue;
        }
      } else {
        this.#authorizer.accepted();
      }
      if (asked.expected.includes(answer.status)) {
        return answer;
      }
      throw await this.#refusal(asked, answer);
    }
  }

  /** True when a loopback registry turns out not to speak TLS and may be asked without. */
  #canSpeakPlainly(error: unknown): boolean {
    return (
      this.endpoint.mayFallBackToHttp &&
      this.#scheme === 'https' &&
      error instanceof RegistryError &&
      isNotTls(error.cause)
    );
  }

  #url(path: string): URL {
    const { endpoint, reference } = { ...this.#options, endpoint: this.endpoint };
    const base = `${this.#scheme}://${endpoint.host}${endpoint.path}`;
    const url = new URL(`${base}/${reference.path}/${path}`);
    if (endpoint.namespace !== '') {
      url.searchParams.set('ns', endpoint.namespace);
    }
    return url;
  }

  /** Sends one request and goes where it is sent; credentials and own headers stay at home. */
  async #follow(
    asked: EndpointRequest,
    start: URL,
  ): Promise<HttpAnswer & { readonly isOwnHost: boolean; readonly host: string }> {
    const { what, method, signal } = asked;
    let url = start;
    for (let redirects = 0; ; redirects += 1) {
      const isOwnHost = url.origin === start.origin;
      const headers = {
        ...asked.headers,
        ...(isOwnHost ? await this.#ownHeaders(signal) : undefined),
      };
      const answer = await this.#connections.request({
        what,
        method,
        url,
        headers,
        signal,
        isOwnHost,
      });
      const location = headerOf(answer, 'location');
      if (!redirectStatuses.includes(answer.status) || location === '') {
        return { ...answer, isOwnHost, host: url.host };
      }
      await discard(answer);
      url = this.#redirected(asked, url, location, redirects);
    }
  }

  async #ownHeaders(signal?: AbortSignal): Promise<Record<string, string | string[]>> {
    const headers: Record<string, string | string[]> = {};
    for (const [name, values] of Object.entries(this.endpoint.headers)) {
      headers[name] = values.map((value) => value.reveal());
    }
    const authorization = await this.#authorizer.header(signal);
    return authorization === '' ? headers : { ...headers, authorization };
  }

  #redirected(asked: EndpointRequest, from: URL, location: string, redirects: number): URL {
    const { host } = this.endpoint;
    const refuse = (why: string): RegistryError =>
      new RegistryError('FailedPrecondition', `cannot ${asked.what}: "${host}" ${why}`, { host });
    if (redirects >= maxRedirects) {
      throw refuse(`redirects more than ${maxRedirects} times`);
    }
    if (!URL.canParse(location, from.href)) {
      throw refuse('redirects to what is not a URL');
    }
    const url = new URL(location, from);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      throw refuse(`redirects to a "${url.protocol}" URL`);
    }
    if (from.protocol === 'https:' && url.protocol === 'http:' && !asked.isDigestKnown) {
      throw refuse(`redirects from TLS to plain HTTP at "${url.host}"`);
    }
    return url;
  }

  async #refusal(
    asked: EndpointRequest,
    answer: HttpAnswer & { readonly host: string },
  ): Promise<RegistryError> {
    const { what, signal } = asked;
    const body = await readBody(answer, maxErrorBytes, what, answer.host, signal).catch(() =>
      Buffer.alloc(0),
    );
    const isAboutProof = [401, 403, 404].includes(answer.status);
    return answerError(
      what,
      {
        host: answer.host,
        status: answer.status,
        body: body.toString('utf8'),
        retryAfter: headerOf(answer, 'retry-after'),
        hint: isAboutProof ? `credentials: ${this.credentials.source}` : undefined,
      },
      Date.now(),
    );
  }
}
