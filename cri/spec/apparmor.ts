// Which AppArmor profile confines a container, and the text of our own.
import { runtime } from '../../proto/gen/cri.js';
import type { ContainerSecurity, SandboxSecurity, SecurityProfile } from './cri-types.ts';
import type { HostFacts } from './input.ts';
import { notOnThisHost, quote, refused } from './refusal.ts';

const { ProfileType } = runtime.v1.SecurityProfile;

/** Name of the profile RuntimeDefault. */
const defaultApparmorProfile = 'estiba-default';

/**
 * The profile's name for the OCI spec; "" = none. Without a word of the request it is RuntimeDefault.
 * On a host without AppArmor RuntimeDefault counts as none, as every other runtime has it, and a named
 * profile is refused. A privileged container has only a profile that is named. Whether that is loaded
 * the kernel knows when the container is made. Throws InvalidArgument, FailedPrecondition.
 */
export function apparmorProfile(
  security: Pick<ContainerSecurity, 'privileged' | 'apparmor' | 'apparmorProfile'>,
  host: Pick<HostFacts, 'apparmorEnabled' | 'apparmorDefaultProblem'>,
): string {
  const action = 'confine the container';
  const asked = security.apparmor ?? oldProfile(security.apparmorProfile ?? '');
  const type = asked?.profileType ?? ProfileType.RuntimeDefault;
  switch (type) {
    case ProfileType.Unconfined:
      return '';
    case ProfileType.Localhost:
      return namedProfile(asked?.localhostRef ?? '', host, action);
    case ProfileType.RuntimeDefault:
      break;
    default:
      throw refused(action, `unknown AppArmor profile type "${String(type)}"`);
  }
  if (!host.apparmorEnabled || security.privileged === true) {
    return '';
  }
  if (host.apparmorDefaultProblem === '') {
    return defaultApparmorProfile;
  }
  if (asked === undefined) {
    return '';
  }
  const why = `there is no AppArmor profile for it: ${host.apparmorDefaultProblem}`;
  throw notOnThisHost(action, why);
}

/**
 * The profile of the node that a sandbox names; "" = none. What else it may ask for is less than its
 * pid 1 has anyway. Throws InvalidArgument, FailedPrecondition on a host without AppArmor.
 */
export function sandboxApparmorName(
  security: Pick<SandboxSecurity, 'apparmor'>,
  host: Pick<HostFacts, 'apparmorEnabled'>,
): string {
  const { profileType, localhostRef } = security.apparmor ?? {};
  return profileType === ProfileType.Localhost
    ? namedProfile(localhostRef ?? '', host, 'confine the sandbox')
    : '';
}

const prefix = 'localhost/';

function namedProfile(
  reference: string,
  host: Pick<HostFacts, 'apparmorEnabled'>,
  action: string,
): string {
  const name = reference.startsWith(prefix) ? reference.slice(prefix.length) : reference;
  // A name is a word of a kernel interface and of a policy language.
  if (name === '' || /[\s\p{Cc}]/u.test(name)) {
    throw refused(action, `AppArmor profile ${quote(reference)} is not a name`);
  }
  if (!host.apparmorEnabled) {
    throw notOnThisHost(action, `no AppArmor for profile ${quote(name)}`);
  }
  return name;
}

function oldProfile(text: string): SecurityProfile | undefined {
  switch (text) {
    case '':
      return undefined;
    case 'unconfined':
      return { profileType: ProfileType.Unconfined };
    case 'runtime/default':
      return { profileType: ProfileType.RuntimeDefault };
    default:
      if (!text.startsWith(prefix)) {
        throw refused('confine the container', `apparmor_profile ${quote(text)} is not a profile`);
      }
      return { profileType: ProfileType.Localhost, localhostRef: text };
  }
}

/**
 * The profile RuntimeDefault, as apparmor_parser reads it. Files, the network and capabilities are
 * left to what else confines a container; denied is what would reach the host through procfs and
 * sysfs, mounting, and tracing or signalling processes that are not confined likewise.
 */
export const defaultApparmorText: string = `
profile ${defaultApparmorProfile} flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  capability,
  umount,

  # The host's processes, this runtime's first of all, may signal those of containers.
  signal (receive) peer=unconfined,
  signal (send, receive) peer=${defaultApparmorProfile},
  ptrace (trace, read, tracedby, readby) peer=${defaultApparmorProfile},

  deny mount,

  # Directories of numbers are processes, which the kernel protects. Of /proc/sys only what an IPC
  # namespace has of its own.
  deny /proc/* w,
  deny /proc/[^1-9s/]*/** w,
  deny /proc/s[^y/]*/** w,
  deny /proc/sy[^s/]*/** w,
  deny /proc/sys[^/]*/** w,
  deny /proc/sys/[^k]** w,
  deny /proc/sys/kernel/{?,??,[^s]**,s[^h]**,sh[^m]**} w,
  deny /proc/{kcore,kmem,mem,sysrq-trigger} rwklx,

  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,
}
`;
