// Which namespaces a container shares with its pod, with the host, or with another container.
import { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import type { NamespaceOption, PodSandboxConfig } from './cri-types.ts';
import type { PodFacts } from './input.ts';
import { quote, refused } from './refusal.ts';
import type { OciNamespace } from './types.ts';
import { checkSameUserNamespace, userNamespace } from './user-namespace.ts';

const { NamespaceMode } = runtime.v1;

/** Where a kind of namespace comes from. */
export type PodNamespaceMode = 'pod' | 'container' | 'node';

/** The pod's choice for each kind. */
export interface PodModes {
  readonly network: 'pod' | 'node';
  readonly ipc: 'pod' | 'node';
  readonly pid: PodNamespaceMode;
}

/** The modes a sandbox was asked for; nothing said means POD. Throws InvalidArgument. */
export function podModes(config: PodSandboxConfig): PodModes {
  const options = config.linux?.securityContext?.namespaceOptions;
  const pid = options?.pid ?? NamespaceMode.POD;
  if (pid === NamespaceMode.TARGET) {
    throw refused('make the sandbox', 'pid mode TARGET is for containers only');
  }
  return {
    network: podOrNode(options?.network, 'network'),
    ipc: podOrNode(options?.ipc, 'ipc'),
    pid: pid === NamespaceMode.CONTAINER ? 'container' : podOrNode(pid, 'pid'),
  };
}

function podOrNode(
  mode: runtime.v1.NamespaceMode | null | undefined,
  kind: string,
): 'pod' | 'node' {
  const chosen = mode ?? NamespaceMode.POD;
  if (chosen !== NamespaceMode.POD && chosen !== NamespaceMode.NODE) {
    throw refused('choose namespaces', `${kind} mode ${modeName(mode)} is neither POD nor NODE`);
  }
  return chosen === NamespaceMode.POD ? 'pod' : 'node';
}

function modeName(mode: runtime.v1.NamespaceMode | null | undefined): string {
  const names = new Map<number, string>(
    Object.entries(NamespaceMode).map(([name, value]) => [Number(value), name]),
  );
  return `"${names.get(mode ?? NamespaceMode.POD) ?? String(mode)}"`;
}

/** A container's namespaces and, in TARGET mode, whose pid namespace is joined. */
export interface ContainerNamespaces {
  readonly namespaces: readonly OciNamespace[];
  readonly pidTargetContainerId: string;
}

/**
 * Network, ipc and uts follow the pod, whatever the container says. Throws InvalidArgument for a pid
 * mode that the pod cannot give.
 */
export function containerNamespaces(
  sandbox: PodSandboxConfig,
  options: NamespaceOption | null | undefined,
  pod: PodFacts,
): ContainerNamespaces {
  const podOptions = sandbox.linux?.securityContext?.namespaceOptions;
  const ids = userNamespace(podOptions);
  checkSameUserNamespace(ids, options);
  const modes = podModes(sandbox);
  checkSameAsPod(modes, options);
  const pid = pidNamespace(modes, options, pod);
  const namespaces: OciNamespace[] = [{ type: 'mount' }];
  if (ids !== undefined) {
    namespaces.push(joined('user', pod.userPath));
  }
  if (modes.network === 'pod') {
    namespaces.push(joined('network', pod.netnsPath));
  }
  if (modes.ipc === 'pod') {
    namespaces.push(joined('ipc', pod.ipcPath));
  }
  if (pod.utsPath !== '') {
    namespaces.push(joined('uts', pod.utsPath));
  }
  return {
    namespaces: [...namespaces, ...pid.namespaces, { type: 'cgroup' }],
    pidTargetContainerId: pid.pidTargetContainerId,
  };
}

function checkSameAsPod(modes: PodModes, options: NamespaceOption | null | undefined): void {
  if (podOrNode(options?.network, 'network') === 'node' && modes.network !== 'node') {
    throw refused('use the host’s network', 'the sandbox has a network of its own');
  }
  if (podOrNode(options?.ipc, 'ipc') === 'node' && modes.ipc !== 'node') {
    throw refused('use the host’s ipc namespace', 'the sandbox has one of its own');
  }
}

function pidNamespace(
  modes: PodModes,
  options: NamespaceOption | null | undefined,
  pod: PodFacts,
): ContainerNamespaces {
  const mode = options?.pid ?? NamespaceMode.POD;
  switch (mode) {
    case NamespaceMode.CONTAINER:
      return { namespaces: [{ type: 'pid' }], pidTargetContainerId: '' };
    case NamespaceMode.TARGET:
      return { namespaces: [{ type: 'pid' }], pidTargetContainerId: target(options) };
    case NamespaceMode.NODE:
      if (modes.pid !== 'node') {
        throw refused('use the host’s processes', 'the sandbox was not made with pid mode NODE');
      }
      return { namespaces: [], pidTargetContainerId: '' };
    case NamespaceMode.POD:
      return { namespaces: sharedPid(modes, pod), pidTargetContainerId: '' };
    default:
      throw refused('choose namespaces', `unknown pid mode "${String(mode)}"`);
  }
}

function target(options: NamespaceOption | null | undefined): string {
  const id = options?.targetId ?? '';
  if (!/^[0-9a-f]{64}$/u.test(id)) {
    throw refused('join a container’s processes', `target_id ${quote(id)} is not a container id`);
  }
  return id;
}

function sharedPid(modes: PodModes, pod: PodFacts): OciNamespace[] {
  if (modes.pid === 'container') {
    const why = 'the sandbox was made with pid mode CONTAINER';
    throw refused('share the pod’s processes (pid mode POD)', why);
  }
  return modes.pid === 'node' ? [] : [joined('pid', pod.pidPath)];
}

function joined(type: OciNamespace['type'], path: string): OciNamespace {
  if (path === '') {
    throw new CriError(
      'Internal',
      `cannot join the pod's ${type} namespace: its path is not known`,
    );
  }
  return { type, path };
}
