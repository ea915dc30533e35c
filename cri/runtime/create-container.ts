import type { runtime } from '../../proto/gen/cri.js';
import { CriError, describeError } from '../core/error.ts';
import { newContainerId, type ContainerId } from '../core/ids.ts';
import { StepTimes, type StepTime } from '../core/step-times.ts';
import { describeFailures, UndoStack } from '../core/undo-stack.ts';
import type { ContainerCreated } from '../isolator/monitor-messages.ts';
import type { SpecResult } from '../spec/input.ts';
import { resourcesInForce } from '../spec/in-force.ts';
import { logDirectory, logPath } from '../spec/log-path.ts';
import { specJson } from '../spec/spec-json.ts';
import { checkSameConfig } from '../store/operations.ts';
import { containerNameKey, type SandboxRecord } from '../store/record.ts';
import { removeContainerFiles, writableDir } from './container-files.ts';
import {
  acquireMountedImages,
  requestedImage,
  shownMounts,
  type MountedImages,
} from './container-images.ts';
import { containerSpec } from './container-spec.ts';
import type { Deps } from './deps.ts';
import { keepContainerChange } from './keep-change.ts';
import { mustBeReady } from './requested.ts';

type Config = runtime.v1.ContainerConfig.$Properties;

/**
 * Makes a container with everything it needs and parks it just before its first instruction. A
 * repeated call with the same name and attempt joins the first; the work goes on when the client gives
 * up. Throws NotFound (sandbox, image), FailedPrecondition (sandbox not ready), what spec and monitor
 * refuse; nothing is left then.
 */
export async function createContainer(
  deps: Deps,
  request: runtime.v1.CreateContainerRequest.$Properties,
  call: { readonly signal: AbortSignal },
): Promise<runtime.v1.CreateContainerResponse.$Properties> {
  const sandbox = deps.store.sandboxes.resolve(request.podSandboxId ?? '');
  const config = request.config;
  if (!config?.metadata) {
    throw new CriError('InvalidArgument', 'cannot create container: the request has no metadata');
  }
  const key = containerNameKey(sandbox.id, config.metadata);
  const containerId = await deps.containerOperations.join(
    key,
    config,
    async () => {
      await undoneIntent(deps, key);
      return await (finishedTwin(deps, key, config) ?? create(deps, sandbox, config));
    },
    call.signal,
  );
  return { containerId };
}

// A container of this name that a restart interrupted is being undone: the queue is ours after that.
async function undoneIntent(deps: Deps, key: string): Promise<void> {
  const twin = deps.store.containers.byName(key);
  if (twin?.state === 'creating') {
    await deps.queue.run(twin.sandboxId, async () => {});
  }
}

function finishedTwin(deps: Deps, key: string, config: Config): Promise<ContainerId> | undefined {
  const twin = deps.store.containers.byName(key);
  if (twin === undefined) {
    return undefined;
  }
  const what = `create container "${config.metadata?.name ?? ''}"`;
  checkSameConfig(what, twin.config, config);
  if (twin.state !== 'created') {
    const why = `container "${twin.id}" has the same name and attempt and is ${twin.state}`;
    throw new CriError('AlreadyExists', `cannot ${what}: ${why}`);
  }
  return Promise.resolve(twin.id);
}

async function create(deps: Deps, found: SandboxRecord, config: Config): Promise<ContainerId> {
  const id = newContainerId();
  const undo = new UndoStack();
  return deps.queue.run(found.id, async () => {
    const sandbox = deps.store.sandboxes.resolve(found.id);
    mustBeReady(sandbox, `create container "${config.metadata?.name ?? ''}"`);
    try {
      await steps(deps, sandbox, id, config, undo);
      return id;
    } catch (error) {
      await undoCreate(deps, id, undo, error);
      throw error;
    }
  });
}

async function steps(
  deps: Deps,
  sandbox: SandboxRecord,
  id: ContainerId,
  config: Config,
  undo: UndoStack,
): Promise<void> {
  const times = new StepTimes();
  const image = requestedImage(deps, config);
  const lowerDirs = deps.images.acquire(id, image.id);
  const volumes = acquireMountedImages(deps, id, config);
  const result = await containerSpec(deps, sandbox, id, config, image, volumes);
  const path = logPath(sandbox.config, config);
  times.lap('spec');
  const confinement = await deps.seccomp.confinement(result.seccomp);
  times.lap('seccomp');
  const record = await deps.store.containers.claim({
    id,
    sandboxId: sandbox.id,
    createdAtNs: deps.clock.nowNs(),
    config,
    image: image.repoTags[0] ?? config.image?.image ?? image.id,
    imageId: image.id,
    imageRef: image.repoDigests[0] ?? image.id,
    lowerDirs,
    volumeLayerDirs: [...volumes.values()].flatMap(({ layers }) => layers),
    logPath: path,
    stopSignal: result.stopSignal,
  });
  times.lap('claim');
  undo.push('remove the container', () => removeContainerFiles(deps, record));
  const created = await deps.monitors.get(sandbox.id).createContainer({
    containerId: id,
    specJson: specJson(result.spec, confinement?.profile ?? ''),
    seccomp: confinement?.filter,
    rootfs: { lowerDirs, writableDir: writableDir(deps, id), volatile: true },
    stdio: {
      logPath: path,
      logDirectory: logDirectory(sandbox.config),
      tty: config.tty === true,
      stdin: config.stdin === true,
      stdinOnce: config.stdinOnce === true,
    },
    user: result.user,
    pidTargetContainerId: result.pidTargetContainerId,
    deadlineMs: deps.config.timeouts.createSeconds * 1000,
  });
  times.lap('monitor');
  await publish(deps, id, config, result, created, volumes);
  times.lap('record');
  const steps = [...times.steps, ...created.steps.map(inMonitor)];
  deps.log.debug({ containerId: id, steps }, 'container created');
}

// These happened inside the step "monitor".
const inMonitor = ({ step, elapsedUs }: StepTime): StepTime => ({
  step: `monitor/${step}`,
  elapsedUs,
});

async function publish(
  deps: Deps,
  id: ContainerId,
  config: Config,
  result: SpecResult,
  created: ContainerCreated,
  volumes: MountedImages,
): Promise<void> {
  for (const note of result.notes) {
    deps.log.warn({ containerId: id, note }, 'a request is served with less than asked');
  }
  const asked = config.linux?.resources ?? {};
  await deps.store.containers.update(id, () => ({
    state: 'created',
    pid: created.pid,
    user: created.user,
    mounts: shownMounts(result.mounts, volumes),
    resources: { linux: resourcesInForce(asked, deps.host.spec) },
  }));
}

async function undoCreate(
  deps: Deps,
  id: ContainerId,
  undo: UndoStack,
  error: unknown,
): Promise<void> {
  const failures = await undo.unwind(deps.config.timeouts.undoSeconds * 1000);
  if (deps.store.containers.get(id) === undefined) {
    // Not before: what could not be removed may still have the layers mounted.
    deps.images.release(id);
    return;
  }
  try {
    if (failures.length > 0) {
      throw new Error(describeFailures(failures));
    }
    await deps.store.containers.remove(id);
  } catch (why) {
    const message = `${describeError(error)}; ${describeError(why)}`;
    deps.log.error({ containerId: id, reason: message }, 'a failed create could not be undone');
    // Listed, so that the kubelet removes it and with it what could not be undone.
    const change = { state: 'unknown', reason: 'CreateError', message } as const;
    await keepContainerChange(deps, id, change);
  }
}
