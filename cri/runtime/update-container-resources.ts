import type { runtime } from '../../proto/gen/cri.js';
import { asCriError, CriError, describeError } from '../core/error.ts';
import type { MonitorClient } from '../isolator/monitor-client.ts';
import type { CriResources } from '../spec/cri-types.ts';
import { planUpdate, type ResourceUpdate } from '../spec/resource-update.ts';
import type { ContainerRecord } from '../store/record.ts';
import type { Deps } from './deps.ts';
import { keepContainerChange } from './keep-change.ts';

/**
 * Changes limits of a created or running container: all that are given or, when it throws, none. The
 * status tells the new ones on return. A container that is over keeps them for the record only.
 * Throws NotFound, InvalidArgument and FailedPrecondition (naming the limit that was refused, memory
 * in use above all), Unavailable while the monitor is out of reach. The request's annotations are for
 * plugins, of which there are none.
 */
export async function updateContainerResources(
  deps: Deps,
  request: runtime.v1.UpdateContainerResourcesRequest.$Properties,
): Promise<Record<string, never>> {
  const { id, sandboxId } = deps.store.containers.resolve(request.containerId ?? '');
  const asked = request.linux;
  if (asked) {
    await deps.queue.run(sandboxId, () => update(deps, deps.store.containers.resolve(id), asked));
  }
  return {};
}

async function update(deps: Deps, container: ContainerRecord, asked: CriResources): Promise<void> {
  const { id, state } = container;
  if (state === 'unknown') {
    const why = 'nobody knows what state it is in';
    throw new CriError('FailedPrecondition', `cannot update container "${id}": ${why}`);
  }
  deps.jobs.stop(followJob(id)); // of an older update
  const plan = planUpdate(container.resources?.linux ?? {}, asked, deps.host.spec);
  if (state !== 'exited') {
    const monitor = deps.monitors.get(container.sandboxId);
    await send(monitor, id, plan).catch((error: unknown) => {
      if (isUndecided(error)) {
        followUpdate(deps, container, plan);
      }
      throw error;
    });
  }
  for (const note of plan.notes) {
    deps.log.warn({ containerId: id, note }, 'a request is served with less than asked');
  }
  await keepContainerChange(deps, id, { resources: { linux: plan.inForce } });
}

async function send(
  monitor: MonitorClient,
  containerId: string,
  { resources, oomScoreAdj }: ResourceUpdate,
): Promise<void> {
  const resourcesJson = JSON.stringify(resources);
  await monitor.updateContainer({ containerId, resourcesJson, oomScoreAdj }).catch(unlessOver);
}

// The child that writes limits is never killed half-way, so it may outlive whoever waits for it.
function isUndecided(error: unknown): boolean {
  const { code, step } = asCriError(error);
  return code === 'DeadlineExceeded' || code === 'Unavailable' || step === 'update';
}

function followJob(containerId: string): string {
  return `learn the limits of container "${containerId}"`;
}

/**
 * Asks for the same once more until the monitor says that it is in force, or refuses it; a newer update
 * ends that. Until then the record tells the limits of before.
 */
function followUpdate(deps: Deps, container: ContainerRecord, plan: ResourceUpdate): void {
  const { id, sandboxId } = container;
  deps.jobs.start(followJob(id), async (signal) => {
    await deps.queue.run(sandboxId, async () => {
      const now = deps.store.containers.get(id);
      if (signal.aborted || now === undefined || now.state === 'exited') {
        return;
      }
      try {
        await send(deps.monitors.get(sandboxId), id, plan);
      } catch (error) {
        if (isUndecided(error)) {
          throw error;
        }
        const facts = { containerId: id, reason: describeError(error) };
        deps.log.warn(facts, 'an update that took too long is not in force');
        return;
      }
      await keepContainerChange(deps, id, { resources: { linux: plan.inForce } });
    });
  });
}

// It has just ended: as if that had been known before.
function unlessOver(error: unknown): void {
  if (asCriError(error).step !== 'exited') {
    throw error;
  }
}
