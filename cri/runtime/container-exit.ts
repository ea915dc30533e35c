// How an exit record of a monitor becomes what CRI shows.
import type { ExitRecord } from '../isolator/monitor-messages.ts';
import type { ContainerChange } from '../store/record.ts';
import { oomMessage } from './oom-kills.ts';

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
    message: [exit.message, lackOfMemory(exit)].filter((text) => text !== '').join('; '),
    oomKills: exit.oom?.kills ?? 0,
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

// Not of what ended well: the kubelet puts it before the program's own termination message, which
// pipelines parse.
function lackOfMemory(exit: ExitRecord): string {
  return exit.exitCode === 0 && !exit.startFailed ? '' : oomMessage(exit.oom);
}

function exitReason(exit: ExitRecord): string {
  if (exit.startFailed) {
    return 'StartError';
  }
  if (exit.exitCode === 0) {
    return 'Completed'; // whatever children it has lost on the way
  }
  return exit.oomKilled ? 'OOMKilled' : 'Error';
}
