// The one function that decides a container's capabilities, and the kernel's list of names.
import type { ContainerSecurity } from './cri-types.ts';
import { notOnThisHost, quote, refused } from './refusal.ts';
import type { OciCapabilities } from './types.ts';

/** The kernel's capabilities in the order of their numbers, from 0. */
export const capabilityNames: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
];

// containerd's and Docker's defaults; images are built against them.
const defaults: ReadonlySet<string> = new Set([
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
]);

const known: ReadonlySet<string> = new Set(capabilityNames);

/** The names of a mask as /proc/<pid>/status prints it (hexadecimal); unknown bits are dropped. */
export function capabilitiesFromMask(mask: string): string[] {
  const bits = BigInt(`0x${mask.trim()}`);
  return capabilityNames.filter((_, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}

/**
 * The five sets. Inheritable and ambient hold what add_ambient_capabilities names and nothing else;
 * privileged means all that the host has, whatever else is asked.
 * Throws InvalidArgument for unknown names, FailedPrecondition for one that the host lacks.
 */
export function capabilities(
  security: ContainerSecurity,
  onHost: readonly string[],
): OciCapabilities {
  if (security.privileged === true) {
    return setsOf(onHost, []);
  }
  const add = parse(security.capabilities?.addCapabilities);
  const drop = parse(security.capabilities?.dropCapabilities);
  const ambient = parse(security.capabilities?.addAmbientCapabilities);
  for (const name of [...add.names, ...ambient.names]) {
    if (!onHost.includes(name) && !drop.names.has(name)) {
      throw notOnThisHost(`add capability "${name}"`, 'this host does not let us hand it out');
    }
  }
  const base = startingSet(add.all || ambient.all, drop.all, onHost);
  const granted = (name: string) =>
    (base.has(name) || add.names.has(name) || ambient.names.has(name)) && !drop.names.has(name);
  const inherited = (name: string) =>
    ((ambient.all && !drop.all) || ambient.names.has(name)) && granted(name);
  return setsOf(onHost.filter(granted), onHost.filter(inherited));
}

// Naming one after ALL refines it, so ALL comes first; dropping ALL beats adding ALL.
function startingSet(
  addAll: boolean,
  dropAll: boolean,
  onHost: readonly string[],
): ReadonlySet<string> {
  if (dropAll) {
    return new Set();
  }
  return addAll ? new Set(onHost) : defaults;
}

function setsOf(granted: readonly string[], inherited: readonly string[]): OciCapabilities {
  const inOrder = capabilityNames.filter((name) => granted.includes(name));
  const inheritable = capabilityNames.filter((name) => inherited.includes(name));
  return {
    bounding: inOrder,
    effective: inOrder,
    permitted: inOrder,
    inheritable,
    ambient: inheritable,
  };
}

function parse(list: readonly string[] | null | undefined): { all: boolean; names: Set<string> } {
  const names = new Set<string>();
  let all = false;
  for (const given of list ?? []) {
    const upper = given.toUpperCase();
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (name === 'CAP_ALL') {
      all = true;
    } else if (known.has(name)) {
      names.add(name);
    } else {
      throw refused('change capabilities', `${quote(given)} is not a capability`);
    }
  }
  return { all, names };
}
