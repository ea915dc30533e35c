// The profiles of the node that a sandbox names: refused when they are not there or cannot be used, as a
// pod that is said to be confined by them must not run without.
import { readFile } from 'node:fs/promises';
import { CriError } from '../core/error.ts';
import type { PodPlan } from '../spec/pod.ts';
import { quote } from '../spec/refusal.ts';
import type { Deps } from './deps.ts';

/** Every profile of the kernel, one in a line, its mode in brackets after it. */
const loadedProfiles = '/sys/kernel/security/apparmor/profiles';

/**
 * Throws NotFound and other codes that fit why a seccomp profile cannot be read or compiled,
 * FailedPrecondition for an AppArmor profile that is not loaded. A host that does not let us see which
 * are loaded is believed.
 */
export async function checkSandboxProfiles(
  deps: Pick<Deps, 'seccomp'>,
  plan: Pick<PodPlan, 'seccomp' | 'apparmorName'>,
  profilesPath: string = loadedProfiles,
): Promise<void> {
  if (plan.seccomp.kind === 'localhost') {
    await deps.seccomp.confinement(plan.seccomp);
  }
  if (plan.apparmorName === '') {
    return;
  }
  const profiles = await readFile(profilesPath, 'utf8').catch(() => undefined);
  const isLoaded = profiles?.split('\n').some((line) => line.startsWith(`${plan.apparmorName} (`));
  if (isLoaded === false) {
    const why = `AppArmor profile ${quote(plan.apparmorName)} is not loaded`;
    throw new CriError('FailedPrecondition', `cannot confine the sandbox: ${why}`);
  }
}
