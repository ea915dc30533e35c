// Processes known by pid and start time, so that a pid used again is never mistaken for the old one.
import { allPids, isEnded, statOf } from '../../test/lib/processes.ts';

/** One process for as long as it lives. */
export interface Process {
  readonly pid: number;
  /** Since boot, in clock ticks: field 22 of /proc/<pid>/stat. */
  readonly startTicks: string;
}

/** The process that has this pid now. */
export async function processOf(pid: number): Promise<Process | undefined> {
  const stat = await statOf(pid);
  return stat && { pid, startTicks: stat.startTicks };
}

/** True until the process has ended; one that only waits to be reaped has ended. */
export async function isAlive({ pid, startTicks }: Process): Promise<boolean> {
  const stat = await statOf(pid);
  return stat !== undefined && stat.startTicks === startTicks && !isEnded(stat.state);
}

/** The process and everything below it. */
export async function processTree(root: Process): Promise<Process[]> {
  const stats = await Promise.all((await allPids()).map(statOf));
  const all = stats.filter((stat) => stat !== undefined);
  const tree: Process[] = [root];
  for (const { pid } of tree) {
    const children = all.filter(({ parent }) => parent === pid);
    tree.push(...children.map(({ pid, startTicks }) => ({ pid, startTicks })));
  }
  return tree;
}

/** SIGTERM, then SIGKILL after `graceMs`; returns when the process has ended. */
export async function endProcess(target: Process, graceMs: number): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!(await isAlive(target))) {
      return;
    }
    process.kill(target.pid, signal);
    if (await ends(target, graceMs)) {
      return;
    }
  }
  throw new Error(`cannot end process ${target.pid}: it is still there after SIGKILL`);
}

async function ends(target: Process, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if (!(await isAlive(target))) {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}
