import { describe, expect, it } from 'vitest';

import * as v from 'valibot';

import { capabilities, capabilityNames } from './capabilities.ts';
import { defaultProfile } from './seccomp-default.ts';

const profileSchema = v.object({
  defaultAction: v.string(),
  architectures: v.array(v.string()),
  syscalls: v.array(
    v.object({
      names: v.array(v.string()),
      action: v.string(),
      errnoRet: v.optional(v.number()),
      args: v.optional(v.array(v.object({ value: v.number(), op: v.string() }))),
    }),
  ),
});

const profileOf = (granted: readonly string[], architecture: 'x64' | 'arm64' = 'x64') =>
  v.parse(profileSchema, JSON.parse(defaultProfile(granted, architecture)));

const usual = capabilities({}, capabilityNames).bounding;

/** Calls that are allowed whatever their arguments. */
const allowed = (granted: readonly string[], architecture: 'x64' | 'arm64' = 'x64') =>
  new Set(profileOf(granted, architecture).syscalls[0]?.names);

describe('the profile RuntimeDefault', () => {
  it('refuses what it does not name', () => {
    expect(profileOf(usual).defaultAction).toBe('SCMP_ACT_ERRNO');
    for (const call of [
      'io_uring_setup',
      'keyctl',
      'userfaultfd',
      'kexec_load',
      'swapon',
      'mount',
    ]) {
      expect(allowed(usual)).not.toContain(call);
    }
  });

  it('keeps namespaces and clone3 from a container without CAP_SYS_ADMIN', () => {
    const rules = profileOf(usual).syscalls.filter(({ names }) => names[0]?.startsWith('clone'));
    expect(rules).toEqual([
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ value: 0x7e02_0000, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    ]);
    const all = allowed([...usual, 'CAP_SYS_ADMIN']);
    for (const call of ['clone', 'clone3', 'mount', 'unshare', 'setns', 'bpf']) {
      expect(all).toContain(call);
    }
    expect(profileOf([...usual, 'CAP_SYS_ADMIN']).syscalls).toHaveLength(3);
  });

  it.each([
    ['CAP_SYS_TIME', 'clock_settime'],
    ['CAP_SYS_BOOT', 'reboot'],
    ['CAP_SYS_MODULE', 'finit_module'],
    ['CAP_SYS_NICE', 'mbind'],
    ['CAP_SYSLOG', 'syslog'],
    ['CAP_BPF', 'bpf'],
    ['CAP_PERFMON', 'perf_event_open'],
    ['CAP_DAC_READ_SEARCH', 'open_by_handle_at'],
    ['CAP_SYS_CHROOT', 'chroot'],
  ])('opens with %s also %s', (capability, call) => {
    expect(allowed([])).not.toContain(call);
    expect(allowed([capability])).toContain(call);
  });

  it('leaves out AF_ALG and AF_VSOCK', () => {
    const socket = profileOf(usual).syscalls.find(({ names }) => names[0] === 'socket');
    const values = socket?.args?.map(({ value }) => value) ?? [];
    expect(values[0]).toBe(12);
    expect(values).not.toContain(38);
    expect(values).not.toContain(40);
    expect(values).toContain(17);
  });

  it('is that of the architecture', () => {
    expect(profileOf(usual, 'arm64').architectures).toEqual(['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
    expect(allowed(usual, 'arm64')).toContain('cacheflush');
    expect(allowed(usual, 'arm64')).not.toContain('arch_prctl');
    expect(allowed(usual)).toContain('arch_prctl');
  });

  it('is made once for each set of capabilities', () => {
    expect(defaultProfile(usual, 'x64')).toBe(defaultProfile([...usual], 'x64'));
  });
});
