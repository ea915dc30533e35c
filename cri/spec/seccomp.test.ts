import { describe, expect, it } from 'vitest';

import { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import { sampleHost } from './sample-input.ts';
import { seccompChoice } from './seccomp.ts';

const { RuntimeDefault, Unconfined, Localhost } = runtime.v1.SecurityProfile.ProfileType;

const choose = (security: Parameters<typeof seccompChoice>[0], host = sampleHost) =>
  seccompChoice(security, ['CAP_CHOWN'], host);

function refusal(security: Parameters<typeof seccompChoice>[0], host = sampleHost): string {
  try {
    choose(security, host);
  } catch (error) {
    return error instanceof CriError ? `${error.code}: ${error.message}` : 'another error';
  }
  return 'not refused';
}

describe('seccompChoice', () => {
  it.each([
    {},
    { seccomp: { profileType: Unconfined } },
    { seccompProfilePath: 'unconfined' },
    { privileged: true, seccomp: { profileType: Localhost, localhostRef: '/p.json' } },
    // The new field wins over the deprecated one.
    { seccomp: { profileType: Unconfined }, seccompProfilePath: 'runtime/default' },
  ])('leaves %j unconfined', (security) => {
    expect(choose(security)).toEqual({ kind: 'unconfined' });
  });

  it.each([
    { seccomp: {} },
    { seccomp: { profileType: RuntimeDefault } },
    { seccompProfilePath: 'runtime/default' },
    { seccompProfilePath: 'docker/default' },
  ])('gives %j the profile of this runtime', (security) => {
    expect(choose(security)).toMatchObject({ kind: 'default' });
  });

  it.each([
    { seccomp: { profileType: Localhost, localhostRef: '/etc/p.json' } },
    { seccomp: { profileType: Localhost, localhostRef: 'localhost//etc/p.json' } },
    { seccompProfilePath: 'localhost//etc/p.json' },
  ])('finds the file of %j', (security) => {
    expect(choose(security)).toEqual({ kind: 'localhost', path: '/etc/p.json' });
  });

  it('refuses what names no profile', () => {
    expect(refusal({ seccomp: { profileType: Localhost } })).toBe(
      'InvalidArgument: cannot load seccomp profile "": it is not an absolute path',
    );
    expect(refusal({ seccompProfilePath: 'localhost/p.json' })).toBe(
      'InvalidArgument: cannot load seccomp profile "localhost/p.json": it is not an absolute path',
    );
    expect(refusal({ seccompProfilePath: '/p.json' })).toBe(
      'InvalidArgument: cannot confine the container: ' +
        'seccomp_profile_path "/p.json" is not a profile',
    );
  });

  it('refuses a profile where the kernel has no filters', () => {
    const host = { ...sampleHost, seccompEnabled: false };
    expect(refusal({ seccomp: {} }, host)).toBe(
      'FailedPrecondition: cannot confine the container: this kernel has no seccomp filters',
    );
    expect(refusal({}, host)).toBe('not refused');
  });
});
