// What a monitor's calls take and answer, as plain values. Units and meanings:
// proto/isolation/v1/isolation.proto. Times are nanoseconds since the epoch, 0 = never.

import type { SeccompFilter } from './launcher-messages.ts';

export type ContainerPhase = 'created' | 'running' | 'exited';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** Whose limit of memory was reached; "ancestor" is a cgroup above the pod's. */
export type OomLevel = 'unknown' | 'container' | 'pod' | 'ancestor' | 'node';

/** Processes of a container, execs included, that were killed for lack of memory. */
export interface OomKills {
  /** Since the container was made. */
  readonly kills: number;
  /** Of the last ones: the level, the cgroup with the limit, and the limit; "" and 0 for the node. */
  readonly level: OomLevel;
  readonly cgroup: string;
  readonly limitBytes: number;
}

export interface ExitRecord {
  /** 128 + signal when killed by a signal. */
  readonly exitCode: number;
  readonly signal: number;
  readonly oomKilled: boolean;
  readonly startedAtNs: bigint;
  readonly finishedAtNs: bigint;
  readonly message: string;
  /** The program never ran (CRI reason StartError). */
  readonly startFailed: boolean;
  /** Set when `oomKilled`: so are containers of which any process was killed. */
  readonly oom: OomKills | undefined;
}

export interface ContainerState {
  readonly containerId: string;
  readonly phase: ContainerPhase;
  /** As the host sees it; 0 when exited. */
  readonly pid: number;
  readonly startTimeTicks: number;
  readonly createdAtNs: bigint;
  readonly startedAtNs: bigint;
  /** Set when exited. */
  readonly exit: ExitRecord | undefined;
  readonly user: ResolvedUser;
  readonly oom: OomKills | undefined;
}

export interface PodState {
  readonly podId: string;
  readonly monitorPid: number;
  readonly monitorStartTimeTicks: number;
  readonly build: string;
  readonly containers: readonly ContainerState[];
  readonly initPid: number;
  readonly bootId: string;
}

export interface CreateContainerRequest {
  readonly containerId: string;
  /** The OCI runtime spec, as JSON text. */
  readonly specJson: string;
  readonly rootfs: {
    /** Topmost first; at least one. */
    readonly lowerDirs: readonly string[];
    readonly writableDir: string;
    readonly volatile: boolean;
  };
  readonly stdio: {
    /** "" discards the output. */
    readonly logPath: string;
    /** The pod's; from its own name on no symlink in the path is followed. */
    readonly logDirectory: string;
    readonly tty: boolean;
    readonly stdin: boolean;
    readonly stdinOnce: boolean;
  };
  /** Replaces process.user of the spec; undefined keeps that. */
  readonly user?: UserRequest | undefined;
  /** Container whose pid namespace is joined. */
  readonly pidTargetContainerId?: string | undefined;
  /** Default 110 000. */
  readonly deadlineMs?: number | undefined;
  /** The spec's linux.seccomp, compiled. */
  readonly seccomp?: SeccompFilter | undefined;
}

export interface UserRequest {
  /** "" (root), a decimal uid, or a name. */
  readonly user: string;
  /** "" (the user's primary group), a decimal gid, or a name. */
  readonly group: string;
  readonly supplementalGids: readonly number[];
  /** Leave out the memberships of the image's /etc/group. */
  readonly strictGroups: boolean;
}

export interface ContainerCreated {
  /** Of the parked init, as the host sees it. */
  readonly pid: number;
  readonly user: ResolvedUser;
  readonly createdAtNs: bigint;
  readonly steps: readonly { readonly step: string; readonly elapsedUs: number }[];
}

export interface ContainerStarted {
  readonly pid: number;
  readonly startedAtNs: bigint;
}

export interface UpdateContainerRequest {
  readonly containerId: string;
  /** linux.resources of an OCI runtime spec, as JSON text; what is not there stays. */
  readonly resourcesJson: string;
  /** undefined: stays. */
  readonly oomScoreAdj: number | undefined;
}

export interface ExecSyncRequest {
  readonly containerId: string;
  readonly argv: readonly string[];
  /** 0 = none. */
  readonly timeoutMs: number;
  /** For each of stdout and stderr; what is beyond is dropped and `outputCut` set. */
  readonly outputLimitBytes: number;
}

export interface ExecResult {
  /** 128 + signal when killed by a signal. */
  readonly exitCode: number;
  readonly timedOut: boolean;
  readonly outputCut: boolean;
  /** It was killed while processes of the container were killed for lack of memory. */
  readonly oomKilled: boolean;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export type MonitorEvent =
  | { readonly kind: 'containerExited'; readonly state: ContainerState }
  | { readonly kind: 'containerOomKilled'; readonly containerId: string; readonly oom: OomKills }
  | { readonly kind: 'podInitDied'; readonly exit: ExitRecord };
