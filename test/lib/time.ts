// Limits on a machine that is slower than others: in the guest's software emulation programs take 10
// to 30 times as long. Only limits grow; nothing waits longer for it.
const given = process.env['ESTIBA_TEST_TIME_FACTOR'] ?? '1';

/** How many times as long things may take here (ESTIBA_TEST_TIME_FACTOR, default 1). */
export const timeFactor: number = Number(given);
if (!(timeFactor >= 1)) {
  throw new Error(`cannot use ESTIBA_TEST_TIME_FACTOR "${given}": not a number of at least 1`);
}

/** The limit in milliseconds that a plain machine's limit is here. */
export function limitMs(onPlainMachine: number): number {
  return onPlainMachine * timeFactor;
}
