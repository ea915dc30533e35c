// One image inside an archive: what is known of it, and how its files are fetched and checked.
import { createHash } from 'node:crypto';
import { CriError } from '../core/error.ts';
import { MAX_DOCUMENT_BYTES } from './archive-files.ts';
import type { ArchiveFiles, FileSlice } from './archive-files.ts';
import type { ImageConfig } from '../registry/oci-documents.ts';

/** One layer of an image to import. */
export interface LayerSource {
  readonly slice: FileSlice;
  /** Digest of the blob as stored; "" where the archive gives none. */
  readonly digest: string;
  /** Digest of the uncompressed tar, from the image's config. */
  readonly diffId: string;
}

/** An image found in an archive, its documents checked against their digests. */
export interface ArchiveImage {
  /** Config digest. */
  readonly id: string;
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
  /** The manifest as it stands in the archive; undefined in a docker archive, which has none. */
  readonly manifestBytes: Buffer | undefined;
  /** Digest of what a name points to (index or manifest); undefined in a docker archive. */
  readonly targetDigest: string | undefined;
  /** Normalised references with tag. */
  readonly tags: readonly string[];
  /** Tags without a repository ("latest"), for a base name given by the user. */
  readonly bareTags: readonly string[];
  /** Bottom to top. */
  readonly layers: readonly LayerSource[];
}

/** Digest of `bytes` with the algorithm of `like` ("sha512:..."); sha256 by default. */
export function digestOf(bytes: Buffer, like = 'sha256:'): string {
  const algorithm = like.slice(0, like.indexOf(':'));
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Reads a document; throws InvalidArgument naming it when the archive does not hold it. */
export async function readDocument(files: ArchiveFiles, name: string): Promise<Buffer> {
  const bytes = await files.read(name, MAX_DOCUMENT_BYTES);
  if (bytes === undefined) {
    throw missing(files, name);
  }
  return bytes;
}

/** Locates a layer; throws InvalidArgument naming it when the archive does not hold it. */
export async function locateLayer(files: ArchiveFiles, name: string): Promise<FileSlice> {
  const slice = await files.locate(name);
  if (slice === undefined) {
    throw missing(files, name);
  }
  if (slice.length === 0) {
    const why = `layer "${name}" is empty`;
    throw new CriError('InvalidArgument', `cannot import "${files.path}": ${why}`);
  }
  return slice;
}

function missing(files: ArchiveFiles, name: string): CriError {
  return new CriError('InvalidArgument', `cannot import "${files.path}": it has no file "${name}"`);
}

/** Throws InvalidArgument unless manifest and config name the same number of layers. */
export function requireSameCount(what: string, layers: number, diffIds: number): void {
  if (layers !== diffIds) {
    const why = `it has ${layers} layers, its config names ${diffIds}`;
    throw new CriError('InvalidArgument', `cannot use ${what}: ${why}`);
  }
}
