// Blobs on their way in: what has come over the network is also written to
// <stateDir>/ingest/<digest>.partial, so that neither a cut, nor another try, nor a restart of the
// server fetches it twice. Nothing here is trusted: whoever reads a partial blob checks its digest.
import { constants, createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedQueue } from '../../core/keyed-queue.ts';

/** What may stay of pulls that did not end. */
export interface PartialLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

const batchBytes = 128 * 1024;
/** What a killed server may lose of a blob, beside what the kernel holds for its connection. */
const maxWaitingBytes = 512 * 1024;
const replayBytes = 1024 * 1024;
const namePattern = /^sha(?:256|384|512)-[a-f0-9]+\.partial$/u;

/** Says whether a file of the ingest directory is a partial blob. */
export function isPartialName(name: string): boolean {
  return namePattern.test(name);
}

function fileName(digest: string): string {
  return `${digest.replace(':', '-')}.partial`;
}

/** The partial blobs of one state directory; one process (or thread) at a time. */
export class PartialBlobs {
  readonly #directory: string;
  readonly #onProblem: (error: unknown) => void;
  readonly #queue = new KeyedQueue();

  /** `onProblem` hears of writes that failed: they cost a later pull some bytes and nothing else. */
  constructor(directory: string, onProblem: (error: unknown) => void) {
    this.#directory = directory;
    this.#onProblem = onProblem;
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
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      const path = join(this.#directory, fileName(digest));
      const partial = await PartialBlob.open(path, this.#onProblem);
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

  /** Removes a blob that is not needed any more, behind everyone who waits to use it. */
  async discard(digest: string): Promise<void> {
    await this.#queue.run(digest, () =>
      rm(join(this.#directory, fileName(digest)), { force: true }),
    );
  }

  /** Removes what is too old, then the oldest until the rest is small enough; `kept` stays. */
  async sweep(limits: PartialLimits, kept: ReadonlySet<string>, nowMs: number): Promise<void> {
    const spared = new Set([...kept].map(fileName));
    let total = 0;
    for (const file of await this.#newestFirst()) {
      total += file.size;
      const isWanted = total <= limits.maxBytes && nowMs - file.mtimeMs <= limits.maxAgeMs;
      if (!isWanted && !spared.has(file.name)) {
        total -= file.size;
        await rm(join(this.#directory, file.name), { force: true });
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

/** One partial blob: a leading part of the blob's bytes, in a file. */
export class PartialBlob {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #onProblem: (error: unknown) => void;
  #size: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #isWriting = false;
  #isBroken = false;

  private constructor(
    path: string,
    file: FileHandle,
    size: number,
    onProblem: (error: unknown) => void,
  ) {
    this.#path = path;
    this.#file = file;
    this.#size = size;
    this.#onProblem = onProblem;
  }

  static async open(path: string, onProblem: (error: unknown) => void): Promise<PartialBlob> {
    const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
    const file = await open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
    const { size } = await file.stat();
    return new PartialBlob(path, file, size, onProblem);
  }

  /** Bytes that are there, whether written yet or not. */
  get size(): number {
    return this.#size;
  }

  /** Reads what is there. Not while it is appended to. */
  async *replay(): AsyncGenerator<Buffer, void, void> {
    if (this.#size === 0) {
      return;
    }
    yield* createReadStream(this.#path, { end: this.#size - 1, highWaterMark: replayBytes });
  }

  /** Adds bytes at the end; waits only while many are not written yet. Never throws. */
  async append(bytes: Buffer): Promise<void> {
    if (this.#isBroken) {
      return;
    }
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

  /** Writes what waits. */
  async flush(): Promise<void> {
    while (this.#waitingBytes > 0 && !this.#isBroken) {
      this.#write();
      await this.#writing;
    }
    await this.#writing;
  }

  /** Forgets all bytes. */
  async clear(): Promise<void> {
    await this.#writing;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#file.truncate(0);
    this.#size = 0;
    this.#isBroken = false;
  }

  /** Writes what waits and closes the file; an empty or broken one is removed. */
  async close(): Promise<void> {
    await this.flush();
    await this.#file.close();
    if (this.#isBroken || this.#size === 0) {
      await rm(this.#path, { force: true });
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
        // Bytes that are not on disk are in the layer all the same; the next pull fetches them again.
        this.#isBroken = true;
        this.#waiting = [];
        this.#waitingBytes = 0;
        this.#onProblem(error);
      })
      .finally(() => {
        this.#isWriting = false;
      });
  }

  async #append(pieces: readonly Buffer[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const { bytesWritten } = await this.#file.writev(pieces);
    if (bytesWritten < length) {
      // The kernel may take less, for instance of a disk that is about to be full.
      await this.#file.appendFile(Buffer.concat(pieces).subarray(bytesWritten));
    }
  }
}
