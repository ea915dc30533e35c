import { describe, expect, it } from 'vitest';

import { refusalOf, sampleSandbox } from './sample-input.ts';
import {
  checkPrivileged,
  defaultMaskedPaths,
  defaultReadonlyPaths,
  hiddenPaths,
} from './security.ts';

describe('hiddenPaths', () => {
  it('are the defaults only where nobody said anything', () => {
    const defaults = { maskedPaths: defaultMaskedPaths, readonlyPaths: defaultReadonlyPaths };
    expect(hiddenPaths(null)).toEqual(defaults);
    expect(hiddenPaths(undefined)).toEqual(defaults);
    expect(hiddenPaths({})).toEqual({ maskedPaths: [], readonlyPaths: [] });
  });

  it('are taken as given, and none when privileged', () => {
    const given = { maskedPaths: ['/bin/ls'], readonlyPaths: ['/tmp'] };
    expect(hiddenPaths(given)).toEqual(given);
    expect(hiddenPaths({ ...given, privileged: true })).toEqual({
      maskedPaths: [],
      readonlyPaths: [],
    });
  });

  it.each(['proc/kcore', '', '/', '/..', '/a\0b'])('refuse %j', (path) => {
    expect(refusalOf(() => hiddenPaths({ maskedPaths: [path] })).code).toBe('InvalidArgument');
    expect(refusalOf(() => hiddenPaths({ readonlyPaths: [path] })).code).toBe('InvalidArgument');
  });
});

describe('checkPrivileged', () => {
  it('wants a privileged sandbox first', () => {
    const privileged = { linux: { securityContext: { privileged: true } } };
    expect(refusalOf(() => checkPrivileged(sampleSandbox, { privileged: true })).message).toBe(
      'cannot make a privileged container: its sandbox is not privileged',
    );
    expect(() => checkPrivileged(privileged, { privileged: true })).not.toThrow();
    expect(() => checkPrivileged(sampleSandbox, {})).not.toThrow();
  });
});
