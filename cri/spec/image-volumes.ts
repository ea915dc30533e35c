// Images as volumes: their layers, read-only, at a path of the container.
import { posix } from 'node:path';
import { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import type { CriMount } from './cri-types.ts';
import type { IdMappings } from './input.ts';
import { checkText } from './process.ts';
import { quote } from './refusal.ts';
import type { OciMount } from './types.ts';

const { MountPropagation } = runtime.v1;

/** Layers of images by the names that a request has for them, topmost first. */
export type ImageLayers = ReadonlyMap<string, readonly string[]>;

/** Whether a mount shows an image. */
export function isImageMount(mount: CriMount): boolean {
  return (mount.image ?? undefined) !== undefined || (mount.imageSubPath ?? '') !== '';
}

/** Names of the images that are to be mounted, each once. */
export function imagesToMount(mounts: readonly CriMount[]): string[] {
  return [
    ...new Set(mounts.filter((mount) => isImageMount(mount)).map((mount) => imageName(mount))),
  ];
}

function imageName(mount: CriMount): string {
  return mount.image?.image ?? '';
}

/** The error of a failed image mount: the kubelet makes its first word the pod's reason. */
export function imageMountFailed(
  code: 'InvalidArgument' | 'NotFound' | 'FailedPrecondition',
  action: string,
  why: string,
): CriError {
  return new CriError(code, `ImageVolumeMountFailed: cannot ${action}: ${why}`);
}

/**
 * The mount of an image, of the helper's own type `estiba-image`. `options`: what was asked for on
 * top. Throws InvalidArgument, each message begins with "ImageVolumeMountFailed".
 */
export function imageMount(
  mount: CriMount,
  destination: string,
  layers: ImageLayers,
  ids: IdMappings | undefined,
  options: readonly string[],
): OciMount {
  const name = imageName(mount);
  const action = `mount image ${quote(name)} at ${quote(destination)}`;
  checkImageMount(mount, action, ids);
  const found = layers.get(name);
  if (found === undefined) {
    throw imageMountFailed('NotFound', action, 'there is no such image on this node');
  }
  if (found.length === 0) {
    throw imageMountFailed('InvalidArgument', action, 'it has no layers');
  }
  const subPath = checkedSubPath(mount.imageSubPath ?? '', action);
  return {
    destination,
    type: 'estiba-image',
    source: 'image',
    options: [
      'rprivate',
      'ro',
      'nosuid',
      'nodev',
      ...options,
      ...found.map((layer) => `layer=${layer}`),
      ...(subPath === '' ? [] : [`subpath=${subPath}`]),
    ],
  };
}

function checkImageMount(mount: CriMount, action: string, ids: IdMappings | undefined): void {
  const refuse = (why: string) => imageMountFailed('InvalidArgument', action, why);
  if (imageName(mount) === '') {
    throw refuse('the request names no image');
  }
  if ((mount.hostPath ?? '') !== '') {
    throw refuse(`host_path ${quote(mount.hostPath ?? '')} is given too`);
  }
  if (mount.readonly !== true) {
    throw refuse('images are mounted with readonly only');
  }
  if (mount.propagation === MountPropagation.PROPAGATION_BIDIRECTIONAL) {
    throw refuse('its mounts are nobody else’s, so propagation cannot be bidirectional');
  }
  const isMapped = (mount.uidMappings ?? []).length + (mount.gidMappings ?? []).length > 0;
  if (isMapped && ids === undefined) {
    throw refuse('it has id mappings, but the pod has no user namespace');
  }
}

// Resolved in the image by the helper, which lets no link lead out of it.
function checkedSubPath(path: string, action: string): string {
  if (path === '') {
    return '';
  }
  const clean = posix.normalize(checkText(action, path));
  if (clean.startsWith('/') || clean === '..' || clean.startsWith('../')) {
    const why = `image_sub_path ${quote(path)} is not a path inside the image`;
    throw imageMountFailed('InvalidArgument', action, why);
  }
  return clean.replace(/\/+$/u, '');
}
