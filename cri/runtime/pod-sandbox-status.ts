import type { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { sandboxStateToCri } from '../store/sandbox-table.ts';
import type { SandboxRecord } from '../store/record.ts';
import { containerStatusOf } from './container-status.ts';
import type { Deps } from './deps.ts';
import { verboseJson } from './verbose-json.ts';

/** The state of a sandbox and its containers, from memory. Throws NotFound. */
export async function podSandboxStatus(
  deps: Deps,
  request: runtime.v1.PodSandboxStatusRequest.$Properties,
): Promise<runtime.v1.PodSandboxStatusResponse.$Properties> {
  const sandbox = deps.store.sandboxes.resolve(request.podSandboxId ?? '');
  const containers = deps.store.containers.ofSandbox(sandbox.id);
  return {
    status: statusOf(sandbox),
    containersStatuses: containers
      .filter((container) => container.state !== 'creating')
      .map(containerStatusOf),
    timestamp: toLong(deps.clock.nowNs()),
    ...(request.verbose === true ? { info: { info: verboseInfo(sandbox) } } : {}),
  };
}

function statusOf(sandbox: SandboxRecord): runtime.v1.PodSandboxStatus.$Properties {
  const { config, ips } = sandbox;
  const [ip = '', ...others] = ips;
  const options = config.linux?.securityContext?.namespaceOptions ?? {};
  return {
    id: sandbox.id,
    metadata: config.metadata ?? null,
    state: sandboxStateToCri[sandbox.state],
    createdAt: toLong(sandbox.createdAtNs),
    network: { ip, additionalIps: others.map((other) => ({ ip: other })) },
    linux: { namespaces: { options } },
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler: sandbox.runtimeHandler,
  };
}

// The keys are those that node tools know from containerd, where they mean the same.
function verboseInfo(sandbox: SandboxRecord): string {
  return verboseJson({
    pid: sandbox.podStarted?.monitorPid ?? 0,
    processStatus: sandbox.state === 'ready' ? 'running' : 'deleted',
    netNamespaceClosed: sandbox.state !== 'ready',
    runtimeHandler: sandbox.runtimeHandler,
    reason: sandbox.reason,
    netnsPath: sandbox.netnsPath,
    cgroupParent: sandbox.cgroupParent,
    selinuxLevel: sandbox.selinuxLevel ?? '',
    pod: sandbox.podStarted ?? null,
    config: sandbox.config,
    overhead: sandbox.resources.overhead ?? null,
    resources: sandbox.resources.resources ?? null,
    cniResult: sandbox.attachment ?? null,
  });
}
