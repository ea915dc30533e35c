import type { runtime } from '../../proto/gen/cri.js';
import type { ImageDeps } from './handlers.ts';
import { imageMessage } from './image-message.ts';

/**
 * Lists all images, or the one that the filter names: by id, unique id prefix, tag, name or digest
 * reference; none when there is no such image. Memory only.
 */
export async function listImages(
  { images, pinned }: ImageDeps,
  request: runtime.v1.ListImagesRequest.$Properties,
): Promise<runtime.v1.ListImagesResponse.$Properties> {
  const name = request.filter?.image?.image ?? '';
  if (name === '') {
    return { images: images.list().map((image) => imageMessage(image, pinned)) };
  }
  const image = images.resolve(name);
  return { images: image === undefined ? [] : [imageMessage(image, pinned)] };
}
