// The kubelet's mounts as bind mounts of the OCI spec.
import { posix } from 'node:path';

import { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import type { CriMount } from './cri-types.ts';
import type { HostFacts } from './input.ts';
import { checkText } from './process.ts';
import { quote, refused, unimplemented } from './refusal.ts';
import type { OciMount } from './types.ts';

const { MountPropagation } = runtime.v1;

// Options may take rights away from a volume or change how its times are kept, nothing else.
const allowedOptions: ReadonlySet<string> = new Set([
  'nodev',
  'noexec',
  'nosuid',
  'nosymfollow',
  'noatime',
  'nodiratime',
  'relatime',
  'strictatime',
]);

/** One bind mount for each request, in the given order. Throws InvalidArgument or Unimplemented. */
export function volumeMounts(mounts: readonly CriMount[], host: HostFacts): OciMount[] {
  return mounts.map((mount) => volumeMount(mount, host));
}

/** Root propagation that lets the volumes' own propagation work; undefined = the default. */
export function rootPropagation(mounts: readonly CriMount[]): 'rslave' | 'rshared' | undefined {
  const modes = new Set(mounts.map((mount) => mount.propagation));
  if (modes.has(MountPropagation.PROPAGATION_BIDIRECTIONAL)) {
    return 'rshared';
  }
  return modes.has(MountPropagation.PROPAGATION_HOST_TO_CONTAINER) ? 'rslave' : undefined;
}

function volumeMount(mount: CriMount, host: HostFacts): OciMount {
  const destination = containerPath(mount.containerPath ?? '');
  const action = `mount at ${quote(destination)}`;
  refuseLaterFeatures(mount, action, host);
  return {
    destination,
    type: 'bind',
    source: hostPath(mount.hostPath ?? '', action),
    options: [
      'rbind',
      propagation(mount.propagation, action),
      accessOption(mount, action, host),
      ...extraOptions(mount, action),
    ],
  };
}

function containerPath(path: string): string {
  if (!path.startsWith('/')) {
    throw refused('mount a volume', `container_path ${quote(path)} is not an absolute path`);
  }
  const clean = posix.normalize(checkText('mount a volume', path)).replace(/\/+$/u, '');
  if (clean === '') {
    throw refused('mount a volume', `container_path ${quote(path)} is the root`);
  }
  return clean;
}

function hostPath(path: string, action: string): string {
  if (!path.startsWith('/')) {
    throw refused(action, `host_path ${quote(path)} is not an absolute path`);
  }
  return checkText(action, path);
}

function refuseLaterFeatures(mount: CriMount, action: string, host: HostFacts): void {
  if ((mount.image?.image ?? '') !== '' || (mount.imageSubPath ?? '') !== '') {
    throw unimplemented(action, 'image volumes are');
  }
  if ((mount.uidMappings ?? []).length + (mount.gidMappings ?? []).length > 0) {
    throw unimplemented(action, 'id-mapped volumes are');
  }
  if (mount.selinuxRelabel === true && host.selinuxEnabled) {
    throw unimplemented(action, 'SELinux relabelling is');
  }
}

function propagation(mode: CriMount['propagation'], action: string): string {
  switch (mode ?? MountPropagation.PROPAGATION_PRIVATE) {
    case MountPropagation.PROPAGATION_PRIVATE:
      return 'rprivate';
    case MountPropagation.PROPAGATION_HOST_TO_CONTAINER:
      return 'rslave';
    case MountPropagation.PROPAGATION_BIDIRECTIONAL:
      return 'rshared';
    default:
      throw refused(action, `unknown propagation "${String(mode)}"`);
  }
}

function accessOption(mount: CriMount, action: string, host: HostFacts): string {
  if (mount.recursiveReadOnly !== true) {
    return mount.readonly === true ? 'ro' : 'rw';
  }
  if (mount.readonly !== true) {
    throw refused(action, 'recursive_read_only without readonly');
  }
  if ((mount.propagation ?? 0) !== MountPropagation.PROPAGATION_PRIVATE) {
    throw refused(action, 'recursive_read_only needs private propagation');
  }
  if (!host.recursiveReadOnly) {
    // The kubelet makes the first word the pod's reason.
    const why = 'the kernel has no recursive read-only mounts';
    throw new CriError('FailedPrecondition', `RROUnsupported: cannot ${action}: ${why}`);
  }
  return 'rro';
}

function extraOptions(mount: CriMount, action: string): readonly string[] {
  const options = mount.mountOptions ?? [];
  for (const option of options) {
    if (!allowedOptions.has(option)) {
      const list = [...allowedOptions].join(', ');
      throw refused(action, `mount option ${quote(option)} is not one of ${list}`);
    }
  }
  return options;
}
