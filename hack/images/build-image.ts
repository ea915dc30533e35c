// Builds container images in memory, for the quickstart and for tests: the same input gives the
// same bytes and digests.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { makeTar } from './tar-writer.ts';
import type { TarInput } from './tar-writer.ts';

export type LayerCompression = 'none' | 'gzip' | 'zstd';

/** The process part of an image config, in OCI's spelling. */
export interface ProcessConfig {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

/** What to build. */
export interface ImageInput {
  /** Bottom to top; entries, or a finished tar. */
  readonly layers: readonly (readonly TarInput[] | Buffer)[];
  readonly config?: ProcessConfig;
  /** Full references. */
  readonly tags?: readonly string[];
  readonly compression?: LayerCompression;
  /** Go's names; default: this machine's. */
  readonly platform?: {
    readonly os: string;
    readonly architecture: string;
    readonly variant?: string;
  };
}

/** One built layer: the blob as stored and the digests that name it. */
export interface BuiltLayer {
  readonly blob: Buffer;
  readonly tar: Buffer;
  readonly digest: string;
  readonly diffId: string;
  readonly mediaType: string;
}

/** A built image; its parts can be changed before packing to make a broken one. */
export interface BuiltImage {
  /** Config digest. */
  readonly id: string;
  readonly config: Buffer;
  readonly manifest: Buffer;
  readonly manifestDigest: string;
  readonly layers: readonly BuiltLayer[];
  readonly tags: readonly string[];
  readonly platform: {
    readonly os: string;
    readonly architecture: string;
    readonly variant?: string;
  };
}

const layerType = 'application/vnd.oci.image.layer.v1.tar';
const mediaTypes: Readonly<Record<LayerCompression, string>> = {
  none: layerType,
  gzip: `${layerType}+gzip`,
  zstd: `${layerType}+zstd`,
};

/** `sha256:<hex>` of some bytes. */
export function sha256(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Go's name of the architecture of this machine. */
export function goArchitecture(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return names[process.arch] ?? process.arch;
}

function compress(tar: Buffer, compression: LayerCompression): Buffer {
  if (compression === 'none') {
    return tar;
  }
  return compression === 'gzip' ? gzipSync(tar, { level: 6 }) : zstdCompressSync(tar);
}

function buildLayer(
  input: readonly TarInput[] | Buffer,
  compression: LayerCompression,
): BuiltLayer {
  const tar = Buffer.isBuffer(input) ? input : makeTar(input);
  const blob = compress(tar, compression);
  return {
    blob,
    tar,
    digest: sha256(blob),
    diffId: sha256(tar),
    mediaType: mediaTypes[compression],
  };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Builds config, layers and OCI manifest. */
export function buildImage(input: ImageInput): BuiltImage {
  const compression = input.compression ?? 'gzip';
  const platform = input.platform ?? { os: 'linux', architecture: goArchitecture() };
  const layers = input.layers.map((layer) => buildLayer(layer, compression));
  const config = json({
    created: '1970-01-01T00:00:00Z',
    ...platform,
    config: input.config ?? {},
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'hack/images' })),
  });
  const id = sha256(config);
  const manifest = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: id,
      size: config.length,
    },
    layers: layers.map(({ mediaType, digest, blob }) => ({ mediaType, digest, size: blob.length })),
  });
  const manifestDigest = sha256(manifest);
  return { id, config, manifest, manifestDigest, layers, tags: input.tags ?? [], platform };
}

export type ArchiveFormat = 'oci' | 'docker';

/** Files of an archive by name, in the order they are packed; a string value is a symlink. */
export type ArchiveContent = Map<string, Buffer | string>;

/** The files of an OCI layout that holds `images`. */
export function ociContent(images: readonly BuiltImage[]): ArchiveContent {
  const content: ArchiveContent = new Map();
  content.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  const manifests = images.flatMap((image) => {
    const descriptor = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: image.manifestDigest,
      size: image.manifest.length,
      platform: image.platform,
    };
    const names = image.tags.map((tag) => ({ annotations: { 'io.containerd.image.name': tag } }));
    return (names.length === 0 ? [{}] : names).map((name) => ({ ...descriptor, ...name }));
  });
  content.set(
    'index.json',
    json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests,
    }),
  );
  for (const image of images) {
    content.set(`blobs/${image.manifestDigest.replace(':', '/')}`, image.manifest);
    content.set(`blobs/${image.id.replace(':', '/')}`, image.config);
    for (const layer of image.layers) {
      content.set(`blobs/${layer.digest.replace(':', '/')}`, layer.blob);
    }
  }
  return content;
}

/** The files of a docker archive as docker save wrote it before version 25: layers linked, not repeated. */
export function dockerContent(images: readonly BuiltImage[]): ArchiveContent {
  const content: ArchiveContent = new Map();
  const firstPath = new Map<string, string>();
  const manifest = images.map((image) => {
    const configName = `${image.id.slice('sha256:'.length)}.json`;
    content.set(configName, image.config);
    const layers = image.layers.map((layer, index) => {
      const name = `${sha256(`${image.id} ${index}`).slice('sha256:'.length)}/layer.tar`;
      const stored = firstPath.get(layer.diffId);
      content.set(name, stored === undefined ? layer.tar : `../${stored}`);
      firstPath.set(layer.diffId, stored ?? name);
      return name;
    });
    return { Config: configName, RepoTags: image.tags, Layers: layers };
  });
  content.set('manifest.json', json(manifest));
  return content;
}

/** Packs files as a tar. */
export function packArchive(content: ArchiveContent): Buffer {
  const directories = new Set<string>();
  const entries: TarInput[] = [];
  for (const [name, value] of content) {
    const parts = name.split('/').slice(0, -1);
    for (const [index] of parts.entries()) {
      const directory = `${parts.slice(0, index + 1).join('/')}/`;
      if (!directories.has(directory)) {
        directories.add(directory);
        entries.push({ name: directory, type: 'directory' });
      }
    }
    entries.push(
      typeof value === 'string'
        ? { name, type: 'symlink', linkName: value }
        : { name, content: value },
    );
  }
  return makeTar(entries);
}

/** Writes the files of a layout below `directory`. */
export async function writeLayout(directory: string, content: ArchiveContent): Promise<void> {
  for (const [name, value] of content) {
    if (typeof value === 'string') {
      throw new TypeError(`cannot write layout: "${name}" is a symlink`);
    }
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), value);
  }
}

/** Builds the images and packs them into one archive. */
export function buildArchive(
  inputs: readonly ImageInput[],
  format: ArchiveFormat,
): { archive: Buffer; images: BuiltImage[] } {
  const images = inputs.map((input) => buildImage(input));
  const content = format === 'oci' ? ociContent(images) : dockerContent(images);
  return { archive: packArchive(content), images };
}
