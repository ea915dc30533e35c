// Launcher messages: plain values to generated ones and back.
import { estiba } from '../../proto/gen/isolation.js';
import { toLong, toNumber } from '../../proto/long.ts';
import type {
  DestroyPodRequest,
  LayerCompression,
  NamespaceMode,
  PodStarted,
  Pong,
  ProgramEnded,
  RunProgramRequest,
  SeccompFilter,
  StartPodRequest,
  Unpacked,
  UnpackProgress,
  UnpackRequest,
} from './launcher-messages.ts';

type Wire = typeof estiba.isolation.v1;
const v1: Wire = estiba.isolation.v1;
type Properties<Name extends keyof Wire> = Wire[Name] extends new (p: infer P) => unknown
  ? NonNullable<P>
  : never;

const namespaceModes = {
  pod: v1.NamespaceMode.NAMESPACE_MODE_POD,
  container: v1.NamespaceMode.NAMESPACE_MODE_CONTAINER,
  node: v1.NamespaceMode.NAMESPACE_MODE_NODE,
  target: v1.NamespaceMode.NAMESPACE_MODE_TARGET,
} as const satisfies Record<NamespaceMode, number>;

const compressions = {
  auto: v1.Compression.COMPRESSION_AUTO,
  none: v1.Compression.COMPRESSION_NONE,
  gzip: v1.Compression.COMPRESSION_GZIP,
  zstd: v1.Compression.COMPRESSION_ZSTD,
} as const satisfies Record<LayerCompression, number>;

export function startPodToWire(request: StartPodRequest): Properties<'StartPod'> {
  return {
    podId: request.podId,
    podDir: request.podDir,
    netnsPath: request.netnsPath,
    network: namespaceModes[request.network],
    ipc: namespaceModes[request.ipc],
    pid: namespaceModes[request.pid],
    hostname: request.hostname,
    sysctls: { ...request.sysctls },
    shmSizeBytes: toLong(request.shmSizeBytes ?? 0),
    cgroupParent: request.cgroupParent,
    legacyMounts: request.legacyMounts ?? false,
    uidMappings: (request.ids?.uids ?? []).map((range) => ({ ...range })),
    gidMappings: (request.ids?.gids ?? []).map((range) => ({ ...range })),
    mountLabel: request.mountLabel ?? '',
    processLabel: request.processLabel ?? '',
    runtime: request.runtime
      ? { path: request.runtime.path, arguments: [...request.runtime.arguments] }
      : null,
  };
}

export function runProgramToWire(request: RunProgramRequest): Properties<'RunProgram'> {
  return {
    argv: [...request.argv],
    env: [...request.env],
    stdin: Buffer.from(request.stdin ?? []),
    cwd: request.cwd ?? '',
    deadlineMs: toLong(request.deadlineMs ?? 0),
    outputLimitBytes: toLong(request.outputLimitBytes ?? 0),
  };
}

export function unpackToWire(request: UnpackRequest, isGrowing: boolean): Properties<'Unpack'> {
  return {
    sourcePath: request.sourcePath,
    offset: toLong(request.offset ?? 0),
    length: toLong(request.length ?? 0),
    compression: compressions[request.compression ?? 'auto'],
    expectedDigest: request.expectedDigest ?? '',
    expectedDiffId: request.expectedDiffId ?? '',
    targetDir: request.targetDir,
    parentDirs: [...(request.parentDirs ?? [])],
    maxBytes: toLong(request.maxBytes ?? 0),
    maxEntries: toLong(request.maxEntries ?? 0),
    deadlineMs: toLong(request.deadlineMs ?? 0),
    sync: request.sync ?? false,
    growing: isGrowing,
    stopUnlessSelfContained: request.stopUnlessSelfContained ?? false,
    fileLabel: request.fileLabel ?? '',
  };
}

export function destroyPodToWire(request: DestroyPodRequest): Properties<'DestroyPod'> {
  return {
    podDir: request.podDir,
    netnsPath: request.netnsPath,
    removeDir: request.removeDir,
    cgroups: [...(request.cgroups ?? [])],
  };
}

export function pongFromWire(pong: Properties<'Pong'>): Pong {
  const features = pong.features ?? {};
  return {
    build: pong.build ?? '',
    launcherPid: pong.launcherPid ?? 0,
    features: {
      cgroupVersion: features.cgroupVersion ?? '',
      cgroupControllers: features.cgroupControllers ?? [],
      overlayLowerdirAppend: features.overlayLowerdirAppend ?? false,
      cloneDetachedMounts: features.cloneDetachedMounts ?? false,
      cloneIntoCgroup: features.cloneIntoCgroup ?? false,
      recursiveReadOnly: features.recursiveReadOnly ?? false,
      userNamespaces: features.userNamespaces ?? false,
      userNamespacesProblem: features.userNamespacesProblem ?? '',
    },
  };
}

export function podStartedFromWire(pod: Properties<'PodStarted'>): PodStarted {
  return {
    monitorPid: pod.monitorPid ?? 0,
    monitorStartTimeTicks: toNumber(pod.monitorStartTimeTicks),
    ipcPath: pod.ipcPath ?? '',
    utsPath: pod.utsPath ?? '',
    pidPath: pod.pidPath ?? '',
    shmPath: pod.shmPath ?? '',
    netnsInode: toNumber(pod.netnsInode),
    initPid: pod.initPid ?? 0,
    userPath: pod.userPath ?? '',
  };
}

export function programEndedFromWire(ended: Properties<'ProgramEnded'>): ProgramEnded {
  return {
    exitCode: ended.exitCode ?? 0,
    signal: ended.signal ?? 0,
    stdout: asBuffer(ended.stdout),
    stderr: asBuffer(ended.stderr),
    timedOut: ended.timedOut ?? false,
    outputCut: ended.outputCut ?? false,
    elapsedUs: toNumber(ended.elapsedUs),
  };
}

export function unpackedFromWire(unpacked: Properties<'Unpacked'>): Unpacked {
  return {
    digest: unpacked.digest ?? '',
    diffId: unpacked.diffId ?? '',
    blobBytes: toNumber(unpacked.blobBytes),
    unpackedBytes: toNumber(unpacked.unpackedBytes),
    inodes: toNumber(unpacked.inodes),
    isSelfContained: unpacked.selfContained ?? false,
    notSelfContainedBecause: unpacked.notSelfContainedBecause ?? '',
    isIncomplete: unpacked.incomplete ?? false,
    isStopped: unpacked.stopped ?? false,
  };
}

export function unpackProgressFromWire(progress: Properties<'UnpackProgress'>): UnpackProgress {
  return { blobBytes: toNumber(progress.blobBytes), entries: toNumber(progress.entries) };
}

export function seccompFilterFromWire(filter: Properties<'SeccompFilter'>): SeccompFilter {
  // A copy: it is kept, and would keep the whole frame.
  return { program: Uint8Array.from(filter.program ?? []), flags: filter.flags ?? 0 };
}

/** Views bytes as a Buffer without copying them; absent bytes are empty. */
export function asBuffer(bytes: Uint8Array | null | undefined): Buffer {
  if (bytes === null || bytes === undefined) {
    return Buffer.alloc(0);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
