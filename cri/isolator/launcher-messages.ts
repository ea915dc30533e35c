// What a launcher job takes and answers, as plain values: the generated types with their Long and
// nullable fields stay inside this folder. Units and meanings: proto/isolation/v1/isolation.proto.

/** Which namespace a pod or container gets. */
export type NamespaceMode = 'pod' | 'container' | 'node' | 'target';

export interface KernelFeatures {
  /** "v1" also for hybrid hosts. */
  readonly cgroupVersion: string;
  readonly cgroupControllers: readonly string[];
  readonly overlayLowerdirAppend: boolean;
  readonly cloneDetachedMounts: boolean;
  readonly cloneIntoCgroup: boolean;
  readonly recursiveReadOnly: boolean;
  /** Only where the ping named a directory of layers. */
  readonly userNamespaces: boolean;
  /** Why not; where they work, what volumes cannot be id-mapped; "" when all can or nobody asked. */
  readonly userNamespacesProblem: string;
}

/** One range of ids. */
export interface IdMapping {
  readonly containerId: number;
  readonly hostId: number;
  readonly length: number;
}

export interface Pong {
  /** Version of the launcher's binary. */
  readonly build: string;
  readonly launcherPid: number;
  readonly features: KernelFeatures;
}

export interface StartPodRequest {
  readonly podId: string;
  readonly podDir: string;
  /** "" with network mode "node". */
  readonly netnsPath: string;
  readonly network: NamespaceMode;
  readonly ipc: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly hostname: string;
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  /** Default 64 MiB. */
  readonly shmSizeBytes?: number | undefined;
  readonly cgroupParent: string;
  readonly legacyMounts?: boolean | undefined;
  /** The pod's user namespace; default: the host's. */
  readonly ids?:
    | { readonly uids: readonly IdMapping[]; readonly gids: readonly IdMapping[] }
    | undefined;
  /** SELinux label of its /dev/shm; default: none. */
  readonly mountLabel?: string | undefined;
  /** That of its pid 1, where the policy lets it; default: the launcher's own. */
  readonly processLabel?: string | undefined;
  /** The program that makes its containers; default: the helper itself. */
  readonly runtime?: { readonly path: string; readonly arguments: readonly string[] } | undefined;
}

export interface PodStarted {
  readonly monitorPid: number;
  readonly monitorStartTimeTicks: number;
  readonly ipcPath: string;
  readonly utsPath: string;
  readonly pidPath: string;
  readonly shmPath: string;
  readonly netnsInode: number;
  /** 0 when the pod has no pid 1 of ours. */
  readonly initPid: number;
  /** "" without a user namespace. */
  readonly userPath: string;
}

export interface RunProgramRequest {
  /** argv[0] is an absolute path. */
  readonly argv: readonly string[];
  /** The whole environment, each entry "NAME=value". */
  readonly env: readonly string[];
  readonly stdin?: Uint8Array | string | undefined;
  readonly cwd?: string | undefined;
  /** Default 120 000. */
  readonly deadlineMs?: number | undefined;
  /** For each of stdout and stderr; default and most: 1 MiB. */
  readonly outputLimitBytes?: number | undefined;
}

export interface ProgramEnded {
  /** -1 when ended by a signal. */
  readonly exitCode: number;
  readonly signal: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly timedOut: boolean;
  readonly outputCut: boolean;
  readonly elapsedUs: number;
}

export type LayerCompression = 'auto' | 'none' | 'gzip' | 'zstd';

export interface UnpackRequest {
  /** A file that still grows needs the `growth` of the call's options. */
  readonly sourcePath: string;
  readonly offset?: number | undefined;
  /** Default: to the end of the file. */
  readonly length?: number | undefined;
  readonly compression?: LayerCompression | undefined;
  readonly expectedDigest?: string | undefined;
  readonly expectedDiffId?: string | undefined;
  /** Must not exist. */
  readonly targetDir: string;
  /** Topmost first. */
  readonly parentDirs?: readonly string[] | undefined;
  /** Without parents: gives up at the first entry that needs something from below; see `isStopped`. */
  readonly stopUnlessSelfContained?: boolean | undefined;
  readonly maxBytes?: number | undefined;
  readonly maxEntries?: number | undefined;
  /** Default one hour. */
  readonly deadlineMs?: number | undefined;
  /** syncfs of the target's file system before the answer. */
  readonly sync?: boolean | undefined;
  /** SELinux label of all its files; default: what the host's policy says. */
  readonly fileLabel?: string | undefined;
}

/** Files of our own that are to have an SELinux label. */
export interface LabelTree {
  readonly path: string;
  readonly label: string;
  /** The directory itself; else all that is in it, unless it has the label already: it gets it last. */
  readonly isShallow: boolean;
}

export interface UnpackProgress {
  readonly blobBytes: number;
  readonly entries: number;
}

export interface Unpacked {
  readonly digest: string;
  readonly diffId: string;
  readonly blobBytes: number;
  readonly unpackedBytes: number;
  readonly inodes: number;
  readonly isSelfContained: boolean;
  readonly notSelfContainedBecause: string;
  /** Entries were left out, the first is named in `notSelfContainedBecause`: not to be used. */
  readonly isIncomplete: boolean;
  /** As `stopUnlessSelfContained` asked: the target is gone again, and nothing was checked. */
  readonly isStopped: boolean;
}

export interface DestroyPodRequest {
  readonly podDir: string;
  readonly netnsPath: string;
  readonly removeDir: boolean;
  readonly cgroups?: readonly string[] | undefined;
}

/** A program that the kernel takes for a filter of system calls, and its flags. */
export interface SeccompFilter {
  readonly program: Uint8Array;
  readonly flags: number;
}
