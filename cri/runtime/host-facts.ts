// What is true of this host until the next boot, read once at start.
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { CriError } from '../core/error.ts';
import type { KernelFeatures } from '../isolator/launcher-messages.ts';

/** Facts that specs, records and status need. */
export interface HostFacts {
  readonly bootId: string;
  readonly hostname: string;
  readonly kernel: KernelFeatures;
  /** Our own hard limit of open files: a container cannot get more without CAP_SYS_RESOURCE. */
  readonly nofileHardLimit: number;
  readonly isApparmorEnabled: boolean;
  readonly isSelinuxEnabled: boolean;
}

/** Reads the facts. Throws Internal when /proc cannot be read. */
export async function readHostFacts(kernel: KernelFeatures): Promise<HostFacts> {
  const [bootId, limits, apparmor, selinux] = await Promise.all([
    readFact('/proc/sys/kernel/random/boot_id'),
    readFact('/proc/self/limits'),
    readFile('/sys/module/apparmor/parameters/enabled', 'utf8').catch(() => 'N'),
    readFile('/sys/fs/selinux/enforce', 'utf8').catch(() => undefined),
  ]);
  return {
    bootId: bootId.trim(),
    hostname: hostname(),
    kernel,
    nofileHardLimit: hardLimit(limits, 'Max open files'),
    isApparmorEnabled: apparmor.trim() === 'Y',
    isSelinuxEnabled: selinux !== undefined,
  };
}

async function readFact(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CriError('Internal', `cannot read "${path}": is /proc mounted?`, { cause });
  }
}

/** The hard limit in a row of /proc/self/limits; "unlimited" is the largest number. */
export function hardLimit(table: string, row: string): number {
  const line = table.split('\n').find((text) => text.startsWith(row));
  const value = line?.slice(row.length).trim().split(/\s+/u)[1];
  return value === undefined || value === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(value);
}
