// One blob that a pull works on: fetched once into its partial file, and unpacked from there while it
// grows, if need be more than once.
import { Slots } from '../../core/slots.ts';
import { CriError } from '../../core/error.ts';
import type { Unpacked } from '../../isolator/launcher-messages.ts';
import { RegistryError } from '../../registry/registry-error.ts';
import type { UnpackOrder } from '../layer-blob.ts';
import type { LayerLauncher } from '../layer-launcher.ts';
import { BlobDownload } from './blob-download.ts';
import type { BlobReader } from './blob-download.ts';
import type { PartialBlob } from './partial-blobs.ts';
import type { BlobId, BlobProgress, UnpackBlobOptions } from './pull-backend.ts';

export interface BlobInHandOptions {
  readonly blob: BlobId;
  readonly reader: BlobReader;
  readonly launcher: Pick<LayerLauncher, 'unpack'>;
  /** Nobody else uses it as long as this one does. */
  readonly partial: PartialBlob;
  /** The bytes on disk have passed the digest's check before. */
  readonly isVerified: boolean;
  /** What this pull has fetched of the blob before. */
  readonly fetchedBefore: number;
}

/** Says whether a failure is about the bytes, so that they must not be used again. */
function isAboutContent(error: unknown): boolean {
  const { code } = error instanceof CriError ? error : { code: 'Internal' };
  return code === 'InvalidArgument' || code === 'FailedPrecondition' || code === 'Internal';
}

/** Nothing of it goes on when `isBusy` is false. */
export class BlobInHand {
  readonly #options: BlobInHandOptions;
  /** One unpacker at a time: one that fails may throw the bytes away. */
  readonly #turns = new Slots(1);
  readonly #running = new Set<Promise<unknown>>();
  #download: BlobDownload;
  #fetched: number;
  #unpacked = 0;
  #listener: ((progress: BlobProgress) => void) | undefined;

  /** Begins to fetch what is missing. */
  constructor(options: BlobInHandOptions) {
    this.#options = options;
    this.#fetched = options.fetchedBefore;
    this.#download = this.#begin();
  }

  /** What has come over the network for this pull. */
  get fetchedBytes(): number {
    return this.#fetched;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves when what goes on now has ended. */
  async rest(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  /**
   * Unpacks the blob. Bytes on disk that turn out to be wrong are thrown away, and everything is
   * fetched once more; wrong bytes from the network are an error. After a failure nothing comes any
   * more; after a job that stopped the rest goes on coming.
   */
  async unpack(order: UnpackOrder, options: UnpackBlobOptions): Promise<Unpacked> {
    return await this.#watch(
      this.#turns.run(async () => {
        this.#listener = options.onProgress;
        if (this.#download.hasFailed) {
          this.#download = this.#begin();
        }
        const mayBeWrong = this.#download.hadBytes && !this.#options.isVerified;
        try {
          return await this.#attempt(order, options.signal);
        } catch (error) {
          if (!mayBeWrong || !isAboutContent(error)) {
            throw error;
          }
          this.#download = this.#begin();
          return await this.#attempt(order, options.signal);
        } finally {
          this.#tell();
        }
      }, options.signal),
    );
  }

  /** Resolves when no more bytes come; when the signal fires, none do. */
  async fetched({ signal, onProgress }: UnpackBlobOptions): Promise<void> {
    const stop = (): void => void this.stop(signal?.reason);
    this.#listener = onProgress;
    signal?.addEventListener('abort', stop, { once: true });
    try {
      if (signal?.aborted === true) {
        stop();
      }
      await this.#download.ended;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** No more bytes shall come; resolves when none do. */
  async stop(reason: unknown): Promise<void> {
    await this.#download.stop(reason);
  }

  #begin(): BlobDownload {
    const { blob, reader, partial } = this.#options;
    const download = new BlobDownload({
      blob,
      reader,
      partial,
      onFetched: (bytes) => {
        this.#fetched += bytes;
        this.#tell();
      },
    });
    void this.#watch(download.ended);
    return download;
  }

  async #watch<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  /** Tries once; after a failure no bytes are left that have turned out to be wrong. */
  async #attempt(order: UnpackOrder, signal: AbortSignal | undefined): Promise<Unpacked> {
    const { blob, launcher, partial } = this.#options;
    // Whoever fetches has checked other digests when the last byte is told.
    const expectedDigest = blob.digest.startsWith('sha256:') ? blob.digest : '';
    this.#unpacked = 0;
    try {
      const unpacked = await launcher.unpack(
        { ...order, sourcePath: partial.path, expectedDigest },
        {
          ...(signal && { signal }),
          growth: this.#download.growth(),
          onProgress: ({ blobBytes }) => {
            this.#unpacked = blobBytes;
            this.#tell();
          },
        },
      );
      this.#unpacked = unpacked.blobBytes;
      return unpacked;
    } catch (error) {
      await this.#download.stop(error);
      if (isAboutContent(error)) {
        await partial.clear();
      }
      throw this.#explained(error);
    }
  }

  #tell(): void {
    this.#listener?.({
      receivedBytes: this.#options.partial.size,
      fetchedBytes: this.#fetched,
      unpackedBytes: this.#unpacked,
    });
  }

  // The unpacker knows neither the layer nor where its bytes came from.
  #explained(error: unknown): unknown {
    if (!(error instanceof CriError) || error instanceof RegistryError) {
      return error;
    }
    const { digest } = this.#options.blob;
    const { code, step, errno } = error;
    const named = error.message.includes(digest)
      ? error.message
      : `cannot unpack layer "${digest}": ${error.message}`;
    const from = this.#fetched > 0 ? 'what the registry sent' : 'what an earlier pull fetched';
    const message = code === 'InvalidArgument' ? `${named} (in ${from})` : named;
    return new CriError(code, message, { step, errno, cause: error });
  }
}
