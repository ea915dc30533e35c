// The bytes of one blob, in order, whatever happens to the connections that carry them.
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { abortError } from '../core/deadline.ts';
import { asCriError } from '../core/error.ts';
import type { CriError } from '../core/error.ts';
import { allFailed } from './all-failed.ts';
import type { HostFailure } from './all-failed.ts';
import { headerOf } from './connections.ts';
import type { HttpAnswer } from './connections.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { networkError } from './network-error.ts';
import { RegistryError } from './registry-error.ts';
import { pauseAfter, realWait } from './retry.ts';
import type { Wait } from './retry.ts';
import { StallWatch } from './stall-watch.ts';
import type { StallLimits } from './stall-watch.ts';

export interface BlobOptions {
  readonly digest: string;
  readonly size: number;
  /** Bytes that are there already; reading starts behind them. Default 0. */
  readonly offset?: number | undefined;
  /**
   * The digest so far, fed with the bytes before `offset`. Default: a new one at offset 0. null when
   * somebody else checks the digest.
   */
  readonly hash?: Hash | null | undefined;
  /** Gets the number of bytes that came over the network, also of those that had to be skipped. */
  readonly onFetched?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BlobPolicy {
  readonly stall: StallLimits;
  readonly wait?: Wait | undefined;
  /** Gets each failure at a host that another request makes good, there or elsewhere. */
  readonly onRetry?: ((host: string, error: CriError) => void) | undefined;
}

/** A connection that brought this much was worth it: failures are counted from anew. */
const progressBytes = 4096;

/** Returns a hash for a digest ("sha256:…"). */
export function hashFor(digest: string): Hash {
  return createHash(digest.slice(0, digest.indexOf(':')));
}

/**
 * Reads a blob from the first of `clients` that has it, going on behind the last byte after cuts and
 * stalls, at the next endpoint when one gives up. Never yields more than `size` bytes; throws
 * RegistryError when they are not what the digest says, after the last one.
 */
export async function* readBlob(
  clients: readonly EndpointClient[],
  options: BlobOptions,
  policy: BlobPolicy,
): AsyncGenerator<Buffer, void, void> {
  const { digest, size, signal } = options;
  const offset = options.offset ?? 0;
  const hash = options.hash === undefined && offset === 0 ? hashFor(digest) : options.hash;
  const what = `fetch blob "${digest}"`;
  const remaining = [...clients];
  const givenUp: HostFailure[] = [];
  let at = offset;
  let failures = 0;
  while (at < size) {
    const [client] = remaining;
    if (client === undefined) {
      throw allFailed(what, givenUp);
    }
    const before = at;
    try {
      for await (const chunk of readOnce(client, at, options, policy, what)) {
        hash?.update(chunk);
        at += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (signal?.aborted === true) {
        throw abortError(signal, what);
      }
      failures = at - before >= progressBytes ? 1 : failures + 1;
      const pause = pauseAfter(error, failures, client.retry);
      if (pause === undefined) {
        givenUp.push({ endpoint: client.endpoint, error: asCriError(error) });
        remaining.shift();
        failures = 0;
      }
      if (remaining.length > 0) {
        policy.onRetry?.(client.endpoint.host, asCriError(error));
      }
      if (pause !== undefined) {
        await (policy.wait ?? realWait)(pause, signal);
      }
    }
  }
  const host = remaining[0]?.endpoint.host ?? '';
  if (hash !== null && hash !== undefined) {
    checkDigest(hash, digest, what, host);
  }
}

function checkDigest(hash: Hash, digest: string, what: string, host: string): void {
  const actual = `${digest.slice(0, digest.indexOf(':'))}:${hash.digest('hex')}`;
  if (actual !== digest) {
    const message = `cannot ${what}: what "${host}" sent has the digest "${actual}"`;
    throw new RegistryError('FailedPrecondition', message, { host });
  }
}

/** One request's worth of bytes from `at` on; ends early or throws when the connection does. */
async function* readOnce(
  client: EndpointClient,
  at: number,
  options: BlobOptions,
  policy: BlobPolicy,
  what: string,
): AsyncGenerator<Buffer, void, void> {
  const { digest, size, signal } = options;
  const answer = await client.send({
    what,
    method: 'GET',
    path: `blobs/${digest}`,
    headers: at === 0 ? {} : { range: `bytes=${at}-` },
    expected: at === 0 ? [200] : [200, 206],
    isDigestKnown: true,
    isOneTry: true,
    signal,
  });
  const { host } = client.endpoint;
  try {
    const start = startOf(answer, at, size, what, host);
    yield* slice(answer, { skip: at - start, length: size - at }, client, options, policy, what);
  } finally {
    answer.body.destroy();
  }
}

/** Where an answer's body starts in the blob. Throws for one that cannot be part of it. */
function startOf(answer: HttpAnswer, at: number, size: number, what: string, host: string): number {
  const refuse = (why: string): RegistryError =>
    new RegistryError('FailedPrecondition', `cannot ${what}: "${host}" ${why}`, {
      host,
      status: answer.status,
    });
  const length = headerOf(answer, 'content-length');
  if (answer.status === 200) {
    if (length !== '' && Number(length) !== size) {
      throw refuse(`has ${length} bytes, the manifest says ${size}`);
    }
    return 0;
  }
  const range = headerOf(answer, 'content-range');
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/u.exec(range);
  const [, first = '', last = '', total = ''] = match ?? [];
  if (match === null || Number(first) !== at || Number(last) >= size) {
    throw refuse(
      `was asked for bytes from ${at} and answers with the range "${range.slice(0, 100)}"`,
    );
  }
  if (total !== '*' && Number(total) !== size) {
    throw refuse(`has ${total} bytes, the manifest says ${size}`);
  }
  return at;
}

interface Window {
  /** Bytes that are there already: a registry without ranges sends them again. */
  readonly skip: number;
  readonly length: number;
}

async function* slice(
  answer: HttpAnswer,
  { skip, length }: Window,
  client: EndpointClient,
  options: BlobOptions,
  policy: BlobPolicy,
  what: string,
): AsyncGenerator<Buffer, void, void> {
  const { host } = client.endpoint;
  using watch = new StallWatch(policy.stall, (rate) => {
    answer.body.destroy(stalled(what, host, rate, policy.stall));
  });
  let toSkip = skip;
  let left = length;
  for await (const chunk of chunksOf(answer, watch, what, host)) {
    options.onFetched?.(chunk.length);
    const fresh = chunk.subarray(Math.min(toSkip, chunk.length));
    toSkip -= chunk.length - fresh.length;
    if (fresh.length > left) {
      const message = `cannot ${what}: "${host}" sends more bytes than the manifest says`;
      throw new RegistryError('FailedPrecondition', message, { host });
    }
    left -= fresh.length;
    if (fresh.length > 0) {
      yield fresh;
    }
  }
  if (left > 0) {
    const message = `cannot ${what}: "${host}" ended the answer ${left} bytes early`;
    throw new RegistryError('Unavailable', message, {
      host,
      reason: 'RegistryUnavailable',
      isTransient: true,
    });
  }
}

function stalled(what: string, host: string, rate: number, limits: StallLimits): RegistryError {
  const seconds = limits.windowMs / 1000;
  const message = `cannot ${what}: "${host}" stalls: ${Math.round(rate)} bytes/s over ${seconds} s`;
  return new RegistryError('Unavailable', message, {
    host,
    reason: 'RegistryUnavailable',
    isTransient: true,
  });
}

/** The chunks of a body; the watch runs only while one is waited for. */
async function* chunksOf(
  answer: HttpAnswer,
  watch: StallWatch,
  what: string,
  host: string,
): AsyncGenerator<Buffer, void, void> {
  const chunks = (answer.body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  for (;;) {
    watch.wait();
    const next = await chunks.next().catch((error: unknown) => {
      throw networkError(what, host, error);
    });
    if (next.done === true) {
      return;
    }
    watch.got(next.value.length);
    yield next.value;
  }
}
