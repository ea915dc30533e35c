// What the kernel says about a container's limits, the same words for both versions of cgroups.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestServer } from './test-server.ts';

/** undefined = no limit. Bytes, microseconds. */
export interface Limits {
  readonly cpuQuota: number | undefined;
  readonly cpuPeriod: number | undefined;
  /** v1: shares; v2: weight. */
  readonly cpuWeight: number;
  readonly cpus: string;
  readonly memory: number | undefined;
  /** Swap alone; undefined also where the host cannot limit it. */
  readonly swap: number | undefined;
  readonly pids: number | undefined;
}

/** The cgroup of a container's first process. */
export interface ContainerCgroup {
  readonly isV2: boolean;
  /** Below the mount point. */
  readonly path: string;
  read(controller: string, file: string): Promise<string>;
  limits(): Promise<Limits>;
}

/** The pid of a container's first process as the server tells it. */
export async function pidOf(server: TestServer, containerId: string): Promise<number> {
  const request = { containerId, verbose: true };
  const { info } = await server.client.runtime.containerStatus(request);
  const { pid } = JSON.parse(info?.['info'] ?? '{}') as { pid: number };
  return pid;
}

/** Reads /proc/<pid>/cgroup of the container. */
export async function cgroupOf(server: TestServer, containerId: string): Promise<ContainerCgroup> {
  const groups = await readFile(`/proc/${await pidOf(server, containerId)}/cgroup`, 'utf8');
  const paths = new Map<string, string>();
  for (const line of groups.trim().split('\n')) {
    const [, controllers = '', path = ''] = line.split(':');
    for (const controller of controllers.split(',')) {
      paths.set(controller, path);
    }
  }
  const isV2 = !paths.has('memory');
  const read = async (controller: string, file: string): Promise<string> => {
    const below = paths.get(isV2 ? '' : controller) ?? '';
    const root = isV2 ? '/sys/fs/cgroup' : join('/sys/fs/cgroup', controller);
    return (await readFile(join(root, below, file), 'utf8')).trim();
  };
  return {
    isV2,
    path: paths.get(isV2 ? '' : 'memory') ?? '',
    read,
    limits: () => (isV2 ? limitsV2(read) : limitsV1(read)),
  };
}

type Read = ContainerCgroup['read'];

function bounded(text: string): number | undefined {
  const value = Number(text);
  // v1 says "no limit" with the largest page-aligned number, or -1.
  return text === 'max' || value < 0 || value >= 2 ** 62 ? undefined : value;
}

async function limitsV2(read: Read): Promise<Limits> {
  const [quota = '', period = ''] = (await read('cpu', 'cpu.max')).split(' ');
  const swap = await read('memory', 'memory.swap.max').catch(() => 'max');
  return {
    cpuQuota: bounded(quota),
    cpuPeriod: bounded(period),
    cpuWeight: Number(await read('cpu', 'cpu.weight')),
    cpus: await read('cpuset', 'cpuset.cpus'),
    memory: bounded(await read('memory', 'memory.max')),
    swap: bounded(swap),
    pids: bounded(await read('pids', 'pids.max')),
  };
}

async function limitsV1(read: Read): Promise<Limits> {
  const memory = bounded(await read('memory', 'memory.limit_in_bytes'));
  const both = bounded(await read('memory', 'memory.memsw.limit_in_bytes').catch(() => '-1'));
  return {
    cpuQuota: bounded(await read('cpu', 'cpu.cfs_quota_us')),
    cpuPeriod: bounded(await read('cpu', 'cpu.cfs_period_us')),
    cpuWeight: Number(await read('cpu', 'cpu.shares')),
    cpus: await read('cpuset', 'cpuset.cpus'),
    memory,
    swap: both === undefined || memory === undefined ? undefined : both - memory,
    pids: bounded(await read('pids', 'pids.max')),
  };
}

/** Number of a block device of this host, "major:minor", as io.* files name it; undefined without one. */
export async function blockDevice(): Promise<string | undefined> {
  const names = await readdir('/sys/block').catch(() => []);
  const name = names.find((each) => !each.startsWith('ram'));
  return name === undefined
    ? undefined
    : (await readFile(join('/sys/block', name, 'dev'), 'utf8')).trim();
}
