// The list calls: memory only. They answer with the encoded response, put together from one cached
// encoding per object.
import type { runtime } from '../../proto/gen/cri.js';
import type { Deps } from './deps.ts';

/** The encoded ListPodSandboxResponse. Filters as CRI defines them; ids may be unique prefixes. */
export function listPodSandbox(
  deps: Deps,
  request: runtime.v1.ListPodSandboxRequest.$Properties,
): Uint8Array {
  return deps.store.sandboxes.encodeList(request.filter);
}

/** The encoded ListContainersResponse. Filters as CRI defines them; ids may be unique prefixes. */
export function listContainers(
  deps: Deps,
  request: runtime.v1.ListContainersRequest.$Properties,
): Uint8Array {
  return deps.store.containers.encodeList(request.filter);
}
