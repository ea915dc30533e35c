// What /proc says about processes.
import { readdir, readFile } from 'node:fs/promises';

export interface ProcessStat {
  readonly pid: number;
  /** One letter, as ps shows it. */
  readonly state: string;
  readonly parent: number;
  /** Clock ticks of CPU time, user and system, of the process itself. */
  readonly cpuTicks: number;
  /** Of children that have been waited for, and theirs. */
  readonly childCpuTicks: number;
  /** Since boot, in clock ticks: field 22. */
  readonly startTicks: string;
}

/** Reads /proc/<pid>/stat; undefined when there is no such process. */
export async function statOf(pid: number): Promise<ProcessStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field, the name, may hold spaces and parentheses of its own.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent] = fields;
  const [user, system, startTicks] = [fields[11], fields[12], fields[19]];
  if (startTicks === undefined) {
    return undefined;
  }
  const cpuTicks = Number(user) + Number(system);
  const childCpuTicks = Number(fields[13]) + Number(fields[14]);
  return { pid, state, parent: Number(parent), cpuTicks, childCpuTicks, startTicks };
}

/** True when the process has ended, also while its parent has not reaped it. */
export async function hasEnded(pid: number): Promise<boolean> {
  const stat = await statOf(pid);
  return stat === undefined || isEnded(stat.state);
}

/** True for the states of a process that has ended, reaped or not. */
export function isEnded(state: string): boolean {
  return /[ZX]/u.test(state);
}

/** Every process of this pid namespace. */
export async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/u.test(name)).map(Number);
}

/** The processes with this name (comm), which the kernel cuts after 15 bytes. */
export async function pidsNamed(wanted: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await allPids()) {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.trimEnd() === wanted) {
      found.push(pid);
    }
  }
  return found;
}
