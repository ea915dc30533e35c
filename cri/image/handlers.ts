// Which function answers which call of ImageService and NodeService. StreamImages is not here: the
// server answers Unimplemented for it, naming the feature.
import type { runtime } from '../../proto/gen/cri.js';
import type { estiba } from '../../proto/gen/node.js';
import type { ImageStore } from '../images/image-store.ts';
import type { ImagePuller } from '../images/pull/image-puller.ts';
import { explainImage } from './explain-image.ts';
import { imageFsInfo } from './image-fs-info.ts';
import { imageStatus } from './image-status.ts';
import { importImages } from './import-images.ts';
import { listImages } from './list-images.ts';
import type { PinnedImages } from './pinned-images.ts';
import { pullImage } from './pull-image.ts';
import { pullWithProgress } from './pull-with-progress.ts';
import { removeImage } from './remove-image.ts';

/** What these calls work with. */
export interface ImageDeps {
  readonly images: ImageStore;
  readonly puller: ImagePuller;
  readonly pinned: PinnedImages;
}

type V1 = typeof runtime.v1;
type Request<Name extends keyof V1> = V1[Name] extends {
  decode(bytes: Uint8Array): infer Message;
}
  ? Message
  : never;

/** The ImageService calls there are so far. */
export interface ImageServiceHandlers {
  listImages(
    request: Request<'ListImagesRequest'>,
  ): Promise<runtime.v1.ListImagesResponse.$Properties>;
  pullImage(
    request: Request<'PullImageRequest'>,
    call: { readonly signal: AbortSignal },
  ): Promise<runtime.v1.PullImageResponse.$Properties>;
  imageStatus(
    request: Request<'ImageStatusRequest'>,
  ): Promise<runtime.v1.ImageStatusResponse.$Properties>;
  removeImage(request: Request<'RemoveImageRequest'>): Promise<Record<string, never>>;
  imageFsInfo(): Promise<runtime.v1.ImageFsInfoResponse.$Properties>;
}

/** The NodeService calls. */
export interface NodeServiceHandlers {
  importImages(
    request: estiba.node.v1.ImportImagesRequest.$Properties,
    call: { readonly signal: AbortSignal },
  ): AsyncIterable<estiba.node.v1.ImportProgress.$Properties>;
  pullImage(
    request: estiba.node.v1.PullImageRequest.$Properties,
    call: { readonly signal: AbortSignal },
  ): AsyncIterable<estiba.node.v1.PullProgress.$Properties>;
  explainImage(
    request: estiba.node.v1.ExplainImageRequest.$Properties,
    call: { readonly signal: AbortSignal },
  ): Promise<estiba.node.v1.ExplainImageResponse.$Properties>;
}

export function imageServiceHandlers(deps: ImageDeps): ImageServiceHandlers {
  const { images, puller } = deps;
  return {
    listImages: (request) => listImages(deps, request),
    pullImage: (request, call) => pullImage(puller, request, call),
    imageStatus: (request) => imageStatus(deps, request),
    removeImage: (request) => removeImage(images, request),
    imageFsInfo: () => imageFsInfo(images),
  };
}

export function nodeServiceHandlers({
  images,
  puller,
}: Pick<ImageDeps, 'images' | 'puller'>): NodeServiceHandlers {
  return {
    importImages: (request, call) => importImages(images, request, call),
    pullImage: (request, call) => pullWithProgress(puller, request, call),
    explainImage: (request, call) => explainImage(puller, request, call),
  };
}
