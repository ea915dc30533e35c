// PullImage: what a reference stands for, its documents, its missing layers, then the image record.
import { createHash } from 'node:crypto';
import { asCriError } from '../../core/error.ts';
import type { ErrorCode } from '../../core/error.ts';
import type { Explanation } from '../../registry/explain.ts';
import { formatReference, parseImageReference, repositoryOf } from '../../core/image-reference.ts';
import type { Reference } from '../../core/image-reference.ts';
import { RegistryError } from '../../registry/registry-error.ts';
import type { ImageStore, ImportedImage } from '../image-store.ts';
import type { PullAuthFields, PullBackend, PulledDocuments, PullSession } from './pull-backend.ts';
import { pullLayers } from './pull-layers.ts';
import type { LayerStatus } from './pull-layers.ts';
import { SharedPulls } from './shared-pulls.ts';

/** Where a pull stands. */
export interface PullStatus {
  /** With all defaults spelled out. */
  readonly reference: string;
  /** What the reference stands for; "" until that is known. */
  readonly digest: string;
  /** Host that said so. */
  readonly host: string;
  /** Bottom to top; empty until the manifest is read, and for an image that is there already. */
  readonly layers: readonly LayerStatus[];
}

export interface PullOptions {
  readonly auth?: PullAuthFields | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStatus?: ((status: PullStatus) => void) | undefined;
}

/** Why a pull failed, for metrics: the kubelet's word where there is one, else the error's code. */
export type PullFailure = ErrorCode | 'RegistryUnavailable';

/** Told about pulls, for metrics. */
export interface PullObserver {
  /** A pull begins (joined ones count once); the returned function is told its end. */
  begin(): (failure: PullFailure | undefined) => void;
  /** Bytes of layers came over the network. */
  fetched(bytes: number): void;
}

export interface ImagePullerOptions {
  readonly images: ImageStore;
  readonly backend: PullBackend;
  /** Layers of one image that come at the same time. */
  readonly maxConcurrentDownloads: number;
  readonly observer?: PullObserver | undefined;
}

/** Pulls images into the store. One per process. */
export class ImagePuller {
  readonly #options: ImagePullerOptions;
  readonly #shared = new SharedPulls<ImportedImage, PullStatus>();

  constructor(options: ImagePullerOptions) {
    this.#options = options;
  }

  /**
   * Pulls the image that `text` names; pulls of the same reference with the same credentials are
   * joined. When it resolves the image is durable and listed. An image whose digest is in the store
   * is not fetched again, it only gets the tag. Throws InvalidArgument for a reference, RegistryError
   * for what registries do, FailedPrecondition (platform, hosts files), Unimplemented (types),
   * Canceled, or what the launcher says; nothing of the image stays then.
   */
  async pull(text: string, options: PullOptions = {}): Promise<ImportedImage> {
    const reference = parseImageReference(text);
    const key = keyOf(reference, options.auth);
    const caller = { signal: options.signal, onProgress: options.onStatus };
    return await this.#shared.run(key, caller, async (signal, tell) => {
      const end = this.#options.observer?.begin();
      try {
        const pulled = await this.#pull(reference, options.auth, signal, tell);
        end?.(undefined);
        return pulled;
      } catch (error) {
        end?.(failureOf(error));
        throw error;
      }
    });
  }

  /** Says which hosts a pull would ask, how and why; see explain of cri/registry. */
  async explain(
    text: string,
    auth: PullAuthFields | undefined,
    probe: boolean,
    signal?: AbortSignal,
  ): Promise<Explanation> {
    return await this.#options.backend.explain(text, auth, probe, signal);
  }

  async #pull(
    reference: Reference,
    auth: PullAuthFields | undefined,
    signal: AbortSignal,
    tell: (status: PullStatus) => void,
  ): Promise<ImportedImage> {
    const { images, backend } = this.#options;
    let status: PullStatus = {
      reference: formatReference(reference),
      digest: '',
      host: '',
      layers: [],
    };
    tell(status);
    const session = await backend.open(reference, auth);
    try {
      const target = await session.resolve(signal);
      status = { ...status, ...target };
      tell(status);
      const tags = reference.digest === undefined ? [formatReference(reference)] : [];
      const repoDigest = `${repositoryOf(reference)}@${target.digest}`;
      const present = await images.addTags(repoDigest, tags);
      if (present !== undefined) {
        return { image: present, layersPresent: present.layers.length, layersUnpacked: 0 };
      }
      const documents = await session.documents(signal);
      const names = { tags, repoDigests: [repoDigest] };
      return await this.#store(session, documents, names, signal, (layers) => {
        status = { ...status, layers };
        tell(status);
      });
    } finally {
      await session.close().catch(() => undefined);
    }
  }

  async #store(
    session: PullSession,
    { manifest, manifestBytes, config, configBytes }: PulledDocuments,
    names: { readonly tags: readonly string[]; readonly repoDigests: readonly string[] },
    signal: AbortSignal,
    tell: (layers: readonly LayerStatus[]) => void,
  ): Promise<ImportedImage> {
    const { images, maxConcurrentDownloads, observer } = this.#options;
    const nothing = { receivedBytes: 0, fetchedBytes: 0, unpackedBytes: 0 };
    const layers = manifest.layers.map(({ digest, size }): LayerStatus => ({
      digest,
      size,
      state: 'waiting',
      ...nothing,
    }));
    tell([...layers]);
    const documents = {
      id: manifest.config.digest,
      config,
      configBytes: asBuffer(configBytes),
      manifestBytes: asBuffer(manifestBytes),
      layersSize: manifest.layers.reduce((sum, { size }) => sum + size, 0),
      ...names,
    };
    const { diff_ids: diffIds } = config.rootfs;
    return await images.add(documents, (store, holder) =>
      pullLayers(store, session, manifest.layers, diffIds, holder, {
        signal,
        maxConcurrent: maxConcurrentDownloads,
        onStatus: (index, status) => {
          observer?.fetched(status.fetchedBytes - (layers[index]?.fetchedBytes ?? 0));
          layers[index] = status;
          tell([...layers]);
        },
      }),
    );
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same words: reference and credentials. The latter only as a digest. */
function keyOf(reference: Reference, auth: PullAuthFields | undefined): string {
  const proof = createHash('sha256')
    .update(JSON.stringify(auth ?? null))
    .digest('hex');
  return `${formatReference(reference)} ${proof}`;
}

function failureOf(error: unknown): PullFailure {
  return error instanceof RegistryError && error.reason === 'RegistryUnavailable'
    ? 'RegistryUnavailable'
    : asCriError(error).code;
}
