// Which seccomp profile confines a container: the field, the old string, or none.
import { posix } from 'node:path';

import { runtime } from '../../proto/gen/cri.js';
import type { ContainerSecurity, SecurityProfile } from './cri-types.ts';
import type { HostFacts } from './input.ts';
import { notOnThisHost, quote, refused } from './refusal.ts';
import { defaultProfile } from './seccomp-default.ts';

const { ProfileType } = runtime.v1.SecurityProfile;

/** The profile of a container. */
export type SeccompChoice =
  | { readonly kind: 'unconfined' }
  /** Ours, as JSON text. */
  | { readonly kind: 'default'; readonly profile: string }
  /** The node's, in a file at this absolute path. */
  | { readonly kind: 'localhost'; readonly path: string };

const unconfined: SeccompChoice = { kind: 'unconfined' };

/**
 * Chooses the profile of a container (or of a sandbox, as messages have it then) whose bounding set is
 * `granted`. None is asked for where both fields are absent; an empty profile is RuntimeDefault;
 * privileged containers have none. Throws InvalidArgument for what is no profile, FailedPrecondition
 * where the kernel cannot enforce one.
 */
export function seccompChoice(
  security: Pick<ContainerSecurity, 'privileged' | 'seccomp' | 'seccompProfilePath'>,
  granted: readonly string[],
  host: Pick<HostFacts, 'architecture' | 'seccompEnabled'>,
  whose: 'container' | 'sandbox' = 'container',
): SeccompChoice {
  const action = `confine the ${whose}`;
  const profile = security.seccomp ?? oldProfile(security.seccompProfilePath ?? '', action);
  if (security.privileged === true || profile === undefined) {
    return unconfined;
  }
  const type = profile.profileType ?? ProfileType.RuntimeDefault;
  if (type === ProfileType.Unconfined) {
    return unconfined;
  }
  const choice = confined(type, profile.localhostRef ?? '', granted, host, action);
  if (!host.seccompEnabled) {
    throw notOnThisHost(action, 'this kernel has no seccomp filters');
  }
  return choice;
}

function confined(
  type: number | string,
  localhostRef: string,
  granted: readonly string[],
  host: Pick<HostFacts, 'architecture'>,
  action: string,
): SeccompChoice {
  switch (type) {
    case ProfileType.RuntimeDefault:
      return { kind: 'default', profile: defaultProfile(granted, host.architecture) };
    case ProfileType.Localhost:
      return { kind: 'localhost', path: profilePath(localhostRef) };
    default:
      throw refused(action, `unknown seccomp profile type "${String(type)}"`);
  }
}

const oldPrefix = 'localhost/';

// The prefix belongs to the old field, but clients put it into the new one, too.
function profilePath(reference: string): string {
  const path = reference.startsWith(oldPrefix) ? reference.slice(oldPrefix.length) : reference;
  if (!posix.isAbsolute(path) || path.includes('\0')) {
    throw refused(`load seccomp profile ${quote(reference)}`, 'it is not an absolute path');
  }
  return path;
}

function oldProfile(text: string, action: string): SecurityProfile | undefined {
  switch (text) {
    case '':
    case 'unconfined':
      return undefined;
    case 'runtime/default':
    case 'docker/default':
      return { profileType: ProfileType.RuntimeDefault };
    default:
      if (!text.startsWith(oldPrefix)) {
        const why = `seccomp_profile_path ${quote(text)} is not a profile`;
        throw refused(action, why);
      }
      return { profileType: ProfileType.Localhost, localhostRef: text };
  }
}
