// The profile RuntimeDefault: an allow-list that depends on what the container may do anyway.
import { callsOfArchitecture, callsOfCapability, ordinaryCalls } from './seccomp-calls.ts';

/** Machines we have builds for, as Node names them. */
export type Architecture = 'x64' | 'arm64';

interface Argument {
  readonly index: number;
  readonly value: number;
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_LT' | 'SCMP_CMP_MASKED_EQ';
  readonly valueTwo?: number;
}

interface Rule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly Argument[];
}

const architectures: Readonly<Record<Architecture, readonly string[]>> = {
  x64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

const ENOSYS = 38;

// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
const namespaceFlags = 0x7e02_0000;

// Linux, Linux with 32-bit addresses, either with UNAME26, and asking.
const personalities = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

// Address families below this one are all allowed: from unix and inet to packet.
const firstRareFamily = 12;
// Allowed above: what the kernel still has. Not AF_ALG (38), whose crypto code has let containers
// out, not AF_VSOCK (40), which leads to the hypervisor, and none that hardly anybody uses.
const rareFamilies = [
  13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44,
  45,
];

const equal = (value: number): Argument => ({ index: 0, value, op: 'SCMP_CMP_EQ' });

function cloneRules(granted: ReadonlySet<string>): Rule[] {
  if (granted.has('CAP_SYS_ADMIN')) {
    return [];
  }
  const noNamespaces: Argument = {
    index: 0,
    value: namespaceFlags,
    valueTwo: 0,
    op: 'SCMP_CMP_MASKED_EQ',
  };
  return [
    { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [noNamespaces] },
    // Its flags lie in memory. A libc that is told that there is no such call takes clone.
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}

// Nearly all containers of a node have one of a few sets of capabilities.
const made = new Map<string, string>();
const mostMade = 64;

/**
 * The JSON text of the OCI spec's linux.seccomp for a container whose bounding set is `granted`.
 * Everything that is not named is EPERM, or ENOSYS where it is newer than what is named; io_uring,
 * keyrings, userfaultfd and kexec are not.
 */
export function defaultProfile(granted: readonly string[], architecture: Architecture): string {
  const key = [architecture, ...granted].join(' ');
  const known = made.get(key);
  if (known !== undefined) {
    return known;
  }
  if (made.size >= mostMade) {
    made.clear();
  }
  const profile = makeProfile(granted, architecture);
  made.set(key, profile);
  return profile;
}

function makeProfile(granted: readonly string[], architecture: Architecture): string {
  const set = new Set(granted);
  const byCapability = Object.entries(callsOfCapability).flatMap(([capability, calls]) =>
    set.has(capability) ? calls : [],
  );
  const names = new Set([...ordinaryCalls, ...callsOfArchitecture[architecture], ...byCapability]);
  const rules: Rule[] = [
    { names: [...names].toSorted(), action: 'SCMP_ACT_ALLOW' },
    ...cloneRules(set),
    {
      names: ['socket'],
      action: 'SCMP_ACT_ALLOW',
      // One argument several times means "or".
      args: [
        { index: 0, value: firstRareFamily, op: 'SCMP_CMP_LT' },
        ...rareFamilies.map((family) => equal(family)),
      ],
    },
    { names: ['personality'], action: 'SCMP_ACT_ALLOW', args: personalities.map(equal) },
  ];
  return JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: architectures[architecture],
    syscalls: rules,
  });
}
