import type { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { imageUser } from '../images/image.ts';
import type { Image } from '../images/image.ts';
import type { PinnedImages } from './pinned-images.ts';

/** An image as CRI tells it. */
export function imageMessage(image: Image, pinned: PinnedImages): runtime.v1.Image.$Properties {
  const { uid, username } = imageUser(image.config);
  return {
    id: image.id,
    repoTags: [...image.repoTags],
    repoDigests: [...image.repoDigests],
    size: toLong(image.size),
    ...(uid === undefined ? {} : { uid: { value: toLong(uid) } }),
    username,
    // The kubelet takes the image's name from here when it keeps images by runtime handler.
    spec: { image: image.id },
    pinned: pinned.has(image),
  };
}
