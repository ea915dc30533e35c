// One layer in one pass: bytes from disk and network, kept on disk, to the launcher's unpacker.
import type { Hash } from 'node:crypto';
import { CriError } from '../../core/error.ts';
import { abortError } from '../../core/deadline.ts';
import type { Unpacked } from '../../isolator/launcher-messages.ts';
import { hashFor } from '../../registry/blob-stream.ts';
import type { RegistryClient } from '../../registry/registry-client.ts';
import { RegistryError } from '../../registry/registry-error.ts';
import type { UnpackOrder } from '../layer-blob.ts';
import type { LayerLauncher } from '../layer-launcher.ts';
import type { PartialBlob } from './partial-blobs.ts';
import type { BlobId, BlobProgress } from './pull-backend.ts';

/** Streams blobs; RegistryClient is one. */
export type BlobReader = Pick<RegistryClient, 'readBlob'>;

export interface UnpackJob {
  readonly blob: BlobId;
  readonly order: UnpackOrder;
  readonly reader: BlobReader;
  readonly launcher: Pick<LayerLauncher, 'unpack'>;
  readonly partial: PartialBlob;
  /** The bytes on disk have passed the digest's check before. */
  readonly isVerified: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (progress: BlobProgress) => void;
}

/** Says whether a failure is about the bytes, so that they must not be used again. */
function isAboutContent(error: unknown): boolean {
  const { code } = error instanceof CriError ? error : { code: 'Internal' };
  return code === 'InvalidArgument' || code === 'FailedPrecondition' || code === 'Internal';
}

/**
 * Unpacks the blob. Bytes on disk that turn out to be wrong are thrown away, and everything is
 * fetched once more; wrong bytes from the network are an error.
 */
export async function unpackBlob(job: UnpackJob): Promise<Unpacked> {
  const mayBeWrong = job.partial.size > 0 && !job.isVerified;
  let fetchedBytes = 0;
  const onProgress = (progress: BlobProgress): void => {
    ({ fetchedBytes } = progress);
    job.onProgress(progress);
  };
  try {
    return await attempt({ ...job, onProgress }, 0);
  } catch (error) {
    if (!mayBeWrong || !isAboutContent(error)) {
      throw error;
    }
    return await attempt(job, fetchedBytes);
  }
}

/** Tries once; afterwards no bytes are left that have turned out to be wrong. */
async function attempt(job: UnpackJob, fetchedBefore: number): Promise<Unpacked> {
  try {
    return await new Attempt(job, fetchedBefore).run();
  } catch (error) {
    if (isAboutContent(error)) {
      await job.partial.clear();
    }
    throw error;
  }
}

class Attempt {
  readonly #job: UnpackJob;
  readonly #hash: Hash | null;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  #received = 0;
  #fetched: number;
  #unpacked = 0;

  constructor(job: UnpackJob, fetchedBefore: number) {
    this.#job = job;
    this.#fetched = fetchedBefore;
    // The unpacker checks sha256 itself, on another core.
    this.#hash = job.blob.digest.startsWith('sha256:') ? null : hashFor(job.blob.digest);
    this.#signal =
      job.signal === undefined
        ? this.#abort.signal
        : AbortSignal.any([job.signal, this.#abort.signal]);
  }

  async run(): Promise<Unpacked> {
    const { blob, order, launcher, partial, signal } = this.#job;
    const source = this.#bytes();
    const expectedDigest = this.#hash === null ? blob.digest : '';
    try {
      const unpacked = await launcher.unpack(
        { ...order, sourcePath: '', expectedDigest },
        {
          ...(signal && { signal }),
          source,
          onProgress: ({ blobBytes }) => {
            this.#unpacked = blobBytes;
            this.#tell();
          },
        },
      );
      this.#unpacked = unpacked.blobBytes;
      return unpacked;
    } catch (error) {
      throw this.#explained(error);
    } finally {
      this.#abort.abort();
      await source.return().catch(() => undefined);
      await partial.flush();
      this.#tell();
    }
  }

  async *#bytes(): AsyncGenerator<Buffer, void, void> {
    const { blob, partial, reader } = this.#job;
    for await (const chunk of partial.replay()) {
      if (this.#signal.aborted) {
        throw abortError(this.#signal, `fetch blob "${blob.digest}"`);
      }
      this.#hash?.update(chunk);
      this.#received += chunk.length;
      yield chunk;
    }
    const rest = reader.readBlob({
      ...blob,
      offset: partial.size,
      hash: this.#hash,
      onFetched: (bytes) => {
        this.#fetched += bytes;
      },
      signal: this.#signal,
    });
    for await (const chunk of rest) {
      await partial.append(chunk);
      this.#received += chunk.length;
      this.#tell();
      yield chunk;
    }
  }

  #tell(): void {
    this.#job.onProgress({
      receivedBytes: this.#received,
      fetchedBytes: this.#fetched,
      unpackedBytes: this.#unpacked,
    });
  }

  // The unpacker knows neither the layer nor where its bytes came from.
  #explained(error: unknown): unknown {
    if (!(error instanceof CriError) || error instanceof RegistryError) {
      return error;
    }
    const { digest } = this.#job.blob;
    const { code, step, errno } = error;
    const named = error.message.includes(digest)
      ? error.message
      : `cannot unpack layer "${digest}": ${error.message}`;
    const from = this.#fetched > 0 ? 'what the registry sent' : 'what an earlier pull fetched';
    const message = code === 'InvalidArgument' ? `${named} (in ${from})` : named;
    return new CriError(code, message, { step, errno, cause: error });
  }
}
