// What `serve` does before it answers: records, monitors, network and files are brought to agree.
// Every pod by itself and all at once; a pod that cannot be brought back ends, the others live.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../core/error.ts';
import { isId, type SandboxId } from '../core/ids.ts';
import type {
  ContainerState as MonitorContainer,
  MonitorEvent,
} from '../isolator/monitor-messages.ts';
import type { ContainerRecord, SandboxRecord } from '../store/record.ts';
import type { Loaded } from '../store/store.ts';
import { exitChange, lostChange } from './container-exit.ts';
import { removeContainerFiles } from './container-files.ts';
import type { Deps } from './deps.ts';
import { podFilePaths, removePodFiles } from './pod-files.ts';
import { applyExit, destroyPod, endSandbox, onMonitorDeath } from './sandbox-end.ts';

/** Makes the monitors' events reach the records. Call before `recover`. */
export function followMonitors(deps: Deps): void {
  const report = (what: string, sandboxId: SandboxId) => (error: unknown) =>
    deps.log.error({ sandboxId, reason: describeError(error) }, what);
  deps.monitors.listen({
    onEvent: (sandboxId, event) => {
      onEvent(deps, sandboxId, event).catch(report('cannot apply an event', sandboxId));
    },
    onDeath: (sandboxId, why) => {
      deps.queue
        .run(sandboxId, () => onMonitorDeath(deps, sandboxId, why))
        .catch(report('cannot end a pod', sandboxId));
    },
  });
}

async function onEvent(deps: Deps, sandboxId: SandboxId, event: MonitorEvent): Promise<void> {
  if (event.kind === 'containerExited') {
    if (event.state.exit !== undefined) {
      await applyExit(deps, event.state.containerId, event.state.exit);
    }
    return;
  }
  const reason = `pid 1 of the pod's process namespace died (exit code ${event.exit.exitCode})`;
  deps.log.error({ sandboxId, reason }, 'a pod lost its pid 1; it is being ended');
  await deps.queue.run(sandboxId, () => endSandbox(deps, sandboxId, reason));
}

/** Brings everything to agree after a start. Never throws for one pod's sake. */
export async function recover(deps: Deps, { gone, quarantined }: Loaded): Promise<void> {
  for (const { path, id, why } of quarantined) {
    deps.log.error({ path, id, reason: why }, 'a record cannot be read; it was put aside');
  }
  if (gone.sandboxes.length + gone.containers.length > 0) {
    const counts = { sandboxes: gone.sandboxes.length, containers: gone.containers.length };
    deps.log.info(counts, 'the machine was restarted: pods of the last boot are gone');
  }
  for (const container of deps.store.containers.all()) {
    deps.images.reacquire(container.id, container.lowerDirs);
  }
  await Promise.all(
    deps.store.sandboxes.all().map(async (sandbox) => {
      try {
        await recoverSandbox(deps, sandbox);
      } catch (error) {
        const reason = describeError(error);
        deps.log.error({ sandboxId: sandbox.id, reason }, 'cannot recover a sandbox');
      }
    }),
  );
  await deps.network.recover((id) => deps.store.sandboxes.get(id)?.state === 'ready');
  await sweep(deps);
}

async function recoverSandbox(deps: Deps, sandbox: SandboxRecord): Promise<void> {
  if (sandbox.state === 'creating') {
    await undoIntent(deps, sandbox);
    return;
  }
  if (sandbox.state === 'notReady') {
    // Its monitor lives on only where StopPodSandbox was interrupted; the kubelet calls it again.
    await deps.monitors.connect(sandbox.id).catch(() => undefined);
  } else {
    try {
      await adopt(deps, sandbox);
    } catch (error) {
      await onMonitorDeath(deps, sandbox.id, describeError(error));
    }
  }
  for (const container of deps.store.containers.ofSandbox(sandbox.id)) {
    if (container.state === 'creating') {
      await removeContainerFiles(deps, container);
      await deps.store.containers.remove(container.id);
    }
  }
}

async function adopt(deps: Deps, sandbox: SandboxRecord): Promise<void> {
  const monitor = await deps.monitors.connect(sandbox.id);
  const pod = await monitor.getPod();
  const known = new Map(pod.containers.map((state) => [state.containerId, state]));
  for (const container of deps.store.containers.ofSandbox(sandbox.id)) {
    await bringUpToDate(deps, container, known.get(container.id));
  }
}

async function bringUpToDate(
  deps: Deps,
  container: ContainerRecord,
  state: MonitorContainer | undefined,
): Promise<void> {
  const isAlive = container.state === 'created' || container.state === 'running';
  if (!isAlive) {
    return;
  }
  if (state === undefined) {
    const change = lostChange('its monitor does not know it', deps.clock.nowNs());
    await deps.store.containers.update(container.id, () => change);
  } else if (state.exit !== undefined) {
    const { exit } = state;
    await deps.store.containers.update(container.id, () => exitChange(exit));
  } else if (state.phase === 'running' && container.state === 'created') {
    const { pid, startedAtNs } = state;
    await deps.store.containers.update(container.id, () => ({
      state: 'running',
      pid,
      startedAtNs,
    }));
  }
}

// A crash came between the intent and the answer: nobody was told of this sandbox.
async function undoIntent(deps: Deps, sandbox: SandboxRecord): Promise<void> {
  await destroyPod(deps, sandbox, 'the server was interrupted while it made the sandbox');
  await deps.network.detach(sandbox.id, true);
  await rm(deps.monitors.podDir(sandbox.id), { recursive: true, force: true });
  await removePodFiles(podFilePaths(deps.config.stateDir, sandbox.id));
  await deps.store.sandboxes.remove(sandbox.id);
}

/** Removes what no record names: pods without a sandbox, writable layers without a container. */
async function sweep(deps: Deps): Promise<void> {
  const pods = join(deps.config.runDir, 'pods');
  for (const id of await readdir(pods).catch(() => [])) {
    if (isId(id) && deps.store.sandboxes.get(id) === undefined) {
      deps.log.warn({ sandboxId: id }, 'removing a pod that no record names');
      const netnsPath = join(deps.config.netnsDir, `estiba-${id}`);
      await deps.launcher.destroyPod({ podDir: join(pods, id), netnsPath, removeDir: true });
    }
  }
  const files = join(deps.config.stateDir, 'pods');
  for (const id of await readdir(files).catch(() => [])) {
    if (deps.store.sandboxes.get(id) === undefined) {
      await rm(join(files, id), { recursive: true, force: true });
    }
  }
  const writable = join(deps.config.stateDir, 'containers');
  const orphans = (await readdir(writable).catch(() => [])).filter(
    (name) => deps.store.containers.get(name) === undefined,
  );
  if (orphans.length > 0) {
    await deps.launcher.removeTrees(orphans.map((name) => join(writable, name)));
  }
}
