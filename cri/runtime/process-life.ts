// Whether a process that was known once is still there.
import { readFile } from 'node:fs/promises';

/** A pid alone is soon somebody else's; with the start time it is one process of this boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, as in /proc/<pid>/stat. */
  readonly startTimeTicks: number;
}

/** True only when it is certain that the process has ended: what cannot be read is no proof. */
export async function isGone({ pid, startTimeTicks }: ProcessIdentity): Promise<boolean> {
  let line: string;
  try {
    line = await readFile(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH';
  }
  // The name in brackets may hold anything; behind it come fields 3 (state) and on.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return Number(fields[19]) !== startTimeTicks || 'ZXx'.includes(fields[0] ?? '');
}
