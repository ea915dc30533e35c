import type { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import type { ImageStore } from '../images/image-store.ts';

/**
 * Removes the image that the request names, with all its names; an absent one is fine. The image is
 * gone from every answer at once; its layers stay as long as a container uses them.
 */
export async function removeImage(
  images: ImageStore,
  request: runtime.v1.RemoveImageRequest.$Properties,
): Promise<Record<string, never>> {
  const name = request.image?.image ?? '';
  if (name === '') {
    throw new CriError('InvalidArgument', 'cannot remove image "": the request names none');
  }
  await images.remove(name);
  return {};
}
