// From a reference to everything about an image but its layers.
import { CriError } from '../core/error.ts';
import {
  indexTypes,
  manifestTypes,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from './oci-documents.ts';
import type { Descriptor, ImageConfig, ImageManifest } from './oci-documents.ts';
import { isIndexType, requireManifestType } from './manifest-bytes.ts';
import { choosePlatform, requirePlatform } from './platform.ts';
import type { HostPlatform } from './platform.ts';
import { formatReference } from '../core/image-reference.ts';
import type { RegistryClient, Resolved } from './registry-client.ts';

export interface RemoteImage {
  /** What the reference stands for, index or manifest: the digest of RepoDigests. */
  readonly digest: string;
  readonly manifestDigest: string;
  readonly manifest: ImageManifest;
  readonly manifestBytes: Buffer;
  /** Its digest is the image's id. */
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
  /** Bytes of manifest, config and layers as the registry has them. */
  readonly size: number;
}

/** An index may name an index, for instance per variant; no more than that. */
const maxDepth = 2;
const maxConfigBytes = 4 * 1024 * 1024;

/**
 * Follows a resolved reference through its index, if it is one, to the manifest for `host` and the
 * image's config. Everything is checked against its digest before it is read. Throws
 * FailedPrecondition when there is none for the host, Unimplemented for what is not an image.
 */
export async function resolveImage(
  client: RegistryClient,
  resolved: Resolved,
  host: HostPlatform,
  signal?: AbortSignal,
): Promise<RemoteImage> {
  const name = formatReference(client.reference);
  let current: Descriptor = { ...resolved, annotations: {} };
  let bytes = resolved.bytes;
  for (let depth = 0; ; depth += 1) {
    const what = `manifest "${current.digest}" of image "${name}"`;
    requireManifestType(current.mediaType, `use ${what}`);
    bytes ??= await client.fetchManifest(current, signal);
    if (!isIndexType(current.mediaType)) {
      return await readImage(client, { ...resolved, current, bytes, what, name }, host, signal);
    }
    if (depth >= maxDepth) {
      const message = `cannot use ${what}: indexes are nested more than ${maxDepth} deep`;
      throw new CriError('FailedPrecondition', message);
    }
    current = chooseManifest(parseIndex(bytes, current.mediaType, what).manifests, host, what);
    bytes = undefined;
  }
}

/** Chooses among the images of an index; signatures, attestations and other artifacts are no candidates. */
function chooseManifest(
  manifests: readonly Descriptor[],
  host: HostPlatform,
  what: string,
): Descriptor {
  const images = manifests.filter(
    ({ mediaType, annotations }) =>
      [...manifestTypes, ...indexTypes].includes(mediaType) &&
      annotations['vnd.docker.reference.type'] !== 'attestation-manifest',
  );
  return choosePlatform(host, images, what);
}

interface Found {
  readonly digest: string;
  readonly current: Descriptor;
  readonly bytes: Buffer;
  readonly what: string;
  readonly name: string;
}

async function readImage(
  client: RegistryClient,
  { digest, current, bytes, what, name }: Found,
  host: HostPlatform,
  signal: AbortSignal | undefined,
): Promise<RemoteImage> {
  const manifest = parseManifest(bytes, current.mediaType, what);
  const configBytes = await client.fetchBlob(manifest.config, maxConfigBytes, signal);
  const config = parseImageConfig(configBytes, `config of image "${name}"`);
  requirePlatform(host, config, `image "${name}"`);
  const { diff_ids: diffIds } = config.rootfs;
  if (diffIds.length !== manifest.layers.length) {
    const why = `its config has ${diffIds.length} diff ids for ${manifest.layers.length} layers`;
    throw new CriError('InvalidArgument', `cannot use image "${name}": ${why}`);
  }
  const layersSize = manifest.layers.reduce((sum, layer) => sum + layer.size, 0);
  return {
    digest,
    manifestDigest: current.digest,
    manifest,
    manifestBytes: bytes,
    config,
    configBytes,
    size: bytes.length + configBytes.length + layersSize,
  };
}
