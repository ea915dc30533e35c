// The files of an image archive or layout by name, whichever form it has on disk.
import { constants } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { posix } from 'node:path';
import { CriError } from '../core/error.ts';
import { archivePath, scanTar } from './tar-index.ts';
import type { TarEntry } from './tar-index.ts';

/** Where the bytes of one file of an archive lie; offset and length in bytes. */
export interface FileSlice {
  readonly sourcePath: string;
  readonly offset: number;
  readonly length: number;
}

/** The files of an archive or layout. Names are relative and use "/". */
export interface ArchiveFiles {
  /** What the user gave, for messages. */
  readonly path: string;
  /** Returns where a regular file's content lies; undefined when there is none of that name. */
  locate(name: string): Promise<FileSlice | undefined>;
  /** Reads a whole file; undefined when absent, ResourceExhausted above `limit` bytes. */
  read(name: string, limit: number): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

/** No document of an image may be longer. */
export const MAX_DOCUMENT_BYTES: number = 8 * 1024 * 1024;
const MAX_LINK_HOPS = 8;

function tooLong(path: string, name: string, length: number, limit: number): CriError {
  const why = `"${name}" has ${length} bytes, the limit is ${limit}`;
  return new CriError('ResourceExhausted', `cannot read image archive "${path}": ${why}`);
}

async function readSlice(handle: FileHandle, slice: FileSlice): Promise<Buffer> {
  const buffer = Buffer.alloc(slice.length);
  let filled = 0;
  while (filled < slice.length) {
    const left = slice.length - filled;
    const { bytesRead } = await handle.read(buffer, filled, left, slice.offset + filled);
    if (bytesRead === 0) {
      const why = 'it became shorter while it was read';
      throw new CriError(
        'InvalidArgument',
        `cannot read image archive "${slice.sourcePath}": ${why}`,
      );
    }
    filled += bytesRead;
  }
  return buffer;
}

/** Opens a regular file; never blocks on a pipe or device that stands there instead. */
export async function openRegular(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if (!(await handle.stat()).isFile()) {
    await handle.close();
    throw new CriError('InvalidArgument', `cannot read "${path}": it is not a regular file`);
  }
  return handle;
}

class TarFiles implements ArchiveFiles {
  readonly path: string;
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #entries: ReadonlyMap<string, TarEntry>;

  constructor(path: string, file: string, handle: FileHandle, entries: readonly TarEntry[]) {
    this.path = path;
    this.#file = file;
    this.#handle = handle;
    // As when unpacking: of two entries with one name the later counts.
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
  }

  async locate(name: string): Promise<FileSlice | undefined> {
    let entry = this.#entries.get(name);
    for (let hops = 0; entry?.type === 'symlink' || entry?.type === 'hardlink'; hops++) {
      // docker save before version 25 stores a layer once and links to it from the other images.
      const base = entry.type === 'symlink' ? posix.dirname(entry.name) : '.';
      const isAbsolute = entry.linkName.startsWith('/');
      const target = isAbsolute ? undefined : archivePath(posix.join(base, entry.linkName));
      if (target === undefined || hops >= MAX_LINK_HOPS) {
        const why = `"${name}" links outside of it or in circles`;
        throw new CriError('InvalidArgument', `cannot read image archive "${this.path}": ${why}`);
      }
      entry = this.#entries.get(target);
    }
    if (entry === undefined || entry.type === 'directory') {
      return undefined;
    }
    if (entry.type !== 'file') {
      const why = `"${name}" is not stored as a plain file`;
      throw new CriError('InvalidArgument', `cannot read image archive "${this.path}": ${why}`);
    }
    return { sourcePath: this.#file, offset: entry.offset, length: entry.size };
  }

  async read(name: string, limit: number): Promise<Buffer | undefined> {
    const slice = await this.locate(name);
    if (slice !== undefined && slice.length > limit) {
      throw tooLong(this.path, name, slice.length, limit);
    }
    return slice === undefined ? undefined : await readSlice(this.#handle, slice);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

class DirectoryFiles implements ArchiveFiles {
  readonly path: string;
  readonly #root: string;

  constructor(path: string, root: string) {
    this.path = path;
    this.#root = root;
  }

  async locate(name: string): Promise<FileSlice | undefined> {
    const inside = archivePath(name);
    const real = inside === undefined ? undefined : await this.#resolve(inside);
    if (real === undefined) {
      return undefined;
    }
    if (!real.startsWith(`${this.#root}/`)) {
      const why = `"${name}" is a link that leads outside of it`;
      throw new CriError('InvalidArgument', `cannot read image layout "${this.path}": ${why}`);
    }
    const found = await stat(real);
    return found.isFile() ? { sourcePath: real, offset: 0, length: found.size } : undefined;
  }

  async #resolve(name: string): Promise<string | undefined> {
    try {
      return await realpath(`${this.#root}/${name}`);
    } catch (error) {
      if (isAbsent(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async read(name: string, limit: number): Promise<Buffer | undefined> {
    const slice = await this.locate(name);
    if (slice === undefined) {
      return undefined;
    }
    if (slice.length > limit) {
      throw tooLong(this.path, name, slice.length, limit);
    }
    const handle = await openRegular(slice.sourcePath);
    try {
      return await readSlice(handle, slice);
    } finally {
      await handle.close();
    }
  }

  async close(): Promise<void> {
    // Nothing stays open between reads.
  }
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Opens a layout directory. */
export async function openDirectory(path: string): Promise<ArchiveFiles> {
  return new DirectoryFiles(path, await realpath(path));
}

/** Opens the uncompressed tar at `file`; `path` is what the user calls it. */
export async function openTar(path: string, file: string): Promise<ArchiveFiles> {
  const handle = await openRegular(file);
  try {
    return new TarFiles(path, file, handle, await scanTar(handle, path));
  } catch (error) {
    await handle.close();
    throw error;
  }
}
