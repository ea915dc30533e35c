// Archives of `docker save` and `podman save`: manifest.json, also in the layout of old versions.
import { CriError } from '../core/error.ts';
import { archivePath } from './tar-index.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { digestOf, locateLayer, readDocument, requireSameCount } from './archive-image.ts';
import type { ArchiveImage, LayerSource } from './archive-image.ts';
import { parseDockerManifest, parseImageConfig } from '../registry/oci-documents.ts';
import type { DockerImage } from '../registry/oci-documents.ts';
import { requirePlatform } from '../registry/platform.ts';
import type { HostPlatform } from '../registry/platform.ts';
import { parseTag } from '../core/image-reference.ts';

const contentName = /^(?:blobs\/sha256\/([a-f0-9]{64})|([a-f0-9]{64})(?:\.json)?)$/;

/** The digest that a file's name promises; "" when it promises none. */
function promisedDigest(name: string): string {
  const match = contentName.exec(name);
  const hex = match?.[1] ?? match?.[2];
  return hex === undefined ? '' : `sha256:${hex}`;
}

function insidePath(files: ArchiveFiles, name: string): string {
  const inside = archivePath(name);
  if (inside === undefined || inside === '') {
    const why = `manifest.json names the file "${name}", which leads outside of it`;
    throw new CriError('InvalidArgument', `cannot import "${files.path}": ${why}`);
  }
  return inside;
}

async function readDockerImage(
  files: ArchiveFiles,
  image: DockerImage,
  host: HostPlatform,
): Promise<ArchiveImage> {
  const configName = insidePath(files, image.Config);
  const configBytes = await readDocument(files, configName);
  const id = digestOf(configBytes);
  const promised = promisedDigest(configName);
  if (promised !== '' && promised !== id) {
    const why = `config "${configName}" has digest ${id}`;
    throw new CriError('InvalidArgument', `cannot import "${files.path}": ${why}`);
  }
  const what = `image "${image.RepoTags[0] ?? id}" of "${files.path}"`;
  const config = parseImageConfig(configBytes, `config of ${what}`);
  requirePlatform(host, config, what);
  requireSameCount(what, image.Layers.length, config.rootfs.diff_ids.length);
  const layers: LayerSource[] = [];
  for (const [index, diffId] of config.rootfs.diff_ids.entries()) {
    const name = insidePath(files, image.Layers[index] ?? '');
    // Only blobs/ is addressed by the stored bytes; "<hex>.tar" is named by the diff id or at random.
    const digest = name.startsWith('blobs/') ? promisedDigest(name) : '';
    layers.push({ slice: await locateLayer(files, name), digest, diffId });
  }
  const tags = image.RepoTags.flatMap((tag) => parseTag(tag) ?? []);
  return {
    id,
    config,
    configBytes,
    manifestBytes: undefined,
    targetDigest: undefined,
    tags,
    bareTags: [],
    layers,
  };
}

/** Returns the images of a docker archive whose manifest.json is `manifest`. */
export async function readDockerImages(
  files: ArchiveFiles,
  manifest: Buffer,
  host: HostPlatform,
): Promise<ArchiveImage[]> {
  const images = parseDockerManifest(manifest, `manifest.json of "${files.path}"`);
  const found: ArchiveImage[] = [];
  for (const image of images) {
    found.push(await readDockerImage(files, image, host));
  }
  return found;
}
