// Pods with user namespaces, as the kubelet asks for them.
import { runtime } from '../../proto/gen/cri.js';

const { NamespaceMode } = runtime.v1;

type Options = runtime.v1.NamespaceOption.$Properties;
type Sandbox = runtime.v1.PodSandboxConfig.$Properties;

/** Ids that the kubelet gives to a pod. */
export const length = 65_536;
/** The first that it gives. */
export const base = 1_048_576;

/** The ids of a pod whose root is `hostId` on the host. */
export const range = (hostId: number): runtime.v1.IDMapping.$Properties => ({
  hostId,
  containerId: 0,
  length,
});

/** What makes a pod's root `hostId`; `options` on top. */
export function mapped(hostId: number, options: Options = {}): Partial<Sandbox> {
  const ranges = [range(hostId)];
  return {
    linux: {
      securityContext: {
        namespaceOptions: {
          network: NamespaceMode.POD,
          pid: NamespaceMode.CONTAINER,
          ipc: NamespaceMode.POD,
          usernsOptions: { mode: NamespaceMode.POD, uids: ranges, gids: ranges },
          ...options,
        },
      },
    },
  };
}
