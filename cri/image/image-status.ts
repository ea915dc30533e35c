import type { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import type { ImageStore } from '../images/image-store.ts';
import type { Image } from '../images/image.ts';
import type { ImageDeps } from './handlers.ts';
import { imageMessage } from './image-message.ts';

/**
 * Tells one image; an absent one is an answer without image, not an error. Memory only, except that
 * `verbose` reads the image's config for `info["info"]`: JSON with chainID and imageSpec.
 */
export async function imageStatus(
  { images, pinned }: ImageDeps,
  request: runtime.v1.ImageStatusRequest.$Properties,
): Promise<runtime.v1.ImageStatusResponse.$Properties> {
  const name = request.image?.image ?? '';
  if (name === '') {
    throw new CriError('InvalidArgument', 'cannot find image "": the request names none');
  }
  const image = images.resolve(name);
  if (image === undefined) {
    return {};
  }
  const answer = { image: imageMessage(image, pinned) };
  return request.verbose === true ? { ...answer, info: await verboseInfo(images, image) } : answer;
}

async function verboseInfo(images: ImageStore, image: Image): Promise<Record<string, string>> {
  const imageSpec: unknown = JSON.parse((await images.readConfig(image.id)).toString('utf8'));
  const lowerDirs = images.lowerDirs(image.id);
  return { info: JSON.stringify({ chainID: image.chainId, imageSpec, lowerDirs }) };
}
