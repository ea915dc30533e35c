import type { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import type { ImagePuller } from '../images/pull/image-puller.ts';
import type { PullAuthFields } from '../images/pull/pull-backend.ts';

/**
 * Pulls an image; answers its id, the same text as Image.id and ContainerStatus.image_id. The
 * sandbox's config is not used, as containerd does not use it. A caller that gives up ends the pull
 * unless somebody else waits for the same one.
 */
export async function pullImage(
  puller: ImagePuller,
  request: runtime.v1.PullImageRequest.$Properties,
  call: { readonly signal: AbortSignal },
): Promise<runtime.v1.PullImageResponse.$Properties> {
  const name = request.image?.image ?? '';
  if (name === '') {
    throw new CriError('InvalidArgument', 'cannot pull image "": the request names none');
  }
  const auth = pullAuth(request.auth);
  const { image } = await puller.pull(name, { auth, signal: call.signal });
  return { imageRef: image.id };
}

/** AuthConfig's fields; undefined for none and for an empty one. */
export function pullAuth(
  auth: runtime.v1.AuthConfig.$Properties | null | undefined,
): PullAuthFields | undefined {
  const fields = {
    username: auth?.username ?? '',
    password: auth?.password ?? '',
    auth: auth?.auth ?? '',
    serverAddress: auth?.serverAddress ?? '',
    identityToken: auth?.identityToken ?? '',
    registryToken: auth?.registryToken ?? '',
  };
  return Object.values(fields).some((field) => field !== '') ? fields : undefined;
}
