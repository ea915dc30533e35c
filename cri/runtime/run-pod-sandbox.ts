import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { runtime } from '../../proto/gen/cri.js';
import { Deadline } from '../core/deadline.ts';
import { CriError, describeError } from '../core/error.ts';
import { newSandboxId, type SandboxId } from '../core/ids.ts';
import { StepTimes } from '../core/step-times.ts';
import { describeFailures, UndoStack } from '../core/undo-stack.ts';
import type { PodStarted } from '../isolator/launcher-messages.ts';
import { hostnameText, hostsText } from '../spec/pod-files.ts';
import { planPod, type PodPlan } from '../spec/pod.ts';
import { podMountLabel, podProcessLabel, podSelinuxLevel } from '../spec/selinux.ts';
import { hostRoot } from '../spec/user-namespace.ts';
import { checkSameConfig } from '../store/operations.ts';
import { sandboxNameKey, type JsonValue } from '../store/record.ts';
import type { Deps } from './deps.ts';
import { keepSandboxChange } from './keep-change.ts';
import { checkSandboxProfiles } from './sandbox-profiles.ts';
import { podFilePaths, removePodFiles, writePodFiles } from './pod-files.ts';

type Config = runtime.v1.PodSandboxConfig.$Properties;

/**
 * Starts a sandbox: namespaces, network, files. READY on return. A repeated call with the same
 * metadata joins the first; with another configuration it is AlreadyExists. The work goes on when the
 * client gives up, and the next call gets its result. On failure nothing is left, or, where an undo
 * failed, a NOTREADY sandbox with the reason that the kubelet removes.
 */
export async function runPodSandbox(
  deps: Deps,
  request: runtime.v1.RunPodSandboxRequest.$Properties,
  call: { readonly signal: AbortSignal },
): Promise<runtime.v1.RunPodSandboxResponse.$Properties> {
  const config = request.config;
  if (!config) {
    throw new CriError('InvalidArgument', 'cannot run sandbox: the request has no config');
  }
  const runtimeHandler = request.runtimeHandler ?? '';
  const program = deps.handlers.runtimeOf(runtimeHandler);
  await deps.selinux.refresh();
  const plan = planPod({
    config,
    runtimeHandler,
    runtimeHandlers: deps.handlers.names,
    hostHostname: deps.host.hostname,
    cgroupBase: deps.config.isolator.cgroupBase,
    host: deps.handlers.hostFor({ runtimeHandler, runtimePath: program?.path ?? '' }),
  });
  const key = sandboxNameKey(config.metadata);
  const podSandboxId = await deps.sandboxOperations.join(
    key,
    config,
    async () => {
      await undoneIntent(deps, key);
      return await (finishedTwin(deps, key, config) ?? start(deps, config, runtimeHandler, plan));
    },
    call.signal,
  );
  return { podSandboxId };
}

// A sandbox of this name that a restart interrupted is being undone: its queue is ours after that.
async function undoneIntent(deps: Deps, key: string): Promise<void> {
  const twin = deps.store.sandboxes.byName(key);
  if (twin?.state === 'creating') {
    await deps.queue.run(twin.id, async () => {});
  }
}

// The first attempt may have ended after its caller gave up: its sandbox is this call's result.
function finishedTwin(deps: Deps, key: string, config: Config): Promise<SandboxId> | undefined {
  const twin = deps.store.sandboxes.byName(key);
  if (twin === undefined) {
    return undefined;
  }
  const what = `run sandbox "${config.metadata?.name ?? ''}"`;
  checkSameConfig(what, twin.config, config);
  if (twin.state !== 'ready') {
    const why = `sandbox "${twin.id}" has the same name and attempt and is not ready`;
    throw new CriError('AlreadyExists', `cannot ${what}: ${why}; remove it first`);
  }
  return Promise.resolve(twin.id);
}

async function start(
  deps: Deps,
  config: Config,
  runtimeHandler: string,
  plan: PodPlan,
): Promise<SandboxId> {
  const id = newSandboxId();
  const undo = new UndoStack();
  try {
    await deps.queue.run(id, () => steps(deps, id, config, runtimeHandler, plan, undo));
    return id;
  } catch (error) {
    await undoStart(deps, id, undo, error);
    throw error;
  }
}

async function steps(
  deps: Deps,
  id: SandboxId,
  config: Config,
  runtimeHandler: string,
  plan: PodPlan,
  undo: UndoStack,
): Promise<void> {
  const times = new StepTimes();
  const isHostNetwork = plan.modes.network === 'node';
  const netnsPath = isHostNetwork ? '' : join(deps.config.netnsDir, `estiba-${id}`);
  await refuseWithoutNetwork(deps, isHostNetwork);
  await checkSandboxProfiles(deps, plan);
  // Claimed before anybody else looks for a free one.
  const used = deps.store.sandboxes.selinuxLevels;
  const selinuxLevel = podSelinuxLevel(config, deps.host.spec, used, randomInt);
  await deps.store.sandboxes.claim({
    id,
    selinuxLevel,
    config,
    runtimeHandler,
    runtimePath: deps.handlers.runtimeOf(runtimeHandler)?.path ?? '',
    netnsPath,
    cgroupParent: plan.cgroupParent,
    createdAtNs: deps.clock.nowNs(),
  });
  times.lap('claim');
  const labels = {
    mountLabel: podMountLabel(config, selinuxLevel, deps.host.spec),
    processLabel: podProcessLabel(config, selinuxLevel, deps.host.spec),
  };
  const made = { id, netnsPath, labels };
  const podStarted = await startMonitor(deps, made, plan, runtimeHandler, undo);
  times.lap('start-monitor');
  const { ips, attachment } = isHostNetwork
    ? { ips: [], attachment: undefined }
    : await attach(deps, id, netnsPath, config, plan, undo);
  times.lap('attach-network');
  await writeFiles(deps, id, plan, ips, undo);
  await deps.store.sandboxes.update(id, () => ({ state: 'ready', podStarted, ips, attachment }));
  times.lap('record');
  deps.log.debug({ sandboxId: id, steps: times.steps }, 'sandbox running');
}

// Known before anything is made: the kubelet tries again and again until a CNI plugin is installed.
async function refuseWithoutNetwork(deps: Deps, isHostNetwork: boolean): Promise<void> {
  if (isHostNetwork) {
    return;
  }
  const { conflist } = await deps.network.config();
  if (conflist === undefined) {
    const { reason, message } = await deps.network.status();
    const why = `${reason}: ${message}; only pods on the host's network can run`;
    throw new CriError('Unavailable', `cannot run sandbox: ${why}`, { step: 'cni-config' });
  }
}

async function startMonitor(
  deps: Deps,
  made: {
    readonly id: SandboxId;
    readonly netnsPath: string;
    readonly labels: { readonly mountLabel: string; readonly processLabel: string };
  },
  plan: PodPlan,
  runtimeHandler: string,
  undo: UndoStack,
): Promise<PodStarted> {
  const { id, netnsPath, labels } = made;
  undo.push('stop the monitor', async (signal) => {
    await releaseMonitor(deps, id, signal);
    const podDir = deps.monitors.podDir(id);
    await deps.launcher.destroyPod({ podDir, netnsPath, removeDir: true }, signal);
  });
  const { modes, utsHostname, sysctls, cgroupParent } = plan;
  const podStarted = await deps.launcher.startPod({
    podId: id,
    podDir: deps.monitors.podDir(id),
    netnsPath,
    network: modes.network,
    ipc: modes.ipc,
    pid: modes.pid,
    hostname: utsHostname,
    sysctls,
    shmSizeBytes: deps.config.defaultShmBytes,
    cgroupParent,
    legacyMounts: deps.config.isolator.legacyMounts,
    ids: plan.ids,
    ...labels,
    runtime: deps.handlers.runtimeOf(runtimeHandler),
  });
  const { monitorPid, monitorStartTimeTicks } = podStarted;
  const process = { pid: monitorPid, startTimeTicks: monitorStartTimeTicks };
  await deps.monitors.connect(id, process);
  return podStarted;
}

// One that hangs gets only a part of the undo's time: the rest is for ending the pod without it.
async function releaseMonitor(deps: Deps, id: SandboxId, signal: AbortSignal): Promise<void> {
  const shareMs = (deps.config.timeouts.undoSeconds * 1000) / 4;
  using share = new Deadline('release a monitor', shareMs, signal);
  try {
    await deps.monitors.release(id, share.signal);
  } catch (error) {
    deps.log.warn({ sandboxId: id, reason: describeError(error) }, 'cannot release a monitor');
    deps.monitors.giveUp(id);
  }
}

async function attach(
  deps: Deps,
  id: SandboxId,
  netnsPath: string,
  config: Config,
  plan: PodPlan,
  undo: UndoStack,
): Promise<{ ips: readonly string[]; attachment: JsonValue }> {
  undo.push('detach the network', (signal) => deps.network.detach(id, false, signal));
  const { name, namespace, uid } = config.metadata ?? {};
  const { servers, searches, options } = config.dnsConfig ?? {};
  const { ips, result } = await deps.network.attach({
    sandboxId: id,
    name: name ?? '',
    namespace: namespace ?? '',
    uid: uid ?? '',
    netnsPath,
    portMappings: plan.portMappings,
    annotations: config.annotations ?? {},
    cgroupParent: plan.cgroupParent,
    dns:
      plan.resolvConf === undefined
        ? undefined
        : { servers: servers ?? [], searches: searches ?? [], options: options ?? [] },
  });
  return { ips, attachment: result as JsonValue };
}

async function writeFiles(
  deps: Deps,
  id: SandboxId,
  plan: PodPlan,
  ips: readonly string[],
  undo: UndoStack,
): Promise<void> {
  const paths = podFilePaths(deps.config.stateDir, id);
  undo.push('remove the pod files', () => removePodFiles(paths));
  const texts = {
    resolvConf: plan.resolvConf,
    hostname: hostnameText(plan.hostname),
    hosts: plan.modes.network === 'node' ? undefined : hostsText(plan.hostname, ips),
  };
  await writePodFiles(paths, texts, hostRoot(plan.ids));
}

// Never rejects: the caller is to be told why the start failed.
async function undoStart(
  deps: Deps,
  id: SandboxId,
  undo: UndoStack,
  error: unknown,
): Promise<void> {
  const failures = await undo.unwind(deps.config.timeouts.undoSeconds * 1000);
  if (deps.store.sandboxes.get(id) === undefined) {
    return;
  }
  try {
    if (failures.length > 0) {
      throw new Error(describeFailures(failures));
    }
    await deps.store.sandboxes.remove(id);
  } catch (why) {
    const reason = `${describeError(error)}; ${describeError(why)}`;
    deps.log.error({ sandboxId: id, reason }, 'a failed start could not be undone completely');
    await keepSandboxChange(deps, id, { state: 'notReady', reason });
  }
}
