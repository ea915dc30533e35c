// What is true of this host until the next boot, read once at start.
import { access, readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CriError } from '../core/error.ts';
import type { KernelFeatures } from '../isolator/launcher-messages.ts';
import { capabilitiesFromMask } from '../spec/capabilities.ts';
import type { HostFacts as SpecHostFacts } from '../spec/input.ts';

/** Facts that specs, records and status need. */
export interface HostFacts {
  readonly bootId: string;
  readonly hostname: string;
  readonly kernel: KernelFeatures;
  readonly spec: SpecHostFacts;
}

/** Reads the facts. Throws Internal when /proc cannot be read. */
export async function readHostFacts(kernel: KernelFeatures): Promise<HostFacts> {
  const [bootId, limits, status, score, apparmor, swapLimit, hugepageSizes] = await Promise.all([
    readFact('/proc/sys/kernel/random/boot_id'),
    readFact('/proc/self/limits'),
    readFact('/proc/self/status'),
    readFact('/proc/self/oom_score_adj'),
    readFile('/sys/module/apparmor/parameters/enabled', 'utf8').catch(() => 'N'),
    hasSwapLimit(kernel),
    hugepages(kernel),
  ]);
  return {
    bootId: bootId.trim(),
    hostname: hostname(),
    kernel,
    spec: {
      cgroupVersion: kernel.cgroupVersion === 'v2' ? 'v2' : 'v1',
      swapLimit,
      hugepageSizes,
      nofileHardLimit: hardLimit(limits, 'Max open files'),
      lowestOomScoreAdj: lowestOomScoreAdj(status, Number(score)),
      capabilities: capabilitiesFromMask(/^CapBnd:\s*(\S+)/mu.exec(status)?.[1] ?? '0'),
      recursiveReadOnly: kernel.recursiveReadOnly,
      userNamespacesProblem: userNamespacesProblem(kernel),
      environmentBytes: true,
      architecture: process.arch === 'arm64' ? 'arm64' : 'x64',
      seccompEnabled: /^Seccomp_filters:|^Seccomp:/mu.test(status),
      apparmorEnabled: apparmor.trim() === 'Y',
      apparmorDefaultProblem: 'it has not been loaded', // see DefaultApparmor
      selinux: undefined,
    },
  };
}

// A launcher of an older version does not know the question.
function userNamespacesProblem(kernel: KernelFeatures): string {
  if (kernel.userNamespaces) {
    return '';
  }
  const problem = kernel.userNamespacesProblem;
  return problem === '' ? 'the running launcher is older than they are' : problem;
}

async function readFact(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CriError('Internal', `cannot read "${path}": is /proc mounted?`, { cause });
  }
}

/** The hard limit in a row of /proc/self/limits; "unlimited" is the largest number. */
function hardLimit(table: string, row: string): number {
  const line = table.split('\n').find((text) => text.startsWith(row));
  const value = line?.slice(row.length).trim().split(/\s+/u)[1];
  return value === undefined || value === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(value);
}

/** What the kernel lets us give: any score with CAP_SYS_RESOURCE, else none below our own. */
export function lowestOomScoreAdj(status: string, own: number): number {
  const effective = /^CapEff:\s*(\S+)/mu.exec(status)?.[1] ?? '0';
  return capabilitiesFromMask(effective).includes('CAP_SYS_RESOURCE') ? -1000 : own;
}

// Both versions show the limit only below the root. A server that stands in the root itself (no
// init system has put it elsewhere) finds it in the cgroups below, the launcher's at least.
async function hasSwapLimit(kernel: KernelFeatures): Promise<boolean> {
  const isV2 = kernel.cgroupVersion === 'v2';
  const own = await ownCgroup(isV2 ? '' : 'memory');
  const entries = await readdir(own, { withFileTypes: true }).catch(() => []);
  const below = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const file = isV2 ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes';
  const found = await Promise.all(['', ...below].map((name) => exists(join(own, name, file))));
  return found.includes(true);
}

async function hugepages(kernel: KernelFeatures): Promise<string[]> {
  if (!kernel.cgroupControllers.includes('hugetlb')) {
    return [];
  }
  const sizes = await readdir('/sys/kernel/mm/hugepages').catch(() => []);
  return sizes.flatMap((name) => {
    const kib = Number(/^hugepages-(\d+)kB$/u.exec(name)?.[1] ?? Number.NaN);
    return Number.isNaN(kib) ? [] : [hugepageName(kib)];
  });
}

// The kernel's own names of the limit files: "64KB", "2MB", "1GB".
function hugepageName(kib: number): string {
  if (kib >= 1024 * 1024) {
    return `${kib / (1024 * 1024)}GB`;
  }
  return kib >= 1024 ? `${kib / 1024}MB` : `${kib}KB`;
}

async function ownCgroup(controller: string): Promise<string> {
  const groups = await readFact('/proc/self/cgroup');
  for (const line of groups.split('\n')) {
    const [id = '', controllers = '', ...path] = line.split(':');
    if (controller === '' ? id === '0' : controllers.split(',').includes(controller)) {
      return join('/sys/fs/cgroup', controller, path.join(':'));
    }
  }
  return join('/sys/fs/cgroup', controller);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
