// Device nodes and the device rules of the cgroup. What a host path is was found out by the caller:
// this folder does no I/O.
import { posix } from 'node:path';

import type { ContainerConfig, PodSandboxConfig } from './cri-types.ts';
import type { DeviceNode } from './input.ts';
import { checkText } from './process.ts';
import { quote, refused } from './refusal.ts';
import type { OciDevice, OciDeviceRule } from './types.ts';
import { userNamespace } from './user-namespace.ts';

/** Nodes and rules of a container. */
export interface ContainerDevices {
  readonly devices: readonly OciDevice[];
  readonly rules: readonly OciDeviceRule[];
}

// null, zero, full, tty, random, urandom, console, ptmx, pseudo terminals: what every container has.
const standardNodes: readonly (readonly [major: number, minor: number | undefined])[] = [
  [1, 3],
  [1, 5],
  [1, 7],
  [1, 8],
  [1, 9],
  [5, 0],
  [5, 1],
  [5, 2],
  [136, undefined],
];

const allDevices = '/dev';

/**
 * The host paths that the caller looks at before `buildSpec`. For each: follow symlinks; a device
 * node gives one entry with `below` ""; a directory gives every device node at any depth below it,
 * in the order of the names; a missing path is NotFound. "/dev" is there for privileged containers
 * (leave out pts, shm, mqueue, fd, console and nodes that vanish while looking). Throws InvalidArgument
 * for what is no absolute path.
 */
export function devicePathsToStat(sandbox: PodSandboxConfig, config: ContainerConfig): string[] {
  const asked = (config.devices ?? []).map((device) => checkHostPath(device.hostPath ?? ''));
  return [...new Set([...(getsAll(sandbox, config) ? [allDevices] : []), ...asked])];
}

// The nodes belong to the container's root. In a user namespace that is nobody on the host, whom no
// disk may be given just because the container is privileged among its like.
function getsAll(sandbox: PodSandboxConfig, config: ContainerConfig): boolean {
  const ids = userNamespace(sandbox.linux?.securityContext?.namespaceOptions);
  return config.linux?.securityContext?.privileged === true && ids === undefined;
}

/** Throws InvalidArgument for a path without device nodes. */
export function containerDevices(
  sandbox: PodSandboxConfig,
  config: ContainerConfig,
  nodes: ReadonlyMap<string, readonly DeviceNode[]>,
): ContainerDevices {
  const asked = (config.devices ?? []).map((device) => askedDevice(device, nodes));
  if (getsAll(sandbox, config)) {
    const all = (nodes.get(allDevices) ?? []).map((node) => deviceAt(allDevices, node));
    return {
      devices: unique([...all, ...asked.flatMap((one) => one.devices)]),
      rules: [{ allow: true, access: 'rwm' }],
    };
  }
  return {
    devices: unique(asked.flatMap((one) => one.devices)),
    rules: [...standardRules(), ...asked.flatMap((one) => one.rules)],
  };
}

function standardRules(): OciDeviceRule[] {
  return [
    { allow: false, access: 'rwm' },
    // Making a node is harmless: opening it needs a rule of its own.
    { allow: true, access: 'm', type: 'c' },
    { allow: true, access: 'm', type: 'b' },
    ...standardNodes.map(([major, minor]) => ({
      allow: true,
      access: 'rwm',
      type: 'c' as const,
      major,
      ...(minor === undefined ? {} : { minor }),
    })),
  ];
}

function askedDevice(
  device: NonNullable<ContainerConfig['devices']>[number],
  nodes: ReadonlyMap<string, readonly DeviceNode[]>,
): ContainerDevices {
  const hostPath = device.hostPath ?? '';
  const action = `add device ${quote(hostPath)}`;
  const access = checkPermissions(device.permissions ?? '', action);
  const target = containerPath(device.containerPath ?? '', hostPath, action);
  const found = nodes.get(hostPath) ?? [];
  if (found.length === 0) {
    throw refused(action, 'it is neither a device node nor a directory with device nodes');
  }
  return {
    devices: found.map((node) => deviceAt(target, node)),
    rules: found.map(({ type, major, minor }) => ({ allow: true, access, type, major, minor })),
  };
}

function checkHostPath(path: string): string {
  const action = `add device ${quote(path)}`;
  if (!path.startsWith('/')) {
    throw refused(action, 'host_path is not an absolute path');
  }
  return checkText(action, path);
}

function checkPermissions(text: string, action: string): string {
  const access = text === '' ? 'rwm' : text;
  if (!/^[rwm]{1,3}$/u.test(access) || new Set(access).size !== access.length) {
    throw refused(action, `permissions ${quote(text)} are not made of r, w and m`);
  }
  return access;
}

function containerPath(asked: string, hostPath: string, action: string): string {
  const path = asked === '' ? hostPath : asked;
  const clean = posix.normalize(checkText(action, path)).replace(/\/+$/u, '');
  if (!path.startsWith('/') || clean === '') {
    throw refused(action, `container_path ${quote(path)} is not an absolute path below the root`);
  }
  return clean;
}

function deviceAt(base: string, node: DeviceNode): OciDevice {
  return {
    path: `${base}${node.below}`,
    type: node.type,
    major: node.major,
    minor: node.minor,
    fileMode: node.mode,
    uid: node.uid,
    gid: node.gid,
  };
}

// Of two devices at one path the later wins, as with mounts.
function unique(devices: readonly OciDevice[]): OciDevice[] {
  return [...new Map(devices.map((device) => [device.path, device])).values()];
}
