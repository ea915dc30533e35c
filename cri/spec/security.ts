// What a container may see and do beside its capabilities: privileged, hidden paths, AppArmor and
// SELinux. A profile that would not be enforced is refused, never dropped.
import { posix } from 'node:path';

import { runtime } from '../../proto/gen/cri.js';
import type { ContainerSecurity, PodSandboxConfig, SecurityProfile } from './cri-types.ts';
import type { HostFacts } from './input.ts';
import { notOnThisHost, quote, refused, unimplemented } from './refusal.ts';

const { ProfileType } = runtime.v1.SecurityProfile;

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

/**
 * Throws for an AppArmor profile that would not be enforced. On a host without AppArmor the runtime's
 * default counts as none, as every other runtime has it; a named profile is refused.
 */
export function checkApparmor(security: ContainerSecurity, host: HostFacts): void {
  const profile = security.apparmor ?? oldApparmorProfile(security.apparmorProfile ?? '');
  const enforced = isEnforced(profile, 'AppArmor');
  if (!host.apparmorEnabled) {
    if (profile?.profileType === ProfileType.Localhost) {
      throw notOnThisHost('confine the container', `no AppArmor for profile ${describe(profile)}`);
    }
    return;
  }
  if (enforced && security.privileged !== true) {
    throw unimplemented('confine the container', `AppArmor profile ${describe(profile)} is`);
  }
}

function oldApparmorProfile(text: string): SecurityProfile | undefined {
  switch (text) {
    case '':
    case 'unconfined':
      return undefined;
    case 'runtime/default':
      return { profileType: ProfileType.RuntimeDefault };
    default:
      return localhostProfile(text, 'apparmor_profile');
  }
}

function localhostProfile(text: string, field: string): SecurityProfile {
  const prefix = 'localhost/';
  if (!text.startsWith(prefix) || text === prefix) {
    throw refused('confine the container', `${field} ${quote(text)} is not a profile`);
  }
  return { profileType: ProfileType.Localhost, localhostRef: text.slice(prefix.length) };
}

function isEnforced(profile: SecurityProfile | null | undefined, what: string): boolean {
  if (profile === null || profile === undefined) {
    return false;
  }
  const type = profile.profileType ?? ProfileType.RuntimeDefault;
  switch (type) {
    case ProfileType.Unconfined:
      return false;
    case ProfileType.RuntimeDefault:
    case ProfileType.Localhost:
      return true;
    default:
      throw refused('confine the container', `unknown ${what} profile type "${String(type)}"`);
  }
}

function describe(profile: SecurityProfile | null | undefined): string {
  return profile?.profileType === ProfileType.Localhost
    ? quote(profile.localhostRef ?? '')
    : '"RuntimeDefault"';
}

/** Throws Unimplemented for SELinux options on a host that would enforce them. */
export function checkSelinux(
  options: ContainerSecurity['selinuxOptions'],
  host: Pick<HostFacts, 'selinuxEnabled'>,
): void {
  const given = [options?.user, options?.role, options?.type, options?.level];
  if (
    host.selinuxEnabled &&
    given.some((part) => part !== undefined && part !== null && part !== '')
  ) {
    throw unimplemented('label the container', 'SELinux options are');
  }
}
