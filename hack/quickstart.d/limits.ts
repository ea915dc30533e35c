// A container's limits as the kernel has them, whichever cgroup version holds them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Files that hold a limit: v1 by controller, v2 in one directory. */
const files = {
  v1: [
    ['memory', 'memory.limit_in_bytes'],
    ['cpu', 'cpu.cfs_quota_us'],
    ['cpu', 'cpu.cfs_period_us'],
    ['cpu', 'cpu.shares'],
  ],
  v2: [
    ['', 'memory.max'],
    ['', 'cpu.max'],
    ['', 'cpu.weight'],
  ],
} as const;

interface Hierarchies {
  readonly version: 'v1' | 'v2';
  /** Mount points by controller; "" is the unified one. */
  readonly roots: ReadonlyMap<string, string>;
}

/** The cgroup hierarchies of this host; v1 where the memory controller is there. */
export async function hierarchies(): Promise<Hierarchies> {
  const roots = new Map<string, string>();
  for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).trim().split('\n')) {
    const [left, right] = line.split(' - ');
    const mountPoint = left?.split(' ')[4] ?? '';
    const [type, , options] = right?.split(' ') ?? [];
    if (type === 'cgroup2') {
      roots.set('', mountPoint);
    } else if (type === 'cgroup') {
      for (const option of options?.split(',') ?? []) {
        roots.set(option, mountPoint);
      }
    }
  }
  return { version: roots.has('memory') ? 'v1' : 'v2', roots };
}

/** Reads the limits of the cgroup `path`: one "file = value" line each. */
export async function readLimits(path: string): Promise<string[]> {
  const { version, roots } = await hierarchies();
  return Promise.all(
    files[version].map(async ([controller, file]) => {
      const value = await readFile(join(roots.get(controller) ?? '', path, file), 'utf8');
      return `${file} = ${value.trim()}`;
    }),
  );
}
