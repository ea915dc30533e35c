// How much of the machine's time something took.
import { readFile } from 'node:fs/promises';

/** What a tick of /proc is on every Linux that runs Node. */
export const msPerTick = 10;

/** CPU time that all processors have spent on anything since boot, in ms. */
export async function machineCpuMs(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .split(/\s+/u)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * msPerTick;
}
