// The calls about the node itself: Version, Status, RuntimeConfig, UpdateRuntimeConfig.
import { runtime } from '../../proto/gen/cri.js';
import { describeError } from '../core/error.ts';
import type { Deps } from './deps.ts';

/** Part of every `containerID` in the cluster; must never change. */
export const runtimeName = 'estiba';

/** CRI's own version negotiation: "0.1.0" is the only value there has ever been. */
export async function version(deps: Deps): Promise<runtime.v1.VersionResponse.$Properties> {
  return {
    version: '0.1.0',
    runtimeName,
    runtimeVersion: deps.version,
    runtimeApiVersion: 'v1',
  };
}

/** Node conditions and features, from memory and the CNI directories; waits for no program. */
export async function status(
  deps: Deps,
  request: runtime.v1.StatusRequest.$Properties,
): Promise<runtime.v1.StatusResponse.$Properties> {
  const network = await deps.network.status();
  return {
    status: {
      conditions: [
        { type: 'RuntimeReady', status: true, reason: '', message: '' },
        {
          type: 'NetworkReady',
          status: network.ready,
          reason: network.reason,
          message: network.message,
        },
      ],
    },
    runtimeHandlers: deps.handlers.names.map((name) => ({
      name,
      features: deps.handlers.featuresOf(name),
    })),
    features: {
      supplementalGroupsPolicy: true,
      userNamespacesHostNetwork: deps.host.spec.userNamespacesProblem === '',
      mountOptions: true,
    },
    ...(request.verbose === true ? { info: await verboseInfo(deps) } : {}),
  };
}

async function verboseInfo(deps: Deps): Promise<Record<string, string>> {
  const launcher = await deps.launcher
    .ping()
    .catch((error: unknown) => ({ problem: describeError(error) }));
  const { conflist, file, problems } = await deps.network.config();
  return {
    config: JSON.stringify(deps.config),
    cniconfig: JSON.stringify({ file: file ?? null, conflist: conflist ?? null, problems }),
    host: JSON.stringify(deps.host),
    launcher: JSON.stringify(launcher),
    counts: JSON.stringify({
      sandboxes: deps.store.sandboxes.size,
      containers: deps.store.containers.size,
      monitors: deps.monitors.count,
      images: deps.images.list().length,
    }),
  };
}

/** Constant until the next boot. The systemd driver is a later feature. */
export async function runtimeConfig(): Promise<runtime.v1.RuntimeConfigResponse.$Properties> {
  return { linux: { cgroupDriver: runtime.v1.CgroupDriver.CGROUPFS } };
}

/** The pod CIDR is the CNI configuration's business; accepted, as the kubelet expects. */
export async function updateRuntimeConfig(
  deps: Deps,
  request: runtime.v1.UpdateRuntimeConfigRequest.$Properties,
): Promise<Record<string, never>> {
  const podCidr = request.runtimeConfig?.networkConfig?.podCidr ?? '';
  deps.log.info({ podCidr }, 'the kubelet told the pod CIDR');
  return {};
}
