// OCI image layouts (also inside a tar): index.json, nested indexes, manifests, platforms, names.
import { CriError } from '../core/error.ts';
import { MAX_DOCUMENT_BYTES } from './archive-files.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { digestOf, locateLayer, readDocument, requireSameCount } from './archive-image.ts';
import type { ArchiveImage, LayerSource } from './archive-image.ts';
import {
  checkLayoutVersion,
  indexTypes,
  manifestTypes,
  parseDockerManifest,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from '../registry/oci-documents.ts';
import type { Descriptor } from '../registry/oci-documents.ts';
import { choosePlatform, requirePlatform } from '../registry/platform.ts';
import type { HostPlatform } from '../registry/platform.ts';
import { parseTag } from '../core/image-reference.ts';

const REF_NAME = 'org.opencontainers.image.ref.name';
const IMAGE_NAME = 'io.containerd.image.name';
const MAX_NESTING = 3;

/** Descriptors of index.json that are one image for several platforms, and what it is called. */
interface NamedGroup {
  readonly tags: string[];
  readonly bareTags: string[];
  readonly candidates: Descriptor[];
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

async function readBlob(files: ArchiveFiles, descriptor: Descriptor): Promise<Buffer> {
  const bytes = await readDocument(files, blobName(descriptor.digest));
  if (bytes.length !== descriptor.size) {
    const why = `blob ${descriptor.digest} has ${bytes.length} bytes, announced were ${descriptor.size}`;
    throw new CriError('InvalidArgument', `cannot import "${files.path}": ${why}`);
  }
  const actual = digestOf(bytes, descriptor.digest);
  if (actual !== descriptor.digest) {
    const why = `blob ${descriptor.digest} has digest ${actual}`;
    throw new CriError('InvalidArgument', `cannot import "${files.path}": ${why}`);
  }
  return bytes;
}

/** Attestations and signatures ride along in indexes; they are not images. */
function isAttachment(descriptor: Descriptor): boolean {
  return (
    descriptor.annotations['vnd.docker.reference.type'] !== undefined ||
    (descriptor.platform?.os === 'unknown' && descriptor.platform.architecture === 'unknown')
  );
}

/** The name of a descriptor: a full reference, a tag alone, or none. */
function nameOf(descriptor: Descriptor): { tag?: string; bareTag?: string } {
  const full = descriptor.annotations[IMAGE_NAME];
  if (full !== undefined && full !== '') {
    return tagOrNothing(full);
  }
  const name = descriptor.annotations[REF_NAME];
  if (name === undefined || name === '') {
    return {};
  }
  return /[/:@]/.test(name) ? tagOrNothing(name) : { bareTag: name };
}

function tagOrNothing(name: string): { tag?: string } {
  const tag = parseTag(name);
  return tag === undefined ? {} : { tag };
}

function groupByName(manifests: readonly Descriptor[]): NamedGroup[] {
  const groups = new Map<string, NamedGroup>();
  for (const descriptor of manifests) {
    if (isAttachment(descriptor)) {
      continue;
    }
    const { tag, bareTag } = nameOf(descriptor);
    // Without name: entries with a platform are one image, each of the others is one of its own.
    const anonymous = descriptor.platform === undefined ? descriptor.digest : 'by platform';
    const key = `${tag ?? ''} ${bareTag ?? ''} ${tag ?? bareTag ?? anonymous}`;
    const group = groups.get(key) ?? {
      tags: tag === undefined ? [] : [tag],
      bareTags: bareTag === undefined ? [] : [bareTag],
      candidates: [],
    };
    group.candidates.push(descriptor);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Follows nested indexes down to the manifest for the host. */
async function findManifest(
  files: ArchiveFiles,
  start: Descriptor,
  host: HostPlatform,
): Promise<Descriptor> {
  let descriptor = start;
  for (let depth = 0; indexTypes.includes(descriptor.mediaType); depth++) {
    const what = `index ${descriptor.digest} of "${files.path}"`;
    if (depth >= MAX_NESTING) {
      const why = `more than ${MAX_NESTING} indexes inside each other`;
      throw new CriError('InvalidArgument', `cannot use ${what}: ${why}`);
    }
    const index = parseIndex(await readBlob(files, descriptor), descriptor.mediaType, what);
    const candidates = index.manifests.filter((each) => !isAttachment(each));
    descriptor = choosePlatform(host, candidates, what);
  }
  if (!manifestTypes.includes(descriptor.mediaType)) {
    const why = `the manifest type "${descriptor.mediaType}" is not supported`;
    throw new CriError('Unimplemented', `cannot import "${files.path}": ${why}`);
  }
  return descriptor;
}

async function readImage(
  files: ArchiveFiles,
  group: NamedGroup,
  host: HostPlatform,
): Promise<ArchiveImage> {
  const target = choosePlatform(host, group.candidates, `index.json of "${files.path}"`);
  const descriptor = await findManifest(files, target, host);
  const what = `image ${descriptor.digest} of "${files.path}"`;
  const manifestBytes = await readBlob(files, descriptor);
  const manifest = parseManifest(manifestBytes, descriptor.mediaType, `manifest of ${what}`);
  if (!manifest.config.digest.startsWith('sha256:')) {
    const why = `its config digest "${manifest.config.digest}" is not sha256`;
    throw new CriError('Unimplemented', `cannot use ${what}: ${why}`);
  }
  const configBytes = await readBlob(files, manifest.config);
  const config = parseImageConfig(configBytes, `config of ${what}`);
  requirePlatform(host, config, what);
  const diffIds = config.rootfs.diff_ids;
  requireSameCount(what, manifest.layers.length, diffIds.length);
  const layers: LayerSource[] = [];
  for (const [index, layer] of manifest.layers.entries()) {
    layers.push(await locateBlob(files, layer, diffIds[index] ?? ''));
  }
  return {
    id: manifest.config.digest,
    config,
    configBytes,
    manifestBytes,
    targetDigest: target.digest,
    tags: group.tags,
    bareTags: group.bareTags,
    layers,
  };
}

async function locateBlob(
  files: ArchiveFiles,
  layer: Descriptor,
  diffId: string,
): Promise<LayerSource> {
  if (!layer.digest.startsWith('sha256:')) {
    const why = `layer digest "${layer.digest}" is not sha256`;
    throw new CriError('Unimplemented', `cannot import "${files.path}": ${why}`);
  }
  const slice = await locateLayer(files, blobName(layer.digest));
  if (slice.length !== layer.size) {
    const why = `layer ${layer.digest} has ${slice.length} bytes, announced were ${layer.size}`;
    throw new CriError('InvalidArgument', `cannot import "${files.path}": ${why}`);
  }
  return { slice, digest: layer.digest, diffId };
}

/** docker save (25 and later) writes both forms; only manifest.json has every full name there. */
function addDockerTags(
  files: ArchiveFiles,
  images: ArchiveImage[],
  dockerManifest: Buffer,
): ArchiveImage[] {
  const entries = parseDockerManifest(dockerManifest, `manifest.json of "${files.path}"`);
  return images.map((image) => {
    const hex = image.id.slice('sha256:'.length);
    const names = entries
      .filter((entry) => entry.Config === `blobs/sha256/${hex}` || entry.Config === `${hex}.json`)
      .flatMap((entry) => entry.RepoTags.flatMap((tag) => parseTag(tag) ?? []));
    return { ...image, tags: [...new Set([...image.tags, ...names])] };
  });
}

/** Joins entries of one image under several names (they share manifest and target). */
function mergeByTarget(images: readonly ArchiveImage[]): ArchiveImage[] {
  const merged = new Map<string, ArchiveImage>();
  for (const image of images) {
    const key = `${image.id} ${image.targetDigest ?? ''}`;
    const before = merged.get(key);
    merged.set(key, {
      ...image,
      tags: [...new Set([...(before?.tags ?? []), ...image.tags])],
      bareTags: [...new Set([...(before?.bareTags ?? []), ...image.bareTags])],
    });
  }
  return [...merged.values()];
}

/** Returns the images of a layout whose index.json is `indexBytes`. */
export async function readOciImages(
  files: ArchiveFiles,
  indexBytes: Buffer,
  dockerManifest: Buffer | undefined,
  host: HostPlatform,
): Promise<ArchiveImage[]> {
  const layout = await files.read('oci-layout', MAX_DOCUMENT_BYTES);
  if (layout !== undefined) {
    checkLayoutVersion(layout, `oci-layout of "${files.path}"`);
  }
  const index = parseIndex(indexBytes, indexTypes[0] ?? '', `index.json of "${files.path}"`);
  const groups = groupByName(index.manifests);
  if (groups.length === 0) {
    throw new CriError(
      'InvalidArgument',
      `cannot import "${files.path}": index.json names no image`,
    );
  }
  const images: ArchiveImage[] = [];
  for (const group of groups) {
    images.push(await readImage(files, group, host));
  }
  const merged = mergeByTarget(images);
  return dockerManifest === undefined ? merged : addDockerTags(files, merged, dockerManifest);
}
