import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { stopSignalToCri } from '../spec/stop-signal.ts';
import { containerStateToCri } from '../store/container-table.ts';
import type { ContainerRecord } from '../store/record.ts';
import { bundleDir } from './container-files.ts';
import type { Deps } from './deps.ts';
import { verboseJson } from './verbose-json.ts';

/** The state of a container, from memory (verbose reads its spec). Throws NotFound. */
export async function containerStatus(
  deps: Deps,
  request: runtime.v1.ContainerStatusRequest.$Properties,
): Promise<runtime.v1.ContainerStatusResponse.$Properties> {
  const container = deps.store.containers.resolve(request.containerId ?? '');
  const status = containerStatusOf(container);
  return request.verbose === true
    ? { status, info: { info: await verboseInfo(deps, container) } }
    : { status };
}

/** What ContainerStatus, PodSandboxStatus and events tell about a container. */
export function containerStatusOf(
  container: ContainerRecord,
): runtime.v1.ContainerStatus.$Properties {
  const { config, user } = container;
  return {
    id: container.id,
    metadata: config.metadata ?? null,
    state: containerStateToCri[container.state],
    createdAt: toLong(container.createdAtNs),
    startedAt: toLong(container.startedAtNs),
    finishedAt: toLong(container.finishedAtNs),
    exitCode: container.exitCode,
    image: { ...imageSpec(config), image: container.image },
    imageRef: container.imageRef,
    imageId: container.imageId,
    reason: container.reason,
    message: container.message,
    labels: config.labels,
    annotations: config.annotations,
    mounts: [...container.mounts],
    logPath: container.logPath,
    stopSignal: stopSignalToCri(container.stopSignal),
    resources: container.resources ?? null,
    ...(user === undefined
      ? {}
      : {
          user: {
            linux: {
              uid: toLong(user.uid),
              gid: toLong(user.gid),
              supplementalGroups: [...user.additionalGids].map((gid) => toLong(gid)),
            },
          },
        }),
  };
}

function imageSpec(config: ContainerRecord['config']): runtime.v1.ImageSpec.$Properties {
  const { userSpecifiedImage = '', runtimeHandler = '', annotations = {} } = config.image ?? {};
  return { userSpecifiedImage, runtimeHandler, annotations };
}

// The keys are those that node tools know from containerd.
async function verboseInfo(deps: Deps, container: ContainerRecord): Promise<string> {
  const text = await readFile(join(bundleDir(deps, container), 'config.json'), 'utf8').catch(
    () => 'null',
  );
  return verboseJson({
    sandboxID: container.sandboxId,
    pid: container.pid,
    stopSignal: container.stopSignal,
    layers: container.lowerDirs,
    config: container.config,
    runtimeSpec: JSON.parse(text) as unknown,
  });
}
