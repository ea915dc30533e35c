// What the bytes of a manifest are, before anything in them is believed.
import { createHash, timingSafeEqual } from 'node:crypto';
import { CriError } from '../core/error.ts';
import { hashFor } from './blob-stream.ts';
import { indexTypes, manifestTypes } from './oci-documents.ts';
import { RegistryError } from './registry-error.ts';

/** Old and foreign formats, by the name that a user may search for. */
const refusedTypes: Readonly<Record<string, string>> = {
  'application/vnd.docker.distribution.manifest.v1+json': 'Docker schema 1',
  'application/vnd.docker.distribution.manifest.v1+prettyjws': 'Docker schema 1 (signed)',
  'application/vnd.oci.artifact.manifest.v1+json': 'an OCI artifact manifest',
  'application/vnd.docker.plugin.v1+json': 'a Docker plugin',
};

/** Content types of servers that do not know what they serve. */
export const vagueTypes: readonly string[] = [
  '',
  'application/json',
  'application/octet-stream',
  'text/plain',
];

/** Throws RegistryError unless the bytes have the size and digest that were promised. */
export function verifyBytes(
  bytes: Buffer,
  promised: { readonly digest: string; readonly size: number },
  what: string,
  host: string,
): void {
  if (bytes.length !== promised.size) {
    const why = `"${host}" sent ${bytes.length} bytes, promised were ${promised.size}`;
    throw new RegistryError('FailedPrecondition', `cannot ${what}: ${why}`, { host });
  }
  const algorithm = promised.digest.slice(0, promised.digest.indexOf(':'));
  const actual = hashFor(promised.digest).update(bytes).digest();
  const wanted = Buffer.from(promised.digest.slice(algorithm.length + 1), 'hex');
  if (actual.length !== wanted.length || !timingSafeEqual(actual, wanted)) {
    const found = `${algorithm}:${actual.toString('hex')}`;
    const why = `what "${host}" sent has the digest "${found}"`;
    throw new RegistryError('FailedPrecondition', `cannot ${what}: ${why}`, { host });
  }
}

/** Says whether a media type is an index or list. */
export function isIndexType(mediaType: string): boolean {
  return indexTypes.includes(mediaType);
}

/** Throws Unimplemented, by name, for a type that is neither an image's manifest nor an index. */
export function requireManifestType(mediaType: string, what: string): void {
  if (!manifestTypes.includes(mediaType) && !indexTypes.includes(mediaType)) {
    const name = refusedTypes[mediaType];
    const why =
      name === undefined
        ? `the type "${mediaType}" is not supported (neither an image manifest nor an index)`
        : `${name} ("${mediaType}") is not supported`;
    throw new CriError('Unimplemented', `cannot ${what}: ${why}`);
  }
}

/**
 * Returns digest and media type of a document: what the server calls it, or, when the server is
 * vague, what the document calls itself, or what its shape says. Throws Unimplemented for types that
 * are not images.
 */
export function mediaTypeOf(
  bytes: Buffer,
  contentType: string,
  algorithm: string,
  what: string,
): { digest: string; mediaType: string } {
  const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
  const mediaType = vagueTypes.includes(contentType) ? typeByContent(bytes, what) : contentType;
  requireManifestType(mediaType, what);
  return { digest, mediaType };
}

function typeByContent(bytes: Buffer, what: string): string {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new CriError('InvalidArgument', `cannot ${what}: the answer is not JSON`);
  }
  const fields = typeof value === 'object' && value !== null ? value : {};
  if ('mediaType' in fields && typeof fields.mediaType === 'string') {
    return fields.mediaType;
  }
  if ('schemaVersion' in fields && fields.schemaVersion === 1) {
    return 'application/vnd.docker.distribution.manifest.v1+json';
  }
  if ('manifests' in fields) {
    return 'application/vnd.oci.image.index.v1+json';
  }
  if ('config' in fields && 'layers' in fields) {
    return 'application/vnd.oci.image.manifest.v1+json';
  }
  throw new CriError('Unimplemented', `cannot ${what}: the answer is not a manifest`);
}
