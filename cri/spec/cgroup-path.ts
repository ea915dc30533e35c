// Where in the cgroup hierarchies a pod and its containers live.
import { posix } from 'node:path';

import type { PodSandboxConfig } from './cri-types.ts';
import { quote, refused, unimplemented } from './refusal.ts';

/**
 * The pod's parent cgroup in cgroupfs syntax; `base` where the request names none.
 * Throws Unimplemented for a systemd slice, InvalidArgument for a path that is not absolute or that
 * climbs.
 */
export function cgroupParent(config: PodSandboxConfig, base: string): string {
  const asked = config.linux?.cgroupParent ?? '';
  if (asked === '') {
    return base;
  }
  const action = `use cgroup parent ${quote(asked)}`;
  if (asked.endsWith('.slice')) {
    throw unimplemented(action, 'the systemd cgroup driver is');
  }
  if (!asked.startsWith('/')) {
    throw refused(action, 'it is not an absolute path');
  }
  if (asked.split('/').includes('..') || /[\s\p{Cc}]/u.test(asked)) {
    throw refused(action, 'it holds "..", a space or a control character');
  }
  return posix.normalize(asked).replace(/(.)\/+$/u, '$1');
}

/** A container's cgroup: the only element of the path with 64 hex digits. */
export function containerCgroup(parent: string, containerId: string): string {
  return posix.join(parent, containerId);
}
