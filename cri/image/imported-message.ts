import type { estiba } from '../../proto/gen/node.js';
import { toLong } from '../../proto/long.ts';
import type { ImportedImage } from '../images/image-store.ts';

/** A new image as node/v1 tells it. */
export function importedMessage({
  image,
  layersPresent,
  layersUnpacked,
}: ImportedImage): estiba.node.v1.ImportedImage.$Properties {
  return {
    id: image.id,
    repoTags: [...image.repoTags],
    repoDigests: [...image.repoDigests],
    size: toLong(image.size),
    layersPresent,
    layersUnpacked,
  };
}
