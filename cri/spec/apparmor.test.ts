import { describe, expect, it } from 'vitest';

import { runtime } from '../../proto/gen/cri.js';
import { apparmorProfile } from './apparmor.ts';
import { refusalOf, sampleHost } from './sample-input.ts';

const { RuntimeDefault, Unconfined, Localhost } = runtime.v1.SecurityProfile.ProfileType;
const host = { ...sampleHost, apparmorEnabled: true };
const named = { apparmor: { profileType: Localhost, localhostRef: 'localhost/web' } };

describe('apparmorProfile', () => {
  it.each([{}, { apparmor: {} }, { apparmor: { profileType: RuntimeDefault } }])(
    'is the one of this runtime for %j',
    (security) => {
      expect(apparmorProfile(security, host)).toBe('estiba-default');
    },
  );

  it.each([named, { apparmor: { ...named.apparmor, localhostRef: 'web' } }])(
    'is the one that %j names',
    (security) => {
      expect(apparmorProfile(security, host)).toBe('web');
      expect(apparmorProfile({ ...security, privileged: true }, host)).toBe('web');
    },
  );

  it('understands the old string, and the new field wins over it', () => {
    expect(apparmorProfile({ apparmorProfile: 'localhost/old' }, host)).toBe('old');
    expect(apparmorProfile({ apparmorProfile: 'unconfined' }, host)).toBe('');
    expect(apparmorProfile({ ...named, apparmorProfile: 'unconfined' }, host)).toBe('web');
    expect(refusalOf(() => apparmorProfile({ apparmorProfile: 'web' }, host)).code).toBe(
      'InvalidArgument',
    );
  });

  it('is none for Unconfined, and for a privileged container that names none', () => {
    expect(apparmorProfile({ apparmor: { profileType: Unconfined } }, host)).toBe('');
    expect(apparmorProfile({ privileged: true }, host)).toBe('');
  });

  it('is none on a host without AppArmor, where only a name is refused', () => {
    expect(apparmorProfile({}, sampleHost)).toBe('');
    expect(apparmorProfile({ apparmor: {} }, sampleHost)).toBe('');
    expect(refusalOf(() => apparmorProfile(named, sampleHost))).toEqual({
      code: 'FailedPrecondition',
      message: 'cannot confine the container: no AppArmor for profile "web"',
    });
  });

  it('is refused where our own is asked for and cannot be loaded', () => {
    const poor = { ...host, apparmorDefaultProblem: 'apparmor_parser is not installed' };
    expect(apparmorProfile({}, poor)).toBe('');
    expect(refusalOf(() => apparmorProfile({ apparmor: {} }, poor)).message).toContain(
      'apparmor_parser is not installed',
    );
  });

  it('is never a name that could be more than one', () => {
    const evil = { apparmor: { profileType: Localhost, localhostRef: 'a b' } };
    expect(refusalOf(() => apparmorProfile(evil, host)).code).toBe('InvalidArgument');
    const empty = { apparmor: { profileType: Localhost, localhostRef: 'localhost/' } };
    expect(refusalOf(() => apparmorProfile(empty, host)).code).toBe('InvalidArgument');
  });
});
