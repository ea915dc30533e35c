// How a sandbox ends: its processes, its network, its monitor, its files. Each step is idempotent, so
// that a call that failed half-way is simply made again.
import { rm } from 'node:fs/promises';
import { Deadline, settledOrAborted } from '../core/deadline.ts';
import { asCriError, type CriError } from '../core/error.ts';
import type { SandboxId } from '../core/ids.ts';
import type { MonitorClient } from '../isolator/monitor-client.ts';
import { removeContainerFiles } from './container-files.ts';
import type { Deps } from './deps.ts';
import { destroyPod } from './destroy-pod.ts';
import { keepSandboxChange } from './keep-change.ts';
import { podFilePaths, removePodFiles } from './pod-files.ts';

/** What a monitor that is out of reach gets to answer; one that is silent for so long may hang. */
const patienceMs = 5_000;

/**
 * Kills every process of the pod, releases its network and its monitor; the sandbox is NOTREADY
 * afterwards. Throws what failed; the rest has been done where it could be. Repeating it does all
 * that was left.
 */
export async function endSandbox(deps: Deps, sandboxId: SandboxId, reason: string): Promise<void> {
  const sandbox = deps.store.sandboxes.get(sandboxId);
  if (sandbox === undefined) {
    return;
  }
  const { isNetnsGone, hung } = await killPod(deps, sandboxId, reason);
  if (sandbox.state !== 'notReady') {
    await keepSandboxChange(deps, sandboxId, { state: 'notReady', reason });
  }
  await deps.network.detach(sandboxId, isNetnsGone);
  if (hung !== undefined) {
    throw hung;
  }
  await deps.monitors.release(sandboxId);
  deps.jobs.stop(endJob(sandboxId));
}

interface Killed {
  /** The pod's namespaces have ended with its monitor. */
  readonly isNetnsGone: boolean;
  /** What was killed and hangs in the kernel; all others are dead. */
  readonly hung?: CriError;
}

// The monitor answers when all are dead, and has told of every exit before.
async function killPod(deps: Deps, sandboxId: SandboxId, reason: string): Promise<Killed> {
  const monitor = await deps.monitors.findWithin(sandboxId, patienceMs);
  try {
    if (monitor !== undefined && (await stopsPod(monitor))) {
      return { isNetnsGone: false };
    }
  } catch (error) {
    const hung = asCriError(error);
    if (hung.code === 'FailedPrecondition') {
      return { isNetnsGone: false, hung };
    }
    throw error;
  }
  if (monitor !== undefined) {
    deps.log.error({ sandboxId }, 'a monitor hangs; its pod is being ended without it');
    deps.monitors.giveUp(sandboxId);
  }
  // Always: nobody can tell whether the pod had been ended completely when its monitor went.
  await destroyPod(deps, sandboxId, `${reason}; its monitor is gone`);
  return { isNetnsGone: true };
}

// False when the monitor hangs, which is asked after a while: killing may take long (a volume that does
// not answer), but a monitor that does that answers other calls meanwhile.
async function stopsPod(monitor: MonitorClient): Promise<boolean> {
  const stop = new AbortController();
  const stopped = monitor.stopPod(stop.signal);
  const over = stopped.then(
    () => true,
    () => true,
  );
  using patience = new Deadline('stop a pod', patienceMs);
  const isOver = await settledOrAborted(over, 'stop a pod', patience.signal).catch(() => false);
  if (!isOver && (await Promise.race([over.then(() => false), hangs(monitor)]))) {
    stop.abort();
    return false;
  }
  await stopped;
  return true;
}

async function hangs(monitor: MonitorClient): Promise<boolean> {
  return await monitor.getPod().then(
    () => false,
    (error: unknown) => asCriError(error).code === 'DeadlineExceeded',
  );
}

/** Removes everything of an ended sandbox, containers and record included. */
export async function removeSandbox(deps: Deps, sandboxId: SandboxId): Promise<void> {
  for (const container of deps.store.containers.ofSandbox(sandboxId)) {
    await removeContainerFiles(deps, container);
    await deps.store.containers.remove(container.id);
  }
  await rm(deps.monitors.podDir(sandboxId), { recursive: true, force: true });
  await removePodFiles(podFilePaths(deps.config.stateDir, sandboxId));
  await deps.store.sandboxes.remove(sandboxId);
}

/**
 * What a monitor that died means: nobody watches the pod any more, so it must not run on. NOTREADY on
 * return; the pod is ended, and its network released, in the background until that has worked.
 */
export async function onMonitorDeath(deps: Deps, sandboxId: SandboxId, why: string): Promise<void> {
  const sandbox = deps.store.sandboxes.get(sandboxId);
  if (sandbox === undefined) {
    return;
  }
  const reason = `monitor died: ${why}`;
  if (sandbox.state !== 'notReady') {
    deps.log.error({ sandboxId, reason }, 'a monitor died; its pod is being ended');
    await keepSandboxChange(deps, sandboxId, { state: 'notReady', reason });
  }
  deps.jobs.start(endJob(sandboxId), async (signal) => {
    await deps.queue.run(sandboxId, async () => {
      if (deps.store.sandboxes.get(sandboxId) !== undefined) {
        await destroyPod(deps, sandboxId, reason, signal);
      }
    });
    // Not in the pod's queue: whoever removes its containers need not wait for a plugin that hangs.
    await deps.network.detach(sandboxId, true, signal);
  });
}

function endJob(sandboxId: SandboxId): string {
  return `end pod "${sandboxId}"`;
}
