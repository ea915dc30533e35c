// The fetch of what is missing of one blob: from the network into its partial file, at its own pace.
import { abortError } from '../../core/deadline.ts';
import { asCriError } from '../../core/error.ts';
import type { CriError } from '../../core/error.ts';
import { hashFor } from '../../registry/blob-stream.ts';
import type { RegistryClient } from '../../registry/registry-client.ts';
import type { PartialBlob } from './partial-blobs.ts';
import type { BlobId } from './pull-backend.ts';

/** Streams blobs; RegistryClient is one. */
export type BlobReader = Pick<RegistryClient, 'readBlob'>;

export interface DownloadOptions {
  readonly blob: BlobId;
  readonly reader: BlobReader;
  /** Nobody else writes to it meanwhile. */
  readonly partial: PartialBlob;
  readonly onFetched: (bytes: number) => void;
}

/**
 * Begins when it is made and never throws by itself: its end is told to those who ask. All that came
 * is in the file when it has ended, however it did.
 */
export class BlobDownload {
  readonly #options: DownloadOptions;
  readonly #abort = new AbortController();
  #end: { readonly error: CriError | undefined } | undefined;
  #wake = Promise.withResolvers<void>();
  /** Resolves when no more bytes come. */
  readonly ended: Promise<void>;
  /** Bytes were there before, which nobody has checked yet as far as this knows. */
  readonly hadBytes: boolean;

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.hadBytes = options.partial.size > 0;
    options.partial.onWritten = () => this.#awaken();
    this.ended = this.#fetch()
      .then(
        () => undefined,
        (error: unknown) => asCriError(error),
      )
      .then((error) => {
        this.#end = { error };
        this.#awaken();
      });
  }

  /** No more bytes come although some are missing or wrong. */
  get hasFailed(): boolean {
    return this.#end?.error !== undefined;
  }

  /** Gives up; resolves when nothing is at work any more. */
  async stop(reason: unknown): Promise<void> {
    this.#abort.abort(reason);
    await this.ended;
  }

  /**
   * How many bytes of the file are the blob's, more each time, until all are there. Throws what the
   * fetch fails with, also when the whole turns out not to have its digest.
   */
  async *growth(): AsyncGenerator<number, void, void> {
    let told = 0;
    for (;;) {
      const { written } = this.#options.partial;
      const { promise } = this.#wake;
      if (this.#end?.error !== undefined) {
        throw this.#end.error;
      }
      if (written > told) {
        told = written;
        yield told;
      } else if (this.#end !== undefined) {
        return;
      } else {
        await promise;
      }
    }
  }

  #awaken(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async #fetch(): Promise<void> {
    const { blob, partial, reader, onFetched } = this.#options;
    const { signal } = this.#abort;
    try {
      // The unpacker checks sha256 itself, on another core.
      const hash = blob.digest.startsWith('sha256:') ? null : hashFor(blob.digest);
      if (hash !== null) {
        for await (const chunk of partial.replay()) {
          if (signal.aborted) {
            throw abortError(signal, `fetch blob "${blob.digest}"`);
          }
          hash.update(chunk);
        }
      }
      const offset = partial.size;
      for await (const chunk of reader.readBlob({ ...blob, offset, hash, onFetched, signal })) {
        await partial.append(chunk);
      }
    } finally {
      await partial.flush();
    }
  }
}
