// The handler tables: which function answers which call. What is missing answers Unimplemented and
// says which feature it belongs to.
import { createContainer } from '../runtime/create-container.ts';
import { containerStatus } from '../runtime/container-status.ts';
import type { Deps } from '../runtime/deps.ts';
import { execSync } from '../runtime/exec-sync.ts';
import { listContainers, listPodSandbox } from '../runtime/lists.ts';
import { runtimeConfig, status, updateRuntimeConfig, version } from '../runtime/node-info.ts';
import { podSandboxStatus } from '../runtime/pod-sandbox-status.ts';
import { removeContainer } from '../runtime/remove-container.ts';
import { removePodSandbox } from '../runtime/remove-pod-sandbox.ts';
import { reopenContainerLog } from '../runtime/reopen-container-log.ts';
import { runPodSandbox } from '../runtime/run-pod-sandbox.ts';
import { startContainer } from '../runtime/start-container.ts';
import { stopContainer } from '../runtime/stop-container.ts';
import { stopPodSandbox } from '../runtime/stop-pod-sandbox.ts';
import { updateContainerResources } from '../runtime/update-container-resources.ts';
import { updatePodSandboxResources } from '../runtime/update-pod-sandbox-resources.ts';
import { EncodedMessage, type RuntimeHandlers } from './service-definition.ts';

/** The RuntimeService calls there are so far. */
export function runtimeServiceHandlers(deps: Deps): Partial<RuntimeHandlers> {
  return {
    version: () => version(deps),
    status: (request) => status(deps, request),
    runtimeConfig: () => runtimeConfig(),
    updateRuntimeConfig: (request) => updateRuntimeConfig(deps, request),
    runPodSandbox: (request, call) => runPodSandbox(deps, request, call),
    stopPodSandbox: (request) => stopPodSandbox(deps, request),
    removePodSandbox: (request) => removePodSandbox(deps, request),
    podSandboxStatus: (request) => podSandboxStatus(deps, request),
    listPodSandbox: async (request) => new EncodedMessage(listPodSandbox(deps, request)),
    createContainer: (request, call) => createContainer(deps, request, call),
    startContainer: (request) => startContainer(deps, request),
    stopContainer: (request) => stopContainer(deps, request),
    removeContainer: (request) => removeContainer(deps, request),
    updateContainerResources: (request) => updateContainerResources(deps, request),
    updatePodSandboxResources: (request) => updatePodSandboxResources(deps, request),
    listContainers: async (request) => new EncodedMessage(listContainers(deps, request)),
    containerStatus: (request) => containerStatus(deps, request),
    reopenContainerLog: (request) => reopenContainerLog(deps, request),
    execSync: (request, call) => execSync(deps, request, call),
  };
}

const streamingSession = 'streaming to the client (exec, attach, port-forward)';
const statistics = 'statistics of pods and containers';
const criMetrics = 'CRI metrics';
const checkpoints = 'checkpoint and restore';
const listStreams = 'streamed lists';

/** What the calls without a handler are about. */
export const missingFeatures: Readonly<Record<string, string>> = {
  exec: streamingSession,
  attach: streamingSession,
  portForward: streamingSession,
  containerStats: statistics,
  listContainerStats: statistics,
  streamContainerStats: statistics,
  podSandboxStats: statistics,
  listPodSandboxStats: statistics,
  streamPodSandboxStats: statistics,
  listMetricDescriptors: criMetrics,
  listPodSandboxMetrics: criMetrics,
  streamPodSandboxMetrics: criMetrics,
  checkpointContainer: checkpoints,
  checkpointPod: checkpoints,
  restorePod: checkpoints,
  getContainerEvents: 'container events',
  streamPodSandboxes: listStreams,
  streamContainers: listStreams,
  streamImages: listStreams,
};

/** Calls that clients repeat all the time: logged at debug level. */
export const polledCalls: ReadonlySet<string> = new Set([
  'Version',
  'Status',
  'RuntimeConfig',
  'ListPodSandbox',
  'PodSandboxStatus',
  'ListContainers',
  'ContainerStatus',
  'ListImages',
  'ImageStatus',
  'ImageFsInfo',
  'ExecSync',
]);
