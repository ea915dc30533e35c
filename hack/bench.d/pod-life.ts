// One pod's life, call by call, with the time of each.
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import type { Contender } from './contender.ts';

/** As the API has it. */
export type PodConfig = runtime.v1.PodSandboxConfig.$Properties;
/** As the API has it. */
export type ContainerConfig = runtime.v1.ContainerConfig.$Properties;

const { NamespaceMode } = runtime.v1;

/** Which network the pod has. */
export type Network = 'host' | 'bridge';

/** The calls in the order in which a life makes them. */
export const calls = [
  'RunPodSandbox',
  'CreateContainer',
  'StartContainer',
  'ExecSync',
  'StopContainer',
  'RemoveContainer',
  'StopPodSandbox',
  'RemovePodSandbox',
] as const;

/** Milliseconds by call. */
export type Times = Record<(typeof calls)[number], number>;

/** What is asked for beyond the least that makes a container. */
export interface Shape {
  readonly name: string;
  /** Before the first call; may prepare the host, as the kubelet does. */
  readonly pod: (config: PodConfig) => Promise<PodConfig>;
  readonly container: (config: ContainerConfig) => ContainerConfig;
}

/** Limits for CPU and memory, nothing else. */
export const plain: Shape = { name: 'plain', pod: async (c) => c, container: (c) => c };

let counter = 0;

const namespaceOptions = (network: Network): runtime.v1.NamespaceOption.$Properties => ({
  network: network === 'host' ? NamespaceMode.NODE : NamespaceMode.POD,
  pid: NamespaceMode.CONTAINER,
  ipc: NamespaceMode.POD,
});

/** A pod as the kubelet would ask for it. */
export function podConfig(side: Contender, network: Network): PodConfig {
  counter += 1;
  const uid = `bench-${counter}`;
  return {
    metadata: { name: uid, namespace: 'bench', uid, attempt: 0 },
    hostname: network === 'host' ? '' : uid,
    logDirectory: `${side.logDirectory}/${uid}`,
    dnsConfig: { servers: ['10.96.0.10'], searches: ['cluster.local'], options: ['ndots:5'] },
    labels: { 'io.kubernetes.pod.uid': uid },
    linux: {
      cgroupParent: `${side.cgroupParent}/${uid}`,
      securityContext: { namespaceOptions: namespaceOptions(network) },
    },
  };
}

/** A container with limits that sleeps. */
export function containerConfig(image: string, network: Network): ContainerConfig {
  return {
    metadata: { name: 'sleeper', attempt: 0 },
    image: { image },
    command: ['/bin/sleep', '1000000'],
    logPath: 'sleeper.log',
    linux: {
      resources: {
        cpuPeriod: toLong(100_000n),
        cpuQuota: toLong(50_000n),
        cpuShares: toLong(512n),
        memoryLimitInBytes: toLong(64n << 20n),
      },
      securityContext: { namespaceOptions: namespaceOptions(network) },
    },
  };
}

async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now();
  const value = await work();
  return [value, performance.now() - startedAt];
}

/** Runs a pod and one container in it; the ids. */
export async function runPod(
  side: Contender,
  image: string,
  network: Network,
  shape: Shape = plain,
): Promise<{ podSandboxId: string; containerId: string; times: Partial<Times> }> {
  const { runtime: cri } = side.client;
  const sandboxConfig = await shape.pod(podConfig(side, network));
  const config = shape.container(containerConfig(image, network));
  const times: Partial<Times> = {};
  const [ran, run] = await timed(() => cri.runPodSandbox({ config: sandboxConfig }));
  times.RunPodSandbox = run;
  const podSandboxId = ran.podSandboxId ?? '';
  const request = { podSandboxId, config, sandboxConfig };
  const [created, create] = await timed(() => cri.createContainer(request));
  times.CreateContainer = create;
  const containerId = created.containerId ?? '';
  [, times.StartContainer] = await timed(() => cri.startContainer({ containerId }));
  return { podSandboxId, containerId, times };
}

/** Ends what `runPod` began. */
export async function endPod(
  side: Contender,
  podSandboxId: string,
  containerId: string,
): Promise<Partial<Times>> {
  const { runtime: cri } = side.client;
  const times: Partial<Times> = {};
  const timeout = toLong(0n);
  [, times.StopContainer] = await timed(() => cri.stopContainer({ containerId, timeout }));
  [, times.RemoveContainer] = await timed(() => cri.removeContainer({ containerId }));
  [, times.StopPodSandbox] = await timed(() => cri.stopPodSandbox({ podSandboxId }));
  [, times.RemovePodSandbox] = await timed(() => cri.removePodSandbox({ podSandboxId }));
  return times;
}

/** A whole life with one command in between. */
export async function podLife(
  side: Contender,
  image: string,
  network: Network,
  shape: Shape = plain,
): Promise<Times & { readonly containerId: string }> {
  const { podSandboxId, containerId, times } = await runPod(side, image, network, shape);
  const timeout = toLong(10n);
  const [answer, exec] = await timed(() =>
    side.client.runtime.execSync({ containerId, cmd: ['/bin/true'], timeout }),
  );
  if (answer.exitCode !== 0) {
    throw new Error(`${side.name}: /bin/true ended with ${answer.exitCode}`);
  }
  const ended = await endPod(side, podSandboxId, containerId);
  return { containerId, ...({ ...times, ExecSync: exec, ...ended } as Times) };
}
