// All mounts of a container in the order they are made: the standard ones, then the pod's files, the
// image's volumes and the kubelet's by depth. A volume replaces a standard mount at the same place.
import { posix } from 'node:path';

import type { Content, PodFacts, SpecInput } from './input.ts';
import { podModes } from './namespaces.ts';
import { checkText } from './process.ts';
import type { SelinuxLabels } from './selinux.ts';
import type { OciMount } from './types.ts';
import { userNamespace } from './user-namespace.ts';
import { relabelOptions, rootPropagation, volumeMounts } from './volumes.ts';

/** The mounts and what the root needs for their propagation. */
export interface ContainerMounts {
  readonly mounts: readonly OciMount[];
  readonly rootfsPropagation: 'rslave' | 'rshared' | undefined;
}

/** Throws as `volumeMounts` does. */
export function containerMounts(
  input: Pick<SpecInput, 'requested' | 'content' | 'pod' | 'host' | 'imageLayers' | 'settings'>,
  labels: Pick<SelinuxLabels, 'mount' | 'podFiles'>,
): ContainerMounts {
  const { requested, content, pod, host, imageLayers, settings } = input;
  const { sandbox, container: config } = requested;
  const security = config.linux?.securityContext;
  const ids = userNamespace(sandbox.linux?.securityContext?.namespaceOptions);
  const ground = { host, ids, imageLayers, label: labels.mount, sparedDirs: settings.sparedDirs };
  const volumes = volumeMounts(config.mounts ?? [], ground);
  const taken = new Set(volumes.map((mount) => mount.destination));
  const own = [
    shmMount(podModes(sandbox).ipc, pod),
    ...fileMounts(pod, security?.readonlyRootfs === true, labels.podFiles),
  ].filter((mount) => !taken.has(mount.destination));
  const standard = standardMounts(security?.privileged === true).filter(
    ({ destination }) =>
      !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/')),
  );
  const covered = [...standard, ...own, ...volumes].map((mount) => mount.destination);
  const declared = imageVolumes(content, covered);
  return {
    mounts: [...standard, ...byDepth([...own, ...declared, ...volumes])],
    rootfsPropagation: rootPropagation(config.mounts ?? [], ids),
  };
}

// The helper's own mount type: the directory itself, made when missing, writable below a read-only
// root. What is at or below another mount is that mount's business.
function imageVolumes(content: Content, covered: readonly string[]): OciMount[] {
  const paths = content.volumes.map((path) =>
    posix.resolve('/', checkText('mount a volume of the image', path)),
  );
  return [...new Set(paths)]
    .filter((path) => path !== '/' && !covered.some((other) => `${path}/`.startsWith(`${other}/`)))
    .toSorted()
    .map((destination) => ({
      destination,
      type: 'estiba-image-volume',
      source: 'image',
      options: ['rprivate', 'rw'],
    }));
}

function standardMounts(privileged: boolean): OciMount[] {
  const access = privileged ? 'rw' : 'ro';
  return [
    {
      destination: '/proc',
      type: 'proc',
      source: 'proc',
      options: ['nosuid', 'noexec', 'nodev'],
    },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/mqueue',
      type: 'mqueue',
      source: 'mqueue',
      options: ['nosuid', 'noexec', 'nodev'],
    },
    {
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: ['nosuid', 'noexec', 'nodev', access],
    },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', access],
    },
  ];
}

function shmMount(ipc: 'pod' | 'node', pod: PodFacts): OciMount {
  return {
    destination: '/dev/shm',
    type: 'bind',
    source: ipc === 'node' ? '/dev/shm' : pod.shmPath,
    options: ['rbind', 'rprivate', 'rw'],
  };
}

function fileMounts(pod: PodFacts, readonly: boolean, label: string): OciMount[] {
  const sources = [
    ['/etc/hosts', pod.files.hosts],
    ['/etc/hostname', pod.files.hostname],
    ['/etc/resolv.conf', pod.files.resolvConf],
  ] as const;
  return sources
    .filter(([, source]) => source !== '')
    .map(([destination, source]) => ({
      destination,
      type: 'bind',
      source,
      options: ['bind', 'rprivate', readonly ? 'ro' : 'rw', ...relabelOptions(label, [])],
    }));
}

// A mount must exist before one below it. The sort is stable: of two at one place the later wins.
function byDepth(mounts: readonly OciMount[]): OciMount[] {
  const depth = (mount: OciMount) => mount.destination.split('/').length;
  return mounts.toSorted((left, right) => depth(left) - depth(right));
}
