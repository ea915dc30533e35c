// Blobs on their way in: what has come over the network is also written to
// <stateDir>/ingest/<digest>.partial, so that neither a cut, nor another try, nor a restart of the
// server fetches it twice. Nothing here is trusted: whoever reads a partial blob checks its digest.
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { type CriError, fileError } from '../../core/error.ts';
import { KeyedQueue } from '../../core/keyed-queue.ts';

/** What may stay of pulls that did not end. */
export interface PartialLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Each batch costs a turn of a thread of the pool, and wakes whoever reads the file. */
const batchBytes = 256 * 1024;
/** What a killed server may lose of a blob, beside what the kernel holds for its connection. */
const maxWaitingBytes = 1024 * 1024;
const replayBytes = 1024 * 1024;
const suffix = '.partial';
const namePattern = /^sha(?:256|384|512)-[a-f0-9]+\.partial$/u;

/** Says whether a file of the ingest directory is a partial blob. */
export function isPartialName(name: string): boolean {
  return namePattern.test(name);
}

function digestOf(name: string): string {
  return name.slice(0, -suffix.length).replace('-', ':');
}

function fileName(digest: string): string {
  return `${digest.replace(':', '-')}${suffix}`;
}

/** The partial blobs of one state directory; one process (or thread) at a time. */
export class PartialBlobs {
  readonly #directory: string;
  readonly #queue = new KeyedQueue();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Runs `work` with the partial blob of `digest`, which nobody else uses meanwhile. One that is
   * longer than `size` is begun anew.
   */
  async use<T>(
    digest: string,
    size: number,
    signal: AbortSignal | undefined,
    work: (partial: PartialBlob) => Promise<T>,
  ): Promise<T> {
    const use = async (): Promise<T> => {
      const path = join(this.#directory, fileName(digest));
      const partial = await this.#open(path);
      try {
        if (partial.size > size) {
          await partial.clear();
        }
        return await work(partial);
      } finally {
        await partial.close();
      }
    };
    return await this.#queue.run(digest, use, signal);
  }

  async #open(path: string): Promise<PartialBlob> {
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      return await PartialBlob.open(path);
    } catch (error) {
      throw writeError(path, error);
    }
  }

  /** Removes a blob that is not needed any more, behind everyone who waits to use it. */
  async discard(digest: string): Promise<void> {
    await this.#queue.run(digest, () =>
      rm(join(this.#directory, fileName(digest)), { force: true }),
    );
  }

  /**
   * Removes what is too old, then the oldest until the rest is small enough; `kept` stays, and whatever
   * is in use.
   */
  async sweep(limits: PartialLimits, kept: ReadonlySet<string>, nowMs: number): Promise<void> {
    let total = 0;
    for (const file of await this.#newestFirst()) {
      const digest = digestOf(file.name);
      total += file.size;
      const isWanted = total <= limits.maxBytes && nowMs - file.mtimeMs <= limits.maxAgeMs;
      if (!isWanted && !kept.has(digest) && !this.#queue.isBusy(digest)) {
        total -= file.size;
        await this.discard(digest);
      }
    }
  }

  async #newestFirst(): Promise<{ name: string; size: number; mtimeMs: number }[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const files: { name: string; size: number; mtimeMs: number }[] = [];
    for (const name of names.filter(isPartialName)) {
      const found = await stat(join(this.#directory, name)).catch(() => undefined);
      if (found !== undefined) {
        files.push({ name, size: found.size, mtimeMs: found.mtimeMs });
      }
    }
    return files.sort((a, b) => b.mtimeMs - a.mtimeMs);
  }
}

/** One partial blob: a leading part of the blob's bytes, in a file that others may read. */
export class PartialBlob {
  readonly path: string;
  readonly #file: FileHandle;
  #size: number;
  #written: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #failure: CriError | undefined;
  /** Called whenever more has been written. */
  onWritten: () => void = () => undefined;

  private constructor(path: string, file: FileHandle, size: number) {
    this.path = path;
    this.#file = file;
    this.#size = size;
    this.#written = size;
  }

  static async open(path: string): Promise<PartialBlob> {
    const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
    const file = await open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
    const { size } = await file.stat();
    return new PartialBlob(path, file, size);
  }

  /** Bytes that are there, whether written yet or not. */
  get size(): number {
    return this.#size;
  }

  /** Bytes that whoever opens the file finds in it. */
  get written(): number {
    return this.#written;
  }

  /** Reads what is there. Not while it is appended to. */
  async *replay(): AsyncGenerator<Buffer, void, void> {
    if (this.#size === 0) {
      return;
    }
    yield* createReadStream(this.path, { end: this.#size - 1, highWaterMark: replayBytes });
  }

  /**
   * Adds bytes at the end; waits only while many are not written yet. Takes them over: their memory
   * may be gone when they are written. Throws ResourceExhausted or Internal when an earlier write
   * has failed.
   */
  async append(bytes: Buffer): Promise<void> {
    this.#requireWhole();
    this.#size += bytes.length;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= batchBytes) {
      this.#write();
    }
    if (this.#waitingBytes > maxWaitingBytes) {
      await this.#writing;
    }
  }

  /** Writes what waits; throws as append does. */
  async flush(): Promise<void> {
    while (this.#waitingBytes > 0 || this.#isWriting) {
      this.#write();
      await this.#writing;
    }
    this.#requireWhole();
  }

  /** Forgets all bytes. */
  async clear(): Promise<void> {
    await this.#writing;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#file.truncate(0);
    this.#size = 0;
    this.#written = 0;
    this.#failure = undefined;
  }

  /** Writes what waits and closes the file; an empty or broken one is removed. Never throws. */
  async close(): Promise<void> {
    await this.flush().catch(() => undefined); // whoever appended knows, or does not care
    await this.#file.close().catch(() => undefined);
    if (this.#failure !== undefined || this.#size === 0) {
      await rm(this.path, { force: true }).catch(() => undefined);
    }
  }

  #requireWhole(): void {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
  }

  #write(): void {
    if (this.#isWriting) {
      return;
    }
    const pieces = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#isWriting = true;
    this.#writing = this.#append(pieces)
      .catch((error: unknown) => {
        this.#waiting = [];
        this.#waitingBytes = 0;
        this.#failure ??= writeError(this.path, error);
      })
      .finally(() => {
        this.#isWriting = false;
        this.onWritten();
      });
  }

  async #append(pieces: readonly Buffer[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const { bytesWritten } = await this.#file.writev(pieces);
    if (bytesWritten < length) {
      // The kernel may take less, for instance of a disk that is about to be full.
      await this.#file.appendFile(Buffer.concat(pieces).subarray(bytesWritten));
    }
    this.#written += length;
    pieces.forEach(giveBack);
  }
}

function writeError(path: string, error: unknown): CriError {
  return fileError(`keep what was fetched in "${path}"`, error, 'write-blob');
}

/**
 * Frees the memory of a chunk at once. Chunks of a socket have memory of their own, of which the garbage
 * collector only knows the size: a stream of them makes it mark the whole heap again and again.
 * Left alone is a part of Node's pool, and whatever something could follow in the same memory, because
 * the HTTP parser may have put that back for the next answer.
 */
function giveBack({ buffer, byteOffset, byteLength }: Buffer): void {
  const isPooled = byteOffset > 0 && buffer.byteLength === Buffer.poolSize;
  const isLast = byteOffset + byteLength === buffer.byteLength;
  if (isLast && !isPooled && buffer instanceof ArrayBuffer) {
    buffer.transfer(0);
  }
}
