// The images of a container: the one it runs and those it mounts.
import { CriError } from '../core/error.ts';
import type { ContainerId } from '../core/ids.ts';
import type { Image } from '../images/image.ts';
import type { ContainerConfig, CriMount } from '../spec/cri-types.ts';
import { imagesToMount } from '../spec/image-volumes.ts';
import type { Deps } from './deps.ts';

/** Images that are mounted as volumes, by the names in the request. */
export type MountedImages = ReadonlyMap<
  string,
  { readonly id: string; readonly layers: readonly string[] }
>;

/** The image that a container runs. Throws NotFound. */
export function requestedImage(deps: Deps, config: ContainerConfig): Image {
  const name = config.image?.image ?? '';
  const image = name === '' ? undefined : deps.images.resolve(name);
  if (image === undefined) {
    const why = name === '' ? 'the request names no image' : 'there is no such image on this node';
    throw new CriError('NotFound', `cannot use image "${name}": ${why}`);
  }
  return image;
}

/**
 * The images that are on this node among those to be mounted; their layers stay until the images of
 * the container are released. What is not there is left out, for the spec to refuse.
 */
export function acquireMountedImages(
  deps: Deps,
  id: ContainerId,
  config: ContainerConfig,
): MountedImages {
  const found = imagesToMount(config.mounts ?? []).flatMap((name) => {
    const image = name === '' ? undefined : deps.images.resolve(name);
    return image === undefined
      ? []
      : [[name, { id: image.id, layers: deps.images.acquire(id, image.id) }] as const];
  });
  return new Map(found);
}

/** The mounts for the status: as they came, with the image that a volume shows. */
export function shownMounts(mounts: readonly CriMount[], volumes: MountedImages): CriMount[] {
  return mounts.map((mount) => {
    const image = mount.image;
    const shown = volumes.get(image?.image ?? '');
    if (image === null || image === undefined || shown === undefined) {
      return mount;
    }
    const asked = image.imageRef ?? '';
    return { ...mount, image: { ...image, imageRef: asked === '' ? shown.id : asked } };
  });
}
