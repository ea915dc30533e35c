// What a container may see and do beside its capabilities: privileged, hidden paths.
import { posix } from 'node:path';

import type { ContainerSecurity, PodSandboxConfig } from './cri-types.ts';
import { quote, refused } from './refusal.ts';

/** Hidden where a request carries no security context: files that leak or control the host. */
export const defaultMaskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

/** Read-only where a request carries no security context. */
export const defaultReadonlyPaths: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** Throws InvalidArgument for a privileged container in a sandbox that is not. */
export function checkPrivileged(sandbox: PodSandboxConfig, security: ContainerSecurity): void {
  if (security.privileged === true && sandbox.linux?.securityContext?.privileged !== true) {
    throw refused('make a privileged container', 'its sandbox is not privileged');
  }
}

/** The paths the helper hides or protects. */
export interface HiddenPaths {
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

/**
 * The two lists. With a security context they are taken exactly as given, empty meaning none (that
 * is how the kubelet says procMount: Unmasked). Without one nobody has thought about it (crictl), so
 * the defaults hold. Privileged containers have none.
 */
export function hiddenPaths(security: ContainerSecurity | null | undefined): HiddenPaths {
  if (security === null || security === undefined) {
    return { maskedPaths: defaultMaskedPaths, readonlyPaths: defaultReadonlyPaths };
  }
  if (security.privileged === true) {
    return { maskedPaths: [], readonlyPaths: [] };
  }
  return {
    maskedPaths: (security.maskedPaths ?? []).map((path) => checkHiddenPath('mask', path)),
    readonlyPaths: (security.readonlyPaths ?? []).map((path) => checkHiddenPath('protect', path)),
  };
}

function checkHiddenPath(verb: string, path: string): string {
  if (!path.startsWith('/') || path.includes('\0') || posix.normalize(path) === '/') {
    throw refused(`${verb} path ${quote(path)}`, 'it is not an absolute path below the root');
  }
  return path;
}
