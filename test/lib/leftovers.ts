// What a server must not leave behind: processes, mounts, namespaces, cgroups, interfaces, files.
import { readdir, readFile, readlink, rmdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { allPids } from './processes.ts';

/** Where a test's server lived. */
export interface Ground {
  readonly runDir: string;
  readonly stateDir: string;
  readonly cgroupBase: string;
  readonly bridge: string;
}

/** Names everything of a stopped server that is still there; empty when all is gone. */
export async function leftovers(ground: Ground): Promise<string[]> {
  const found = await Promise.all([
    processes(),
    mounts(ground),
    pinnedNamespaces(),
    cgroups(ground),
    interfaces(),
    files(ground),
  ]);
  return found.flat();
}

async function processes(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await allPids()) {
    const exe = await readlink(`/proc/${pid}/exe`).catch(() => '');
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (exe.includes('estiba') || name.startsWith('estiba')) {
      found.push(`process ${pid} ${name.trim()} ${exe}`);
    }
  }
  return found;
}

async function mounts(ground: Ground): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .filter(
      (line) =>
        line.includes(ground.runDir) ||
        line.includes(ground.stateDir) ||
        line.includes('/netns/estiba-'),
    )
    .filter((line) => !line.includes(' - tmpfs tmpfs /run'))
    .map((line) => `mount ${line}`);
}

async function pinnedNamespaces(): Promise<string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  return names.filter((name) => name.startsWith('estiba-')).map((name) => `netns ${name}`);
}

/** Mount points of the cgroup hierarchies. */
export async function cgroupRoots(): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .filter((line) => / - cgroup2? /u.test(line))
    .map((line) => line.split(' ')[4] ?? '');
}

/** A parent as the kubelet names it, for tests: below the base of the server's cgroups. */
export const kubepods = 'kubepods/pod-1';

/**
 * Removes the cgroups that launcher and monitors stood in: nothing of ours is alive to do it. Fails
 * in silence where something is still inside, which `leftovers` then reports.
 */
export async function removeOwnCgroups({ cgroupBase }: Ground): Promise<void> {
  for (const root of await cgroupRoots()) {
    for (const own of ['launcher', 'monitors', kubepods, dirname(kubepods), '']) {
      await rmdir(join(root, cgroupBase, own)).catch(() => undefined);
    }
  }
}

async function cgroups(ground: Ground): Promise<string[]> {
  const roots = await cgroupRoots();
  const found: string[] = [];
  for (const root of roots) {
    const names = await readdir(root).catch(() => []);
    for (const name of names) {
      if (`/${name}` === ground.cgroupBase) {
        const below = await readdir(join(root, name), { withFileTypes: true });
        const children = below.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
        found.push(`cgroup ${join(root, name)} with [${children.join(', ')}]`);
      }
    }
  }
  return found;
}

async function interfaces(): Promise<string[]> {
  return Object.keys(networkInterfaces())
    .filter((name) => name.startsWith('veth'))
    .map((name) => `interface ${name}`);
}

async function files(ground: Ground): Promise<string[]> {
  const expected: Readonly<Record<string, readonly string[]>> = {
    [join(ground.runDir, 'pods')]: [],
    [join(ground.runDir, 'records', 'sandboxes')]: [],
    [join(ground.runDir, 'records', 'containers')]: [],
    [join(ground.stateDir, 'containers')]: [],
    [join(ground.stateDir, 'network')]: [],
    [join(ground.stateDir, 'ingest')]: [],
  };
  const found: string[] = [];
  for (const [directory, allowed] of Object.entries(expected)) {
    const names = await readdir(directory).catch(() => []);
    const strangers = names.filter((name) => !allowed.includes(name));
    found.push(...strangers.map((name) => `file ${join(directory, name)}`));
  }
  return found;
}
