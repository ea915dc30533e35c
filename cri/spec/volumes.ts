// The kubelet's mounts as bind mounts of the OCI spec.
import { posix } from 'node:path';

import { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import type { CriMount } from './cri-types.ts';
import { imageMount, isImageMount } from './image-volumes.ts';
import type { ImageLayers } from './image-volumes.ts';
import type { HostFacts, IdMappings } from './input.ts';
import { checkText } from './process.ts';
import { quote, refused } from './refusal.ts';
import type { OciMount } from './types.ts';
import { checkedRange, ociMappings } from './user-namespace.ts';

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

/** What volumes are made from beside the request. */
export interface VolumeGround {
  readonly host: HostFacts;
  /** Of the pod's user namespace. */
  readonly ids: IdMappings | undefined;
  readonly imageLayers: ImageLayers;
  /** SELinux label of the container's files; "" = none. */
  readonly label: string;
  /** What may not be relabelled, nor what holds it. */
  readonly sparedDirs: readonly string[];
}

/** Mount options of the helper's own: the source's files get the label, but not these directories. */
export function relabelOptions(label: string, sparedDirs: readonly string[]): string[] {
  return label === ''
    ? []
    : [`estiba-relabel=${label}`, ...sparedDirs.map((path) => `estiba-spare=${path}`)];
}

/** One mount for each request, in the given order. Throws InvalidArgument or Unimplemented. */
export function volumeMounts(mounts: readonly CriMount[], ground: VolumeGround): OciMount[] {
  return mounts.map((mount) => volumeMount(mount, ground));
}

/** Root propagation that lets the volumes' own propagation work; undefined = the default. */
export function rootPropagation(
  mounts: readonly CriMount[],
  ids: IdMappings | undefined,
): 'rslave' | 'rshared' | undefined {
  const modes = new Set(mounts.map((mount) => mount.propagation));
  const isShared = modes.has(MountPropagation.PROPAGATION_BIDIRECTIONAL);
  if (isShared && ids === undefined) {
    return 'rshared';
  }
  const isSlave = modes.has(MountPropagation.PROPAGATION_HOST_TO_CONTAINER);
  return isShared || isSlave ? 'rslave' : undefined;
}

/** For the log: which volumes get less than they ask for. */
export function volumeNotes(mounts: readonly CriMount[], ids: IdMappings | undefined): string[] {
  const both = mounts.filter(
    (mount) => mount.propagation === MountPropagation.PROPAGATION_BIDIRECTIONAL,
  );
  return ids === undefined
    ? []
    : both.map(({ containerPath: path }) => {
        const what = `mounts that the container makes at ${quote(path ?? '')} stay its own`;
        return `${what}: the kernel lets none out of a user namespace`;
      });
}

function volumeMount(
  mount: CriMount,
  { host, ids, imageLayers, label, sparedDirs }: VolumeGround,
): OciMount {
  const destination = containerPath(mount.containerPath ?? '');
  const action = `mount at ${quote(destination)}`;
  if (isImageMount(mount)) {
    return imageMount(mount, destination, imageLayers, ids, extraOptions(mount, action));
  }
  return {
    destination,
    type: 'bind',
    source: hostPath(mount.hostPath ?? '', action),
    options: [
      'rbind',
      propagation(mount.propagation, action, ids),
      accessOption(mount, action, host),
      ...extraOptions(mount, action),
      ...(mount.selinuxRelabel === true ? relabelOptions(label, sparedDirs) : []),
    ],
    ...mappings(mount, action),
  };
}

function mappings(mount: CriMount, action: string): Pick<OciMount, 'uidMappings' | 'gidMappings'> {
  const { uids, gids } = { uids: mount.uidMappings ?? [], gids: mount.gidMappings ?? [] };
  if (uids.length === 0 && gids.length === 0) {
    return {};
  }
  if (uids.length === 0 || gids.length === 0) {
    throw refused(action, 'uidMappings and gidMappings are not given together');
  }
  const checked = (ranges: typeof uids, field: string) =>
    ociMappings(ranges.map((range) => checkedRange(range, action, field)));
  return {
    uidMappings: checked(uids, 'uidMappings'),
    gidMappings: checked(gids, 'gidMappings'),
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

function propagation(
  mode: CriMount['propagation'],
  action: string,
  ids: IdMappings | undefined,
): string {
  switch (mode ?? MountPropagation.PROPAGATION_PRIVATE) {
    case MountPropagation.PROPAGATION_PRIVATE:
      return 'rprivate';
    case MountPropagation.PROPAGATION_HOST_TO_CONTAINER:
      return 'rslave';
    case MountPropagation.PROPAGATION_BIDIRECTIONAL:
      // Into a user namespace mounts come, out of it they do not, for whoever asks: the kernel makes
      // a slave of what is shared. Other runtimes leave it at that, and so do pods that expect it.
      return ids === undefined ? 'rshared' : 'rslave';
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
