import type { runtime } from '../../proto/gen/cri.js';
import { asCriError, CriError } from '../core/error.ts';
import type { CriResources } from '../spec/cri-types.ts';
import { planUpdate } from '../spec/resource-update.ts';
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
  const plan = planUpdate(container.resources?.linux ?? {}, asked, deps.host.spec);
  if (state !== 'exited') {
    const { resources, oomScoreAdj } = plan;
    const resourcesJson = JSON.stringify(resources);
    const monitor = deps.monitors.get(container.sandboxId);
    await monitor
      .updateContainer({ containerId: id, resourcesJson, oomScoreAdj })
      .catch(unlessOver);
  }
  for (const note of plan.notes) {
    deps.log.warn({ containerId: id, note }, 'a request is served with less than asked');
  }
  await keepContainerChange(deps, id, { resources: { linux: plan.inForce } });
}

// It has just ended: as if that had been known before.
function unlessOver(error: unknown): void {
  if (asCriError(error).step !== 'exited') {
    throw error;
  }
}
