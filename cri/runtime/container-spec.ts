// From a request, its sandbox and its image to the OCI spec: gathers what `buildSpec` reads.
import { CriError } from '../core/error.ts';
import type { ContainerId } from '../core/ids.ts';
import type { Image } from '../images/image.ts';
import { buildSpec } from '../spec/build-spec.ts';
import { applyCdi, cdiDevices, cdiEdits, cdiPathsToStat } from '../spec/cdi.ts';
import { olderPod } from '../isolator/monitor-client.ts';
import type { ContainerConfig } from '../spec/cri-types.ts';
import { devicePathsToStat } from '../spec/devices.ts';
import { imageMountFailed, imagesToMount } from '../spec/image-volumes.ts';
import { contentOf, type DeviceNode, type PodFacts, type SpecResult } from '../spec/input.ts';
import type { SandboxRecord } from '../store/record.ts';
import type { MountedImages } from './container-images.ts';
import type { Deps } from './deps.ts';
import { deviceNodesAt } from './device-nodes.ts';
import { podFilePaths } from './pod-files.ts';
import { sparedDirs } from './selinux-files.ts';

/**
 * The OCI spec of a container that is to be made in this sandbox. Looks at the host paths of devices.
 * Throws what `buildSpec` refuses.
 */
export async function containerSpec(
  deps: Deps,
  sandbox: SandboxRecord,
  containerId: ContainerId,
  container: ContainerConfig,
  image: Image,
  volumes: MountedImages,
): Promise<SpecResult> {
  const names = cdiDevices(container);
  const edits = names.length === 0 ? [] : cdiEdits(names, await deps.cdi.files());
  const nodes = await nodesAt(devicePathsToStat(sandbox.config, container), deviceNodesAt);
  const cdiNodes = await nodesAt(cdiPathsToStat(edits), nodesIfThere);
  const isOlder = deps.monitors.find(sandbox.id)?.isOlder === true;
  if (isOlder && imagesToMount(container.mounts ?? []).length > 0) {
    throw imageMountFailed('FailedPrecondition', 'mount an image', olderPod);
  }
  await Promise.all([deps.apparmor.load(), deps.selinux.refresh()]);
  const host = deps.handlers.hostFor(sandbox);
  const result = buildSpec({
    containerId,
    requested: { sandbox: sandbox.config, container },
    content: contentOf(image.config.config),
    pod: podFacts(deps, sandbox),
    // It refuses what it does not know: without a word of the request it is asked for nothing new.
    host: isOlder ? { ...host, apparmorDefaultProblem: olderPod } : host,
    settings: {
      cgroupBase: deps.config.isolator.cgroupBase,
      pidsLimit: deps.config.containers.pidsLimit,
      rlimitNofile: deps.config.containers.rlimitNofile,
      sparedDirs: sparedDirs(deps.config),
    },
    deviceNodes: nodes,
    imageLayers: new Map([...volumes].map(([name, { layers }]) => [name, layers])),
  });
  return applyCdi(result, edits, cdiNodes);
}

async function nodesAt(
  paths: readonly string[],
  look: (path: string) => Promise<readonly DeviceNode[]>,
): Promise<ReadonlyMap<string, readonly DeviceNode[]>> {
  const nodes = paths.map(async (path) => [path, await look(path)] as const);
  return new Map(await Promise.all(nodes));
}

// Which CDI device wants what is not there `applyCdi` tells.
async function nodesIfThere(path: string): Promise<readonly DeviceNode[]> {
  try {
    return await deviceNodesAt(path);
  } catch (error) {
    if (error instanceof CriError && error.code === 'NotFound') {
      return [];
    }
    throw error;
  }
}

function podFacts(deps: Deps, sandbox: SandboxRecord): PodFacts {
  const { hosts, hostname, resolvConf } = podFilePaths(deps.config.stateDir, sandbox.id);
  const started = sandbox.podStarted;
  const isHostNetwork = sandbox.netnsPath === '';
  return {
    sandboxId: sandbox.id,
    netnsPath: sandbox.netnsPath,
    ipcPath: started?.ipcPath ?? '',
    utsPath: started?.utsPath ?? '',
    pidPath: started?.pidPath ?? '',
    shmPath: started?.shmPath ?? '',
    userPath: started?.userPath ?? '',
    selinuxLevel: sandbox.selinuxLevel,
    hostname:
      isHostNetwork || !sandbox.config.hostname ? deps.host.hostname : sandbox.config.hostname,
    files: { hosts, hostname, resolvConf },
  };
}
