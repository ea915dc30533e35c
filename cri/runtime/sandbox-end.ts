// How a sandbox ends: its processes, its network, its monitor, its files. Each step is idempotent, so
// that a call that failed half-way is simply made again.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../core/error.ts';
import type { SandboxId } from '../core/ids.ts';
import type { SandboxRecord } from '../store/record.ts';
import { exitChange, lostChange } from './container-exit.ts';
import { removeContainerFiles } from './container-files.ts';
import type { Deps } from './deps.ts';
import { podFilePaths, removePodFiles } from './pod-files.ts';

/**
 * Kills every process of the pod, releases its network and its monitor; the sandbox is NOTREADY
 * afterwards. Throws what failed; the rest has been done where it could be.
 */
export async function endSandbox(deps: Deps, sandboxId: SandboxId, reason: string): Promise<void> {
  const sandbox = deps.store.sandboxes.get(sandboxId);
  if (sandbox === undefined) {
    return;
  }
  await killPod(deps, sandbox);
  if (sandbox.state !== 'notReady') {
    await deps.store.sandboxes.update(sandboxId, () => ({ state: 'notReady', reason }));
  }
  await deps.network.detach(sandboxId, false);
  await deps.monitors.release(sandboxId);
}

// The monitor answers when all are dead, and has told of every exit before.
async function killPod(deps: Deps, sandbox: SandboxRecord): Promise<void> {
  const monitor = deps.monitors.find(sandbox.id);
  if (monitor !== undefined) {
    await monitor.stopPod();
    return;
  }
  if (sandbox.podStarted !== undefined && sandbox.state === 'ready') {
    await destroyPod(deps, sandbox, 'its monitor is gone');
  }
}

/**
 * Ends a pod without its monitor: kills its cgroups, unpins its network namespace and marks its
 * containers as ended for `why`. The pod's directory stays until the sandbox is removed.
 */
export async function destroyPod(deps: Deps, sandbox: SandboxRecord, why: string): Promise<void> {
  const containers = deps.store.containers.ofSandbox(sandbox.id);
  await deps.launcher.destroyPod({
    podDir: deps.monitors.podDir(sandbox.id),
    netnsPath: sandbox.netnsPath,
    removeDir: false,
    cgroups: containers.map((container) => join(sandbox.cgroupParent, container.id)),
  });
  for (const container of containers) {
    if (container.state === 'created' || container.state === 'running') {
      const change = lostChange(why, deps.clock.nowNs());
      await deps.store.containers.update(container.id, () => change);
    }
  }
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

/** What a monitor that died means: nobody watches the pod any more, so it must not run on. */
export async function onMonitorDeath(deps: Deps, sandboxId: SandboxId, why: string): Promise<void> {
  const sandbox = deps.store.sandboxes.get(sandboxId);
  if (sandbox === undefined || sandbox.state === 'notReady') {
    return;
  }
  const reason = `monitor died: ${why}`;
  deps.log.error({ sandboxId, reason }, 'a monitor died; its pod is being ended');
  try {
    await destroyPod(deps, sandbox, reason);
    await deps.store.sandboxes.update(sandboxId, () => ({ state: 'notReady', reason }));
    await deps.network.detach(sandboxId, true);
  } catch (error) {
    // StopPodSandbox comes for every NOTREADY sandbox and does it again.
    deps.log.error({ sandboxId, reason: describeError(error) }, 'cannot end the pod completely');
    await deps.store.sandboxes.update(sandboxId, () => ({ state: 'notReady', reason }));
  }
}

/** Applies what a monitor knows about a container to its record, whichever came first. */
export async function applyExit(
  deps: Deps,
  containerId: string,
  exit: Parameters<typeof exitChange>[0],
): Promise<void> {
  const known = deps.store.containers.get(containerId);
  if (known === undefined || known.state === 'exited' || known.state === 'creating') {
    return;
  }
  await deps.store.containers.update(containerId, () => exitChange(exit));
}
