// Sysctls of a pod. Only those that the kernel keeps per namespace, and only of a namespace that the
// pod does not share with the host: anything else would change the host (CVE-2022-0532).
import type { PodSandboxConfig } from './cri-types.ts';
import type { IdMappings } from './input.ts';
import type { PodModes } from './namespaces.ts';
import { quote, refused } from './refusal.ts';

const ipcKeys: ReadonlySet<string> = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

// What containers expect since Docker set it: low ports and ping without capabilities.
function networkDefaults(ids: IdMappings | undefined): Readonly<Record<string, string>> {
  // Groups as the pod counts them; those beyond the range of a user namespace do not exist in it.
  const lastGroup = (ids?.gids[0]?.length ?? 2 ** 31) - 1;
  return {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': `0 ${lastGroup}`,
  };
}

/**
 * The sysctls to set, keys with dots ("/" stands for a dot inside a name, as sysctl(8) has it), our
 * defaults for a pod network included. Throws InvalidArgument.
 */
export function podSysctls(
  config: PodSandboxConfig,
  modes: PodModes,
  ids?: IdMappings,
): Record<string, string> {
  const result = new Map<string, string>(
    modes.network === 'pod' ? Object.entries(networkDefaults(ids)) : [],
  );
  const given = new Set<string>();
  for (const [asked, value] of Object.entries(config.linux?.sysctls ?? {})) {
    const key = dotted(asked);
    checkKey(asked, key, modes);
    checkValue(asked, value);
    if (given.has(key)) {
      throw refused(`set sysctl ${quote(asked)}`, 'it is given twice in different spellings');
    }
    given.add(key);
    result.set(key, value);
  }
  return Object.fromEntries(result);
}

// sysctl(8): the first separator tells which of "." and "/" separates; the other is part of a name.
function dotted(key: string): string {
  const first = /[./]/u.exec(key)?.[0];
  const swap = (character: string) => (character === '.' ? '/' : '.');
  return first === '/' ? key.replaceAll(/[./]/gu, swap) : key;
}

function checkKey(asked: string, key: string, modes: PodModes): void {
  const action = `set sysctl ${quote(asked)}`;
  const parts = key.split('.');
  const odd = parts.find(
    (part) => !/^[A-Za-z0-9_:@/-]+$/u.test(part) || part === '/' || part === '//',
  );
  if (odd !== undefined || parts.length < 2) {
    throw refused(action, 'it is not the name of a sysctl');
  }
  if (key.startsWith('net.')) {
    refuseWhenShared(action, modes.network, 'network');
  } else if (ipcKeys.has(key) || key.startsWith('fs.mqueue.')) {
    refuseWhenShared(action, modes.ipc, 'ipc');
  } else {
    throw refused(action, 'it is not one that the kernel keeps for each pod');
  }
}

function refuseWhenShared(action: string, mode: 'pod' | 'node', kind: string): void {
  if (mode === 'node') {
    throw refused(action, `the pod uses the host's ${kind} namespace, it would change the host`);
  }
}

function checkValue(key: string, value: string): void {
  if (/[^\t\P{Cc}]/u.test(value)) {
    throw refused(`set sysctl ${quote(key)}`, `value ${quote(value)} holds a control character`);
  }
}
