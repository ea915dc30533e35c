// The proof that a quickstart is gone: every kind of thing it made is looked for by name.
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allPids, isEnded, statOf } from '../../test/lib/processes.ts';
import { outputOf } from './command.ts';
import type { Ground } from './ground.ts';
import { hierarchies } from './limits.ts';
import { isAlive, type Process } from './processes.ts';

/** What a running quickstart has made, noted before it is taken down. */
export interface Inventory {
  readonly processes: readonly Process[];
  readonly sandboxIds: readonly string[];
  /** The host's ends of the pods' interfaces. */
  readonly interfaces: readonly string[];
}

/** The interfaces that hang on the quickstart's bridge. */
export function bridgePorts(ground: Ground): Promise<string[]> {
  return readdir(`/sys/class/net/${ground.bridge}/brif`).catch(() => []);
}

/** One line for everything that is still there; empty when all is gone. */
export async function remains(ground: Ground, inventory: Inventory): Promise<string[]> {
  const found = await Promise.all([
    processes(ground, inventory),
    mounts(ground),
    namespaces(inventory),
    cgroups(ground),
    interfaces(ground, inventory),
    packetFilter(ground),
    files(ground),
  ]);
  return found.flat();
}

async function processes(ground: Ground, inventory: Inventory): Promise<string[]> {
  const found: string[] = [];
  for (const target of inventory.processes) {
    if (await isAlive(target)) {
      found.push(`process ${target.pid}`);
    }
  }
  for (const pid of await allPids()) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    const state = (await statOf(pid))?.state ?? 'X';
    if (isLeft(ground, { command, cgroup, state })) {
      found.push(`process ${pid} ${command.replaceAll('\0', ' ').trim()}`);
    }
  }
  return [...new Set(found)];
}

/**
 * Whether a process is the quickstart's and has not ended. One that waits to be reaped has; until
 * then it names its cgroup, and pid 1, whose child an orphan is, takes its time.
 */
export function isLeft(
  ground: Pick<Ground, 'runDir' | 'stateDir' | 'cgroupBase'>,
  { command, cgroup, state }: { command: string; cgroup: string; state: string },
): boolean {
  const paths = [ground.runDir, ground.stateDir].map((path) => new RegExp(`${path}(/|\0|$)`, 'u'));
  const isOurs =
    paths.some((path) => path.test(command)) ||
    cgroup.split('\n').some((line) => line.includes(`:${ground.cgroupBase}/`));
  return isOurs && !isEnded(state);
}

async function mounts(ground: Ground): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .filter((line) => line.includes(`${ground.runDir}/`) || line.includes(`${ground.stateDir}/`))
    .map((line) => `mount ${line}`);
}

async function namespaces({ sandboxIds }: Inventory): Promise<string[]> {
  const pinned = await readdir('/run/netns').catch(() => []);
  return pinned
    .filter((name) => sandboxIds.some((id) => name.includes(id)))
    .map((name) => `network namespace ${name}`);
}

async function cgroups(ground: Ground): Promise<string[]> {
  const { roots } = await hierarchies();
  const paths = [...new Set(roots.values())].map((root) => join(root, ground.cgroupBase));
  const there = await Promise.all(paths.map(exists));
  return paths.filter((_, index) => there[index]).map((path) => `cgroup ${path}`);
}

async function interfaces(ground: Ground, inventory: Inventory): Promise<string[]> {
  const names = await readdir('/sys/class/net');
  return names
    .filter((name) => name === ground.bridge || inventory.interfaces.includes(name))
    .map((name) => `interface ${name}`);
}

/** Rules name the network in their comments. Without iptables the plugins could not make any. */
async function packetFilter(ground: Ground): Promise<string[]> {
  const installed = await Promise.all(
    (process.env['PATH'] ?? '').split(':').map((path) => exists(join(path, 'iptables-save'))),
  );
  if (!installed.includes(true)) {
    return [];
  }
  const rules = await outputOf('iptables-save', []);
  return rules
    .split('\n')
    .filter((rule) => rule.includes(`estiba-${ground.name}`))
    .map((rule) => `packet filter rule ${rule}`);
}

async function files(ground: Ground): Promise<string[]> {
  const paths = [ground.runDir, ground.stateDir];
  const there = await Promise.all(paths.map(exists));
  return paths.filter((_, index) => there[index]).map((path) => `directory ${path}`);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
