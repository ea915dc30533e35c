// Pulls from registries, in whichever thread it is made.
import { CriError } from '../../core/error.ts';
import type { Unpacked } from '../../isolator/launcher-messages.ts';
import { pullAuthOf } from '../../registry/credentials.ts';
import { explain } from '../../registry/explain.ts';
import type { Explanation } from '../../registry/explain.ts';
import { hostPlatform } from '../../registry/platform.ts';
import type { HostPlatform } from '../../registry/platform.ts';
import { formatReference } from '../../core/image-reference.ts';
import type { Reference } from '../../core/image-reference.ts';
import { RegistryClient } from '../../registry/registry-client.ts';
import type { RegistryOptions, Resolved } from '../../registry/registry-client.ts';
import { resolveImage } from '../../registry/resolve-image.ts';
import type { UnpackOrder } from '../layer-blob.ts';
import type { LayerLauncher } from '../layer-launcher.ts';
import { BlobInHand } from './blob-in-hand.ts';
import type { PartialBlob, PartialBlobs, PartialLimits } from './partial-blobs.ts';
import type {
  BlobId,
  PullAuthFields,
  PullBackend,
  PulledDocuments,
  PullSession,
  Target,
  UnpackBlobOptions,
} from './pull-backend.ts';
import { throttled } from './throttled.ts';

export interface RegistryBackendOptions {
  readonly registry: RegistryOptions;
  readonly launcher: Pick<LayerLauncher, 'unpack'>;
  readonly partials: PartialBlobs;
  readonly limits: PartialLimits;
  /** Gets failures of background work, for the log. */
  readonly onProblem: (error: unknown) => void;
  /** Default: this machine's. */
  readonly host?: HostPlatform | undefined;
  readonly nowMs?: (() => number) | undefined;
}

/** Speaks to registries; one per process, because tokens and partial blobs are shared. */
export class RegistryBackend implements PullBackend {
  readonly #options: RegistryBackendOptions;
  /** Digests that sessions have fetched and not stored yet. */
  readonly #inUse = new Map<PullSession, Set<string>>();

  constructor(options: RegistryBackendOptions) {
    this.#options = options;
  }

  async open(reference: Reference, auth: PullAuthFields | undefined): Promise<PullSession> {
    const client = await RegistryClient.open(reference, this.#withAuth(auth));
    const digests = new Set<string>();
    const session = new RegistrySession(client, this.#options, digests, {
      isUsedByOthers: (digest) =>
        [...this.#inUse].some(([other, used]) => other !== session && used.has(digest)),
      onClose: () => {
        this.#inUse.delete(session);
        this.sweep().catch(this.#options.onProblem);
      },
    });
    this.#inUse.set(session, digests);
    return session;
  }

  async explain(
    reference: string,
    auth: PullAuthFields | undefined,
    probe: boolean,
    signal?: AbortSignal,
  ): Promise<Explanation> {
    return await explain(reference, { ...this.#withAuth(auth), probe }, signal);
  }

  /** Removes partial blobs that are too old or too large in sum. */
  async sweep(): Promise<void> {
    const { partials, limits, nowMs = Date.now } = this.#options;
    const kept = new Set([...this.#inUse.values()].flatMap((digests) => [...digests]));
    await partials.sweep(limits, kept, nowMs());
  }

  #withAuth(auth: PullAuthFields | undefined): RegistryOptions {
    const { registry } = this.#options;
    const pullAuth = auth === undefined ? undefined : pullAuthOf(auth);
    return { ...registry, credentials: { ...registry.credentials, pullAuth } };
  }
}

/** What a session asks and tells whoever opened it. */
interface SessionHost {
  readonly isUsedByOthers: (digest: string) => boolean;
  readonly onClose: () => void;
}

class RegistrySession implements PullSession {
  readonly #client: RegistryClient;
  readonly #options: RegistryBackendOptions;
  readonly #digests: Set<string>;
  readonly #host: SessionHost;
  /** Blobs whose bytes an unpacker has checked. */
  readonly #verified = new Set<string>();
  readonly #inHand = new Map<string, BlobInHand>();
  /** Each settles when its partial blob is closed. */
  readonly #uses = new Set<Promise<void>>();
  /** What came over the network, by digest. */
  readonly #fetched = new Map<string, number>();
  #resolved: Resolved | undefined;

  constructor(
    client: RegistryClient,
    options: RegistryBackendOptions,
    digests: Set<string>,
    host: SessionHost,
  ) {
    this.#client = client;
    this.#options = options;
    this.#digests = digests;
    this.#host = host;
  }

  async resolve(signal?: AbortSignal): Promise<Target> {
    this.#resolved = await this.#client.resolve(signal);
    const { digest, host } = this.#resolved;
    return { digest, host };
  }

  async documents(signal?: AbortSignal): Promise<PulledDocuments> {
    const resolved = this.#resolved ?? (await this.#client.resolve(signal));
    const host = this.#options.host ?? hostPlatform();
    const image = await resolveImage(this.#client, resolved, host, signal);
    const { manifest, manifestBytes, config, configBytes } = image;
    if (!manifest.config.digest.startsWith('sha256:')) {
      const name = formatReference(this.#client.reference);
      const why = `its config has the digest "${manifest.config.digest}", image ids are sha256`;
      throw new CriError('Unimplemented', `cannot pull image "${name}": ${why}`);
    }
    return { manifest, manifestBytes, config, configBytes };
  }

  async unpack(blob: BlobId, order: UnpackOrder, options: UnpackBlobOptions): Promise<Unpacked> {
    using progress = throttled(options.onProgress ?? (() => undefined));
    const told = { signal: options.signal, onProgress: progress.tell };
    const inHand = this.#inHand.get(blob.digest);
    if (inHand !== undefined) {
      return await inHand.unpack(order, told);
    }
    const { promise: stopped, resolve } = Promise.withResolvers<Unpacked>();
    this.#digests.add(blob.digest);
    const used = this.#options.partials.use(blob.digest, blob.size, options.signal, (partial) =>
      this.#takeInHand(blob, partial, async (taken) => {
        const unpacked = await taken.unpack(order, told);
        if (unpacked.isStopped) {
          resolve(unpacked); // what is missing goes on coming
        } else {
          this.#verified.add(blob.digest);
        }
        return unpacked;
      }),
    );
    const settled = used.then(
      () => undefined,
      () => undefined, // told below, or by the next job
    );
    this.#uses.add(settled);
    void settled.then(() => this.#uses.delete(settled));
    return await Promise.race([stopped, used]);
  }

  async fetched(blob: BlobId, options: UnpackBlobOptions): Promise<void> {
    using progress = throttled(options.onProgress ?? (() => undefined));
    const told = { signal: options.signal, onProgress: progress.tell };
    await this.#inHand.get(blob.digest)?.fetched(told);
  }

  async discard(digest: string): Promise<void> {
    this.#digests.delete(digest);
    // Another pull may fetch it, or be about to unpack it on other layers; then it is left to that one.
    if (!this.#host.isUsedByOthers(digest)) {
      await this.#options.partials.discard(digest);
    }
  }

  async close(): Promise<void> {
    const why = new CriError('Canceled', 'cannot go on fetching a blob: the pull has ended');
    await Promise.all([...this.#inHand.values()].map((inHand) => inHand.stop(why)));
    await Promise.all(this.#uses);
    await this.#client[Symbol.asyncDispose]();
    this.#host.onClose();
  }

  /** The blob is in hand until nothing of it goes on, so also for jobs behind the first one. */
  async #takeInHand<T>(
    blob: BlobId,
    partial: PartialBlob,
    first: (inHand: BlobInHand) => Promise<T>,
  ): Promise<T> {
    const { digest } = blob;
    const { launcher } = this.#options;
    const isVerified = this.#verified.has(digest) && partial.size === blob.size;
    const fetchedBefore = this.#fetched.get(digest) ?? 0;
    const reader = this.#client;
    const inHand = new BlobInHand({ blob, reader, launcher, partial, isVerified, fetchedBefore });
    this.#inHand.set(digest, inHand);
    try {
      return await first(inHand);
    } finally {
      while (inHand.isBusy) {
        await inHand.rest();
      }
      this.#inHand.delete(digest);
      this.#fetched.set(digest, inHand.fetchedBytes);
    }
  }
}
