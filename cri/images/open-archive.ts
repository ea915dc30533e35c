// From the path a user gives to the files of the archive behind it.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, stat, unlink } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { CriError, describeError, fileError } from '../core/error.ts';
import { openDirectory, openRegular, openTar } from './archive-files.ts';
import type { ArchiveFiles } from './archive-files.ts';

/** Where and how much a compressed archive may be spooled. */
export interface SpoolOptions {
  /** Directory for the uncompressed copy; made when missing. */
  readonly ingestDir: string;
  /** Bytes the uncompressed archive may have. */
  readonly maxSpoolBytes: number;
  readonly signal?: AbortSignal | undefined;
}

type WholeCompression = 'gzip' | 'zstd' | 'none';

async function detectCompression(path: string): Promise<WholeCompression> {
  const handle = await openRegular(path);
  try {
    const magic = Buffer.alloc(4);
    await handle.read(magic, 0, 4, 0);
    if (magic[0] === 0x1f && magic[1] === 0x8b) {
      return 'gzip';
    }
    return magic.equals(Buffer.from([0x28, 0xb5, 0x2f, 0xfd])) ? 'zstd' : 'none';
  } finally {
    await handle.close();
  }
}

function limitBytes(path: string, limit: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      seen += chunk.length;
      if (seen > limit) {
        const why = `it holds more than ${limit} bytes uncompressed`;
        done(new CriError('ResourceExhausted', `cannot read image archive "${path}": ${why}`));
      } else {
        done(null, chunk);
      }
    },
  });
}

async function spool(path: string, kind: 'gzip' | 'zstd', options: SpoolOptions): Promise<string> {
  const target = join(options.ingestDir, `${randomUUID()}.tar`);
  try {
    await mkdir(options.ingestDir, { recursive: true, mode: 0o700 });
    await pipeline(
      createReadStream(path),
      kind === 'gzip' ? createGunzip() : createZstdDecompress(),
      limitBytes(path, options.maxSpoolBytes),
      createWriteStream(target, { flags: 'wx', mode: 0o600 }),
      options.signal === undefined ? {} : { signal: options.signal },
    );
  } catch (error) {
    await unlink(target).catch(() => undefined);
    throw spoolError(path, kind, target, error);
  }
  return target;
}

function spoolError(path: string, kind: string, target: string, error: unknown): CriError {
  if (error instanceof CriError) {
    return error;
  }
  const { name, code } = error as NodeJS.ErrnoException;
  const what = `cannot uncompress image archive "${path}" (${kind})`;
  if (name === 'AbortError') {
    return new CriError('Canceled', `${what}: the caller gave up`, { cause: error });
  }
  // The system's words are about the copy, the decompressor's about the archive.
  return code?.startsWith('E') === true && !code.startsWith('ERR_')
    ? fileError(`uncompress image archive "${path}" (${kind}) into "${target}"`, error)
    : new CriError('InvalidArgument', `${what}: ${describeError(error)}`, { cause: error });
}

/** Takes the spool file away together with the archive. */
function withSpool(files: ArchiveFiles, spoolPath: string): ArchiveFiles {
  return {
    path: files.path,
    locate: (name) => files.locate(name),
    read: (name, limit) => files.read(name, limit),
    close: async () => {
      await files.close();
      await unlink(spoolPath);
    },
  };
}

/**
 * Opens an archive (tar, or tar compressed as a whole by gzip or zstd) or a layout directory.
 * A compressed archive is spooled; close() removes that copy.
 * Throws NotFound, InvalidArgument, ResourceExhausted or Canceled.
 */
export async function openArchive(path: string, options: SpoolOptions): Promise<ArchiveFiles> {
  let found;
  try {
    found = await stat(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const kind = code === 'ENOENT' || code === 'ENOTDIR' ? 'NotFound' : 'InvalidArgument';
    const why = kind === 'NotFound' ? 'no such file' : describeError(cause);
    throw new CriError(kind, `cannot read image archive "${path}": ${why}`, { cause });
  }
  if (found.isDirectory()) {
    return await openDirectory(path);
  }
  const compression = await detectCompression(path);
  if (compression === 'none') {
    return await openTar(path, path);
  }
  const spooled = await spool(path, compression, options);
  try {
    return withSpool(await openTar(path, spooled), spooled);
  } catch (error) {
    await unlink(spooled);
    throw error;
  }
}
