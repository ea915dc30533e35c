// What `serve` keeps about each sandbox and container. Records are values: a change makes a new one.
import type { ContainerId, SandboxId } from '../core/ids.ts';
import type { PodStarted } from '../isolator/launcher-messages.ts';
import type { ResolvedUser } from '../isolator/monitor-messages.ts';
import type { runtime } from '../../proto/gen/cri.js';

/** The format that this program writes; it refuses newer ones. */
export const recordVersion = 1;

type Wire = typeof runtime.v1;

/** A pod's configuration as RunPodSandbox sent it. */
export type PodSandboxConfig = ReturnType<Wire['PodSandboxConfig']['decode']>;

/** A container's configuration as CreateContainer sent it. */
export type ContainerConfig = ReturnType<Wire['ContainerConfig']['decode']>;

/** "creating" is the intent: on disk before anything is made, never listed. */
export type SandboxState = 'creating' | 'ready' | 'notReady';

/** As SandboxState; "unknown" means that the truth could not be found out after a restart. */
export type ContainerState = 'creating' | 'created' | 'running' | 'exited' | 'unknown';

/** What any JSON file can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export interface SandboxRecord {
  readonly id: SandboxId;
  readonly bootId: string;
  /** Nanoseconds since the epoch; never 0. */
  readonly createdAtNs: bigint;
  readonly config: PodSandboxConfig;
  /** As RunPodSandbox had it: the name may be gone from the configuration, or mean another program. */
  readonly runtimeHandler: string;
  /** The program that makes its containers; "" when we do. */
  readonly runtimePath: string;
  readonly state: SandboxState;
  /** Why it is not ready; "" when there is nothing to say. */
  readonly reason: string;
  /** The first is the primary one; empty with the host's network. */
  readonly ips: readonly string[];
  /** "" with the host's network. */
  readonly netnsPath: string;
  /** cgroupfs syntax. */
  readonly cgroupParent: string;
  /** Of all its SELinux labels; undefined: it has none. No other sandbox may have it. */
  readonly selinuxLevel: string | undefined;
  /** Set once the monitor has started. */
  readonly podStarted: PodStarted | undefined;
  /** What the network wants to find again. */
  readonly attachment: JsonValue | undefined;
  /** As the kubelet told last. Advice: the pod's cgroup is the kubelet's own. */
  readonly resources: PodResources;
}

/** What running the pod costs beside its containers, and the sum of their limits. */
export interface PodResources {
  readonly overhead: runtime.v1.LinuxContainerResources.$Properties | undefined;
  readonly resources: runtime.v1.LinuxContainerResources.$Properties | undefined;
}

/** Those of a message that tells them. */
export function podResources(
  told:
    | Pick<runtime.v1.LinuxPodSandboxConfig.$Properties, 'overhead' | 'resources'>
    | null
    | undefined,
): PodResources {
  return { overhead: told?.overhead ?? undefined, resources: told?.resources ?? undefined };
}

export interface ContainerRecord {
  readonly id: ContainerId;
  readonly sandboxId: SandboxId;
  readonly bootId: string;
  /** Nanoseconds since the epoch; never 0. */
  readonly createdAtNs: bigint;
  readonly config: ContainerConfig;
  /** The image's name as users know it. */
  readonly image: string;
  readonly imageId: string;
  readonly imageRef: string;
  /** Topmost first. */
  readonly lowerDirs: readonly string[];
  /** Layers of images that are mounted as volumes. */
  readonly volumeLayerDirs: readonly string[];
  /** Absolute; "" when output is discarded. */
  readonly logPath: string;
  readonly state: ContainerState;
  /** Nanoseconds since the epoch; 0 = not yet. */
  readonly startedAtNs: bigint;
  readonly finishedAtNs: bigint;
  readonly exitCode: number;
  /** CRI's word ("Completed", "OOMKilled"); "" while it lives. */
  readonly reason: string;
  readonly message: string;
  /** As the host sees it; 0 when there is no process. */
  readonly pid: number;
  readonly user: ResolvedUser | undefined;
  /** As ContainerStatus shows them. */
  readonly mounts: readonly runtime.v1.Mount.$Properties[];
  /** The resources in force. */
  readonly resources: runtime.v1.ContainerResources.$Properties | undefined;
  /** Processes of it that the kernel killed for lack of memory, as far as that was told. */
  readonly oomKills: number;
  /** Number of the signal that StopContainer sends. */
  readonly stopSignal: number;
}

/** What a record needs when it is claimed; everything else has a start value. */
export type NewSandbox = Pick<
  SandboxRecord,
  | 'id'
  | 'createdAtNs'
  | 'runtimeHandler'
  | 'runtimePath'
  | 'cgroupParent'
  | 'netnsPath'
  | 'selinuxLevel'
> & { readonly config: runtime.v1.PodSandboxConfig.$Properties };

export type NewContainer = Pick<
  ContainerRecord,
  | 'id'
  | 'sandboxId'
  | 'createdAtNs'
  | 'image'
  | 'imageId'
  | 'imageRef'
  | 'lowerDirs'
  | 'volumeLayerDirs'
  | 'logPath'
  | 'stopSignal'
> & { readonly config: runtime.v1.ContainerConfig.$Properties };

/** The fields that may change during a sandbox's life. */
export type SandboxChange = Partial<
  Pick<
    SandboxRecord,
    | 'state'
    | 'reason'
    | 'ips'
    | 'netnsPath'
    | 'cgroupParent'
    | 'podStarted'
    | 'attachment'
    | 'resources'
  >
>;

/** The fields that may change during a container's life. */
export type ContainerChange = Partial<
  Omit<ContainerRecord, 'id' | 'sandboxId' | 'bootId' | 'createdAtNs' | 'config'>
>;

/** The name a pod sandbox holds as long as it exists. */
export function sandboxNameKey(
  metadata: runtime.v1.PodSandboxMetadata.$Properties | null | undefined,
): string {
  const { name = '', namespace = '', uid = '', attempt = 0 } = metadata ?? {};
  return JSON.stringify([namespace, name, uid, attempt]);
}

/** The name a container holds as long as it exists. */
export function containerNameKey(
  sandboxId: string,
  metadata: runtime.v1.ContainerMetadata.$Properties | null | undefined,
): string {
  const { name = '', attempt = 0 } = metadata ?? {};
  return JSON.stringify([sandboxId, name, attempt]);
}
