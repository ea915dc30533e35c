// How an exit record of a monitor becomes what CRI shows.
import type { ExitRecord } from '../isolator/monitor-messages.ts';
import type { ContainerChange } from '../store/record.ts';

/** What a container whose monitor died without a record of it is said to have exited with. */
const lostExitCode = 255;

/** The record's change for an exit. The words are those that the kubelet and its users know. */
export function exitChange(exit: ExitRecord): ContainerChange {
  return {
    state: 'exited',
    pid: 0,
    exitCode: exit.exitCode,
    startedAtNs: exit.startedAtNs,
    finishedAtNs: exit.finishedAtNs,
    reason: exitReason(exit),
    message: exit.message,
  };
}

/** The change for a container that nobody saw ending. */
export function lostChange(why: string, finishedAtNs: bigint): ContainerChange {
  return {
    state: 'exited',
    pid: 0,
    exitCode: lostExitCode,
    finishedAtNs,
    reason: 'Unknown',
    message: why,
  };
}

function exitReason(exit: ExitRecord): string {
  if (exit.startFailed) {
    return 'StartError';
  }
  if (exit.oomKilled) {
    return 'OOMKilled';
  }
  return exit.exitCode === 0 ? 'Completed' : 'Error';
}
