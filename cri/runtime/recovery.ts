// What `serve` does after a start: records, monitors, network and files are brought to agree. Every
// pod and every left-over by itself and all at once; what hangs or fails keeps nothing else from
// working, least of all the socket from answering.
import { setTimeout as pause } from 'node:timers/promises';
import { describeError } from '../core/error.ts';
import type { SandboxId } from '../core/ids.ts';
import type { PodStarted } from '../isolator/launcher-messages.ts';
import type { MonitorEvent } from '../isolator/monitor-messages.ts';
import type { Loaded } from '../store/store.ts';
import { applyExit, applyOomKills } from './container-end.ts';
import type { Deps } from './deps.ts';
import { keepSandboxChange } from './keep-change.ts';
import type { ProcessIdentity } from './process-life.ts';
import { endSandbox, onMonitorDeath } from './sandbox-end.ts';
import { sweep } from './sweep.ts';
import { takeInPodState } from './take-in-pod-state.ts';
import { undoContainerIntent, undoSandboxIntent } from './undo-intent.ts';

/** How long a start waits for monitors that do not answer; they are followed all the same. */
const patienceMs = 2_000;

/** Makes what the monitors tell reach the records. Call before `recover`. */
export function followMonitors(deps: Deps): void {
  const report = (what: string, sandboxId: SandboxId) => (error: unknown) =>
    deps.log.error({ sandboxId, reason: describeError(error) }, what);
  deps.monitors.listen({
    onEvent: (sandboxId, event) => {
      onEvent(deps, sandboxId, event).catch(report('cannot apply an event', sandboxId));
    },
    onState: (sandboxId, state, client) => takeInPodState(deps, sandboxId, state, client),
    onOutOfReach: (sandboxId, reason, pauseMs) => {
      const message = 'a monitor is out of reach; its pod lives on, the monitor is tried again';
      deps.log.warn({ sandboxId, reason, pauseMs }, message);
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
  if (event.kind === 'containerOomKilled') {
    await applyOomKills(deps, event.containerId, event.oom);
    return;
  }
  const how = event.exit.oomKilled ? ', killed for lack of memory' : '';
  const code = `exit code ${event.exit.exitCode}${how}`;
  const reason = `pid 1 of the pod's process namespace died (${code})`;
  deps.log.error({ sandboxId, reason }, 'a pod lost its pid 1; it is being ended');
  await deps.queue.run(sandboxId, async () => {
    // First: the kubelet goes on with a sandbox that is not ready, whatever fails here.
    if (deps.store.sandboxes.get(sandboxId)?.state === 'ready') {
      await keepSandboxChange(deps, sandboxId, { state: 'notReady', reason });
    }
    await endSandbox(deps, sandboxId, reason);
  });
}

/**
 * Brings the records up to date with the monitors that answer soon; the rest goes on in the
 * background. To be called before the socket answers: what is found then is of before. Never throws.
 */
export async function recover(deps: Deps, { gone, quarantined }: Loaded): Promise<void> {
  for (const { path, id, why } of quarantined) {
    deps.log.error({ path, id, reason: why }, 'a record cannot be read; it was put aside');
  }
  if (gone.sandboxes.length + gone.containers.length > 0) {
    const counts = { sandboxes: gone.sandboxes.length, containers: gone.containers.length };
    deps.log.info(counts, 'the machine was restarted: pods of the last boot are gone');
  }
  for (const container of deps.store.containers.all()) {
    if (container.lowerDirs.length === 0) {
      deps.images.reacquireAll(container.id); // its record was broken: every container has layers
    } else {
      deps.images.reacquire(container.id, [...container.lowerDirs, ...container.volumeLayerDirs]);
    }
  }
  await Promise.race([reachMonitors(deps), pause(patienceMs, undefined, { ref: false })]);
  undoIntents(deps);
  deps.network.recover((id) => {
    const state = deps.store.sandboxes.get(id)?.state;
    return state === 'ready' || state === 'creating'; // who undoes an intent releases its network
  });
  await sweep(deps);
}

// Of sandboxes that are not ready too: a monitor lives on where StopPodSandbox was interrupted, and
// where none does the pod is ended once more, as that may have been interrupted as well.
async function reachMonitors(deps: Deps): Promise<void> {
  const started = deps.store.sandboxes.all().filter(({ state }) => state !== 'creating');
  await Promise.all(
    started.map(({ id, podStarted }) => deps.monitors.reach(id, processOf(podStarted))),
  );
}

function undoIntents(deps: Deps): void {
  const report = (id: string) => (error: unknown) =>
    deps.log.error({ id, reason: describeError(error) }, 'cannot undo what was interrupted');
  for (const { id, state } of deps.store.sandboxes.all()) {
    if (state === 'creating') {
      deps.queue.run(id, () => undoSandboxIntent(deps, id)).catch(report(id));
    }
  }
  for (const { id, sandboxId, state } of deps.store.containers.all()) {
    if (state === 'creating') {
      deps.queue.run(sandboxId, () => undoContainerIntent(deps, id)).catch(report(id));
    }
  }
}

function processOf(started: PodStarted | undefined): ProcessIdentity | undefined {
  return started === undefined
    ? undefined
    : { pid: started.monitorPid, startTimeTicks: started.monitorStartTimeTicks };
}
