// Monitor messages: plain values to generated ones and back.
import { estiba } from '../../proto/gen/isolation.js';
import { toBigInt, toLong, toNumber } from '../../proto/long.ts';
import type {
  ContainerCreated,
  ContainerPhase,
  ContainerStarted,
  ContainerState,
  CreateContainerRequest,
  ExecSyncRequest,
  ExitRecord,
  OomKills,
  MonitorEvent,
  OomLevel,
  PodState,
  ResolvedUser,
} from './monitor-messages.ts';

type Wire = typeof estiba.isolation.v1;
type Properties<Name extends keyof Wire> = Wire[Name] extends new (p: infer P) => unknown
  ? NonNullable<P>
  : never;

const phases: readonly (ContainerPhase | undefined)[] = [undefined, 'created', 'running', 'exited'];

export function createContainerToWire(
  request: CreateContainerRequest,
): Properties<'CreateContainer'> {
  const { rootfs, stdio, user, seccomp } = request;
  return {
    containerId: request.containerId,
    specJson: Buffer.from(request.specJson),
    rootfs: {
      lowerDirs: [...rootfs.lowerDirs],
      writableDir: rootfs.writableDir,
      volatile: rootfs.volatile,
    },
    stdio: { ...stdio },
    user:
      user === undefined
        ? null
        : {
            user: user.user,
            group: user.group,
            supplementalGids: [...user.supplementalGids],
            strictGroups: user.strictGroups,
          },
    pidTargetContainerId: request.pidTargetContainerId ?? '',
    deadlineMs: toLong(request.deadlineMs ?? 0),
    seccomp: seccomp === undefined ? null : { ...seccomp },
  };
}

export function execSyncToWire(request: ExecSyncRequest): Properties<'ExecSync'> {
  return {
    containerId: request.containerId,
    argv: [...request.argv],
    timeoutMs: toLong(request.timeoutMs),
    outputLimitBytes: toLong(request.outputLimitBytes),
  };
}

export function podStateFromWire(pod: Properties<'PodState'>): PodState {
  return {
    podId: pod.podId ?? '',
    monitorPid: pod.monitorPid ?? 0,
    monitorStartTimeTicks: toNumber(pod.monitorStartTimeTicks),
    build: pod.build ?? '',
    containers: (pod.containers ?? []).map((state) => containerStateFromWire(state)),
    initPid: pod.initPid ?? 0,
    bootId: pod.bootId ?? '',
  };
}

/** Throws TypeError for a phase that this version does not know. */
export function containerStateFromWire(state: Properties<'ContainerState'>): ContainerState {
  const phase = phases[state.phase ?? 0];
  if (phase === undefined) {
    throw new TypeError(`cannot read container state: phase "${state.phase}" is unknown`);
  }
  return {
    containerId: state.containerId ?? '',
    phase,
    pid: state.pid ?? 0,
    startTimeTicks: toNumber(state.startTimeTicks),
    createdAtNs: toBigInt(state.createdAtNs),
    startedAtNs: toBigInt(state.startedAtNs),
    exit: phase === 'exited' ? exitRecordFromWire(state.exit ?? {}) : undefined,
    user: userFromWire(state.user ?? {}),
    oom: oomFromWire(state.oom),
  };
}

const oomLevels: readonly OomLevel[] = ['unknown', 'container', 'pod', 'ancestor', 'node'];

/** undefined when there were no kills. */
function oomFromWire(oom: Properties<'OomKills'> | null | undefined): OomKills | undefined {
  if (!oom) {
    return undefined;
  }
  return {
    kills: toNumber(oom.kills),
    level: oomLevels[oom.level ?? 0] ?? 'unknown',
    cgroup: oom.cgroup ?? '',
    limitBytes: boundedBytes(oom.limitBytes),
  };
}

// "No limit" of v1 is more than a number holds.
function boundedBytes(value: Properties<'OomKills'>['limitBytes']): number {
  const bytes = toBigInt(value);
  return bytes > BigInt(Number.MAX_SAFE_INTEGER) ? 0 : Number(bytes);
}

export function exitRecordFromWire(exit: Properties<'ExitRecord'>): ExitRecord {
  return {
    exitCode: exit.exitCode ?? 0,
    signal: exit.signal ?? 0,
    oomKilled: exit.oomKilled ?? false,
    startedAtNs: toBigInt(exit.startedAtNs),
    finishedAtNs: toBigInt(exit.finishedAtNs),
    message: exit.message ?? '',
    startFailed: exit.startFailed ?? false,
    oom: oomFromWire(exit.oom),
  };
}

export function containerCreatedFromWire(
  created: Properties<'ContainerCreated'>,
): ContainerCreated {
  return {
    pid: created.pid ?? 0,
    user: userFromWire(created.user ?? {}),
    createdAtNs: toBigInt(created.createdAtNs),
    steps: (created.steps ?? []).map((step) => ({
      step: step.step ?? '',
      elapsedUs: toNumber(step.elapsedUs),
    })),
  };
}

export function containerStartedFromWire(
  started: Properties<'ContainerStarted'>,
): ContainerStarted {
  return { pid: started.pid ?? 0, startedAtNs: toBigInt(started.startedAtNs) };
}

/** undefined for an event of a newer monitor. */
export function eventFromWire(reply: Properties<'MonitorReply'>): MonitorEvent | undefined {
  const { containerExited, containerOomKilled, podInitDied } = reply;
  if (containerExited) {
    return { kind: 'containerExited', state: containerStateFromWire(containerExited) };
  }
  if (containerOomKilled) {
    const oom = oomFromWire(containerOomKilled.oom ?? {});
    const containerId = containerOomKilled.containerId ?? '';
    return oom && { kind: 'containerOomKilled', containerId, oom };
  }
  return podInitDied
    ? { kind: 'podInitDied', exit: exitRecordFromWire(podInitDied.exit ?? {}) }
    : undefined;
}

function userFromWire(user: Properties<'ResolvedUser'>): ResolvedUser {
  return {
    uid: user.uid ?? 0,
    gid: user.gid ?? 0,
    additionalGids: user.additionalGids ?? [],
  };
}
