// What the spec is made from. Requested (the kubelet's words) and Content (the image's words) are
// different types, so that nothing an image says can reach a setting of the host.
import type { CriMount, ContainerConfig, PodSandboxConfig } from './cri-types.ts';
import type { ImageLayers } from './image-volumes.ts';
import type { Architecture } from './seccomp-default.ts';
import type { SeccompChoice } from './seccomp.ts';
import type { SelinuxFacts } from './selinux.ts';
import type { OciSpec } from './types.ts';

/** What the kubelet asked for. */
export interface Requested {
  /** Of the sandbox the container is made in. */
  readonly sandbox: PodSandboxConfig;
  readonly container: ContainerConfig;
}

declare const contentBrand: unique symbol;

/** What an image may say. Only `contentOf` makes one; nothing else of an image gets in here. */
export interface Content {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly stopSignal: string;
  readonly volumes: readonly string[];
  readonly [contentBrand]: true;
}

/** An image's `config` object as OCI names it; absent members are "", [] and {}. */
export interface ImageProcess {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly Volumes: Readonly<Record<string, unknown>>;
  readonly StopSignal: string;
}

/** Takes the seven things an image may set and drops everything else, labels first of all. */
export function contentOf(image: ImageProcess): Content {
  const content: Omit<Content, typeof contentBrand> = {
    entrypoint: image.Entrypoint,
    cmd: image.Cmd,
    env: image.Env,
    workingDir: image.WorkingDir,
    user: image.User,
    stopSignal: image.StopSignal,
    volumes: Object.keys(image.Volumes),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the brand exists in types only
  return content as Content;
}

/** One range of ids. */
export interface IdMapping {
  /** First id inside. */
  readonly containerId: number;
  /** First id outside. */
  readonly hostId: number;
  readonly length: number;
}

/** Which ids of the host stand for users and groups of a container. */
export interface IdMappings {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/** The running pod, as StartPod answered; "" where the host's namespace is used. */
export interface PodFacts {
  readonly sandboxId: string;
  readonly netnsPath: string;
  readonly ipcPath: string;
  readonly utsPath: string;
  readonly pidPath: string;
  readonly shmPath: string;
  readonly userPath: string;
  /** What its labels have; undefined: it has none. */
  readonly selinuxLevel: string | undefined;
  /** The name the pod's processes see: its own, or the host's with NODE network. */
  readonly hostname: string;
  /** Files of the pod on the host; "" leaves that mount out. */
  readonly files: {
    readonly hosts: string;
    readonly hostname: string;
    readonly resolvConf: string;
  };
}

/** What this host can do. */
export interface HostFacts {
  readonly cgroupVersion: 'v1' | 'v2';
  /** Swap of a cgroup can be limited (memory.swap.max, or v1's memsw files). */
  readonly swapLimit: boolean;
  /** Page sizes with a hugetlb limit file, as the kernel names them ("2MB"); [] without controller. */
  readonly hugepageSizes: readonly string[];
  /** Hard RLIMIT_NOFILE that we may hand out. */
  readonly nofileHardLimit: number;
  /** -1000, or our own score where lowering it is not allowed (CAP_SYS_RESOURCE). */
  readonly lowestOomScoreAdj: number;
  /** Capabilities we may hand out, e.g. from `capabilitiesFromMask(CapBnd)`. */
  readonly capabilities: readonly string[];
  /** mount_setattr with AT_RECURSIVE works. */
  readonly recursiveReadOnly: boolean;
  /** Why pods cannot have user namespaces; "" = they can. */
  readonly userNamespacesProblem: string;
  /** Values of the environment may hold any byte but NUL. */
  readonly environmentBytes: boolean;
  /** As Node names it. */
  readonly architecture: Architecture;
  readonly seccompEnabled: boolean;
  readonly apparmorEnabled: boolean;
  /** Why the profile RuntimeDefault is not loaded; "" = it is. Of meaning with AppArmor only. */
  readonly apparmorDefaultProblem: string;
  /** undefined: the host has no SELinux, or labels are switched off. */
  readonly selinux: SelinuxFacts | undefined;
}

/** The operator's settings that a spec depends on. */
export interface SpecSettings {
  /** Parent cgroup of pods that name none. */
  readonly cgroupBase: string;
  /** 0 = none. */
  readonly pidsLimit: number;
  readonly rlimitNofile: { readonly soft: number; readonly hard: number };
  /** Directories of the runtime and the kubelet; neither they nor what holds them is ever relabelled. */
  readonly sparedDirs: readonly string[];
}

/** One device node that stat found on the host. */
export interface DeviceNode {
  /** Below the host path that was asked for: "" for that node itself, "/snd/timer" in a directory. */
  readonly below: string;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Everything `buildSpec` reads. */
export interface SpecInput {
  readonly containerId: string;
  readonly requested: Requested;
  readonly content: Content;
  readonly pod: PodFacts;
  readonly host: HostFacts;
  readonly settings: SpecSettings;
  /** What the caller found at each of `devicePathsToStat(...)`; [] for a path without device nodes. */
  readonly deviceNodes: ReadonlyMap<string, readonly DeviceNode[]>;
  /** Layers of `imagesToMount(...)`; an image that is not there is left out. */
  readonly imageLayers: ImageLayers;
}

/** Whom the program runs as, for the helper to resolve in the container's own files. */
export interface UserRequest {
  /** "" (root), a decimal uid, or a name. */
  readonly user: string;
  /** "" (the user's primary group, else 0), a decimal gid, or a name. */
  readonly group: string;
  readonly supplementalGids: readonly number[];
  readonly strictGroups: boolean;
}

/** What `buildSpec` answers. */
export interface SpecResult {
  /** Without linux.seccomp. */
  readonly spec: OciSpec;
  readonly seccomp: SeccompChoice;
  readonly user: UserRequest;
  /** TARGET pid mode: the container whose pid namespace is joined; "" otherwise. */
  readonly pidTargetContainerId: string;
  /** Kernel number of the signal that stops the container. */
  readonly stopSignal: number;
  /** For ContainerStatus.mounts: as the kubelet sent them. */
  readonly mounts: readonly CriMount[];
  /** What was done less than asked and why, for the log. */
  readonly notes: readonly string[];
}
