// One repository at all the hosts that may have it, in order.
import type { Credentials, CredentialOptions } from './credentials.ts';
import { findCredentials } from './credentials.ts';
import { readBlob } from './blob-stream.ts';
import type { BlobOptions } from './blob-stream.ts';
import { discard, headerOf } from './connections.ts';
import type { HttpAnswer, Network } from './connections.ts';
import { asCriError, CriError } from '../core/error.ts';
import { abortError } from '../core/deadline.ts';
import { allFailed } from './all-failed.ts';
import type { HostFailure } from './all-failed.ts';
import { EndpointClient } from './endpoint-client.ts';
import { findEndpoints } from './endpoints.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';
import type { Capability } from './hosts-file.ts';
import { mediaTypeOf, vagueTypes, verifyBytes } from './manifest-bytes.ts';
import { indexTypes, manifestTypes } from './oci-documents.ts';
import type { Descriptor } from './oci-documents.ts';
import { formatReference, isDigest } from '../core/image-reference.ts';
import type { Reference } from '../core/image-reference.ts';
import { RegistryError } from './registry-error.ts';
import { defaultRetry } from './retry.ts';
import type { RetryPolicy, Wait } from './retry.ts';
import { defaultStallLimits } from './stall-watch.ts';
import type { StallLimits } from './stall-watch.ts';
import type { TokenCache } from './tokens.ts';

export interface RegistryOptions {
  /** hosts.toml directories. */
  readonly hostsDirs: readonly string[];
  readonly credentials: CredentialOptions;
  readonly network: Network;
  readonly tokens: TokenCache;
  readonly retry?: RetryPolicy | undefined;
  readonly stall?: StallLimits | undefined;
  readonly wait?: Wait | undefined;
  /** Gets what went wrong at a host when another one is asked instead. */
  readonly onFallback?: ((host: string, error: CriError) => void) | undefined;
  /** Gets what broke a blob's transfer that goes on with another request. */
  readonly onRetry?: ((host: string, error: CriError) => void) | undefined;
}

/** What a tag or digest stands for. */
export interface Resolved {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  /** The document itself when it had to be fetched. */
  readonly bytes: Buffer | undefined;
  /** Who said so. */
  readonly host: string;
}

/** Larger manifests are refused, as registries do. */
const maxManifestBytes: number = 4 * 1024 * 1024;
const accepted = [...indexTypes, ...manifestTypes, '*/*;q=0.1'].join(', ');

/**
 * The registry of one reference. Reads the hosts files when it is opened; connections are made when
 * they are needed. Dispose it when the pull ends.
 */
export class RegistryClient implements AsyncDisposable {
  readonly reference: Reference;
  readonly found: Endpoints;
  readonly #options: RegistryOptions;
  readonly #clients = new Map<Endpoint, Promise<EndpointClient>>();
  /** Who had the manifest most likely has the layers. */
  #preferred: Endpoint | undefined;

  private constructor(reference: Reference, found: Endpoints, options: RegistryOptions) {
    this.reference = reference;
    this.found = found;
    this.#options = options;
  }

  /** Throws FailedPrecondition for a broken hosts file. */
  static async open(reference: Reference, options: RegistryOptions): Promise<RegistryClient> {
    const found = await findEndpoints(options.hostsDirs, reference.domain);
    return new RegistryClient(reference, found, options);
  }

  /**
   * Finds out what the reference stands for without fetching it where the registry allows that (a
   * HEAD request counts for no rate limit of Docker Hub's).
   */
  async resolve(signal?: AbortSignal): Promise<Resolved> {
    const { digest, tag = 'latest' } = this.reference;
    if (digest !== undefined) {
      return await this.#getManifest(digest, signal);
    }
    return await this.#firstOf('resolve', 'resolve', signal, async (client) => {
      const head = await this.#headManifest(client, tag, signal);
      return head ?? (await this.#getManifestFrom(client, tag, signal));
    });
  }

  /** Fetches a manifest or index by its descriptor; size and digest are checked. */
  async fetchManifest(descriptor: Descriptor, signal?: AbortSignal): Promise<Buffer> {
    requireSize(descriptor, maxManifestBytes, 'manifest');
    const { bytes } = await this.#getManifest(descriptor.digest, signal);
    const host = this.#preferred?.host ?? '';
    const checked = bytes ?? Buffer.alloc(0);
    verifyBytes(checked, descriptor, `fetch manifest "${descriptor.digest}"`, host);
    return checked;
  }

  /** Fetches a small blob (an image's config) whole; size and digest are checked. */
  async fetchBlob(descriptor: Descriptor, maxBytes: number, signal?: AbortSignal): Promise<Buffer> {
    requireSize(descriptor, maxBytes, 'blob');
    const chunks: Buffer[] = [];
    for await (const chunk of this.readBlob({ ...descriptor, signal })) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** Streams a blob, see readBlob of blob-stream.ts; hosts without "pull" are not asked. */
  async *readBlob(options: BlobOptions): AsyncGenerator<Buffer, void, void> {
    const { stall = defaultStallLimits, wait, onRetry } = this.#options;
    const failures: HostFailure[] = [];
    const clients: EndpointClient[] = [];
    for (const endpoint of this.#endpointsFor('pull')) {
      try {
        clients.push(await this.#client(endpoint, options.signal));
      } catch (error) {
        const failure = asCriError(error);
        failures.push({ endpoint, error: failure });
        this.#options.onFallback?.(endpoint.host, failure);
      }
    }
    if (clients.length === 0) {
      throw allFailed(`fetch blob "${options.digest}"`, failures);
    }
    yield* readBlob(clients, options, { stall, wait, onRetry });
  }

  /** What an endpoint gets to prove itself with; throws for a broken credentials file. */
  async credentialsFor(endpoint: Endpoint, signal?: AbortSignal): Promise<Credentials> {
    return await findCredentials(endpoint, this.reference, this.#options.credentials, signal);
  }

  /** Asks one endpoint alone what the reference stands for, for explanations. */
  async probe(endpoint: Endpoint, signal?: AbortSignal): Promise<Resolved> {
    const client = await this.#client(endpoint, signal);
    const name = this.reference.digest ?? this.reference.tag ?? 'latest';
    const head = await this.#headManifest(client, name, signal);
    return head ?? (await this.#getManifestFrom(client, name, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = [...this.#clients.values()];
    this.#clients.clear();
    for (const each of opened) {
      const client = await each.catch(() => undefined);
      await client?.[Symbol.asyncDispose]();
    }
  }

  #endpointsFor(capability: Capability): Endpoint[] {
    const able = this.found.endpoints.filter((each) => each.capabilities.includes(capability));
    const preferred = able.filter((each) => each === this.#preferred);
    return [...preferred, ...able.filter((each) => each !== this.#preferred)];
  }

  async #client(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<EndpointClient> {
    const opened = this.#clients.get(endpoint) ?? this.#openClient(endpoint, signal);
    this.#clients.set(endpoint, opened);
    try {
      return await opened;
    } catch (error) {
      this.#clients.delete(endpoint);
      throw error;
    }
  }

  async #openClient(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<EndpointClient> {
    const { network, tokens, retry = defaultRetry, wait } = this.#options;
    const isLast = this.found.endpoints.at(-1) === endpoint;
    return await EndpointClient.open({
      endpoint,
      reference: this.reference,
      credentials: await this.credentialsFor(endpoint, signal),
      network,
      tokens,
      // Patience is for the last one: before it there is somebody else to ask.
      retry: isLast ? retry : hasty(retry),
      wait,
    });
  }

  async #getManifest(digest: string, signal: AbortSignal | undefined): Promise<Resolved> {
    return await this.#firstOf('pull', 'fetch', signal, async (client) => {
      const fetched = await this.#getManifestFrom(client, digest, signal);
      const descriptor = { digest, size: fetched.size };
      verifyBytes(
        fetched.bytes ?? Buffer.alloc(0),
        descriptor,
        `fetch manifest "${digest}"`,
        client.endpoint.host,
      );
      return fetched;
    });
  }

  /** Asks one host after the other; throws what all of them said. */
  async #firstOf<T>(
    capability: Capability,
    verb: string,
    signal: AbortSignal | undefined,
    ask: (client: EndpointClient) => Promise<T>,
  ): Promise<T> {
    const failures: HostFailure[] = [];
    const what = `${verb} image "${formatReference(this.reference)}"`;
    for (const endpoint of this.#endpointsFor(capability)) {
      try {
        const answer = await ask(await this.#client(endpoint, signal));
        this.#preferred = endpoint;
        return answer;
      } catch (error) {
        if (signal?.aborted === true) {
          throw abortError(signal, what);
        }
        const failure = asCriError(error);
        failures.push({ endpoint, error: failure });
        this.#options.onFallback?.(endpoint.host, failure);
      }
    }
    if (failures.length === 0) {
      const why = `"${this.found.source}" leaves no host with the capability "${capability}"`;
      throw new CriError('FailedPrecondition', `cannot ${what}: ${why}`);
    }
    throw allFailed(what, failures);
  }

  async #headManifest(
    client: EndpointClient,
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<Resolved | undefined> {
    const answer = await client.send({
      ...this.#manifestRequest('HEAD', name, signal),
      expected: [200, 405],
    });
    await discard(answer);
    const digest = headerOf(answer, 'docker-content-digest');
    const size = Number(headerOf(answer, 'content-length'));
    const mediaType = contentType(answer);
    const isTyped = !vagueTypes.includes(mediaType);
    const isWhole = isDigest(digest) && Number.isSafeInteger(size) && size > 0 && isTyped;
    if (answer.status !== 200 || !isWhole) {
      return undefined;
    }
    return { mediaType, digest, size, bytes: undefined, host: client.endpoint.host };
  }

  async #getManifestFrom(
    client: EndpointClient,
    name: string,
    signal: AbortSignal | undefined,
  ): Promise<Resolved> {
    const asked = this.#manifestRequest('GET', name, signal);
    const { host } = client.endpoint;
    const { answer, bytes } = await client.fetch(asked, maxManifestBytes);
    const algorithm = isDigest(name) ? name.slice(0, name.indexOf(':')) : 'sha256';
    const announced = headerOf(answer, 'docker-content-digest');
    const { digest, mediaType } = mediaTypeOf(bytes, contentType(answer), algorithm, asked.what);
    if (isDigest(announced) && announced.startsWith(`${algorithm}:`) && announced !== digest) {
      const why = `"${host}" announces the digest "${announced}" and sends "${digest}"`;
      throw new RegistryError('FailedPrecondition', `cannot ${asked.what}: ${why}`, { host });
    }
    return { mediaType, digest, size: bytes.length, bytes, host };
  }

  #manifestRequest(method: 'GET' | 'HEAD', name: string, signal: AbortSignal | undefined) {
    const shown = formatReference({
      ...this.reference,
      tag: isDigest(name) ? undefined : name,
      digest: isDigest(name) ? name : undefined,
    });
    return {
      what: `fetch manifest "${shown}"`,
      method,
      path: `manifests/${name}`,
      headers: { accept: accepted },
      expected: [200],
      isDigestKnown: isDigest(name),
      signal,
    };
  }
}

function hasty(retry: RetryPolicy): RetryPolicy {
  const { attempts, maxRetryAfterMs } = retry;
  return {
    ...retry,
    attempts: Math.min(2, attempts),
    maxRetryAfterMs: Math.min(1000, maxRetryAfterMs),
  };
}

function contentType(answer: HttpAnswer): string {
  return (headerOf(answer, 'content-type').split(';', 1)[0] ?? '').trim().toLowerCase();
}

function requireSize(descriptor: Descriptor, maxBytes: number, part: string): void {
  if (descriptor.size > maxBytes) {
    const why = `it has ${descriptor.size} bytes, at most ${maxBytes} are read`;
    throw new CriError('ResourceExhausted', `cannot fetch ${part} "${descriptor.digest}": ${why}`);
  }
}
