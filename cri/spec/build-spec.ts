// From a CreateContainer request to the OCI runtime spec. Pure: the same input gives the same output.
import { apparmorProfile } from './apparmor.ts';
import { capabilities } from './capabilities.ts';
import { cgroupParent, containerCgroup } from './cgroup-path.ts';
import type { ContainerConfig, PodSandboxConfig } from './cri-types.ts';
import { containerDevices } from './devices.ts';
import type { SpecInput, SpecResult, UserRequest } from './input.ts';
import { containerMounts } from './mounts.ts';
import { containerNamespaces } from './namespaces.ts';
import type { ContainerNamespaces } from './namespaces.ts';
import { argv, environment, workingDirectory } from './process.ts';
import { refuseQosClasses } from './qos-classes.ts';
import { refused } from './refusal.ts';
import { limits, oomScoreAdj, rlimits } from './resources.ts';
import type { Limits } from './resources.ts';
import { checkPrivileged, hiddenPaths } from './security.ts';
import { seccompChoice } from './seccomp.ts';
import { containerLabels } from './selinux.ts';
import { stopSignal } from './stop-signal.ts';
import type { OciLinux, OciProcess } from './types.ts';
import { ociMappings, userNamespace } from './user-namespace.ts';
import { userRequest } from './user.ts';
import { volumeNotes } from './volumes.ts';

const ociVersion = '1.2.0';

/**
 * Builds the spec of one container. Throws CriError: InvalidArgument for requests that contradict
 * themselves or the sandbox, FailedPrecondition for what this host cannot do, Unimplemented for what
 * is not built yet. Nothing that would weaken or change a request is dropped without an error or a
 * note.
 */
export function buildSpec(input: SpecInput): SpecResult {
  const { sandbox, container } = input.requested;
  const security = container.linux?.securityContext ?? {};
  checkRequest(input);
  const names = containerNamespaces(sandbox, security.namespaceOptions, input.pod);
  const user = userRequest(security, input.content);
  const bounds = limits(container.linux?.resources ?? {}, input.host, input.settings.pidsLimit);
  const files = rlimits(input.settings, input.host);
  const labels = containerLabels(sandbox, security, input.pod.selinuxLevel, input.host);
  const process = {
    ...ociProcess(input, user),
    rlimits: files.rlimits,
    ...(labels.process === '' ? {} : { selinuxLabel: labels.process }),
  };
  const signal = stopSignal(container, input.content);
  const { mounts, rootfsPropagation } = containerMounts(input, labels);
  return {
    spec: {
      ociVersion,
      process,
      root: { path: 'rootfs', readonly: security.readonlyRootfs === true },
      mounts,
      annotations: annotations(sandbox, container, input.pod.sandboxId),
      linux: {
        ...ociLinux(input, names, bounds),
        ...(rootfsPropagation === undefined ? {} : { rootfsPropagation }),
        ...(labels.mount === '' ? {} : { mountLabel: labels.mount }),
      },
    },
    seccomp: seccompChoice(security, process.capabilities.bounding, input.host),
    user,
    pidTargetContainerId: names.pidTargetContainerId,
    stopSignal: signal.signal,
    mounts: container.mounts ?? [],
    notes: [...bounds.notes, ...files.notes, ...signal.notes, ...userNamespaceNotes(input)],
  };
}

function userNamespaceNotes({ requested }: SpecInput): string[] {
  const { sandbox, container } = requested;
  const ids = userNamespace(sandbox.linux?.securityContext?.namespaceOptions);
  const notes = volumeNotes(container.mounts ?? [], ids);
  return container.linux?.securityContext?.privileged === true && ids !== undefined
    ? [
        ...notes,
        'privileged in a user namespace: the container gets no device of the host but those it names',
      ]
    : notes;
}

function checkRequest({ requested }: SpecInput): void {
  const { sandbox, container } = requested;
  if ((container.metadata?.name ?? '') === '') {
    throw refused('make a container', 'metadata.name is empty');
  }
  const security = container.linux?.securityContext ?? {};
  checkPrivileged(sandbox, security);
  refuseQosClasses(sandbox, container);
}

function ociProcess(input: SpecInput, user: UserRequest): Omit<OciProcess, 'rlimits'> {
  const { container } = input.requested;
  const security = container.linux?.securityContext ?? {};
  const apparmor = apparmorProfile(security, input.host);
  return {
    terminal: container.tty === true,
    user: {
      uid: idOrZero(user.user),
      gid: idOrZero(user.group),
      additionalGids: user.supplementalGids,
    },
    args: argv(container, input.content),
    env: environment(container, input.content, input.pod.hostname, input.host),
    cwd: workingDirectory(container, input.content),
    capabilities: capabilities(security, input.host.capabilities),
    noNewPrivileges: security.noNewPrivs === true,
    ...(apparmor === '' ? {} : { apparmorProfile: apparmor }),
    oomScoreAdj: oomScoreAdj(container.linux?.resources ?? {}, input.host),
  };
}

// Names are resolved later by the helper, which replaces the whole user then.
function idOrZero(name: string): number {
  return /^[0-9]+$/u.test(name) ? Number(name) : 0;
}

function ociLinux(input: SpecInput, names: ContainerNamespaces, bounds: Limits): OciLinux {
  const { sandbox, container } = input.requested;
  const devices = containerDevices(sandbox, container, input.deviceNodes);
  const parent = cgroupParent(sandbox, input.settings.cgroupBase);
  const ids = userNamespace(sandbox.linux?.securityContext?.namespaceOptions);
  return {
    namespaces: names.namespaces,
    ...(ids === undefined
      ? {}
      : { uidMappings: ociMappings(ids.uids), gidMappings: ociMappings(ids.gids) }),
    cgroupsPath: containerCgroup(parent, input.containerId),
    resources: { devices: devices.rules, ...bounds.resources },
    devices: devices.devices,
    ...hiddenPaths(container.linux?.securityContext),
  };
}

// containerd's names: node tools and hooks look for them.
function annotations(
  sandbox: PodSandboxConfig,
  container: ContainerConfig,
  sandboxId: string,
): Readonly<Record<string, string>> {
  const prefix = 'io.kubernetes.cri';
  const image = container.image?.userSpecifiedImage ?? '';
  return {
    [`${prefix}.container-type`]: 'container',
    [`${prefix}.sandbox-id`]: sandboxId,
    [`${prefix}.container-name`]: container.metadata?.name ?? '',
    [`${prefix}.sandbox-name`]: sandbox.metadata?.name ?? '',
    [`${prefix}.sandbox-namespace`]: sandbox.metadata?.namespace ?? '',
    [`${prefix}.sandbox-uid`]: sandbox.metadata?.uid ?? '',
    [`${prefix}.image-name`]: image === '' ? (container.image?.image ?? '') : image,
  };
}
