// What can still be said about an object whose record is broken, so that it can be listed and removed.
import { isId, type ContainerId, type SandboxId } from '../core/ids.ts';
import { runtime } from '../../proto/gen/cri.js';
import type { ContainerRecord, SandboxRecord } from './record.ts';

type Wire = typeof runtime.v1;
const v1: Wire = runtime.v1;

export interface BrokenRecord {
  readonly id: SandboxId & ContainerId;
  readonly text: string;
  /** What is wrong with it. */
  readonly why: string;
  readonly bootId: string;
  /** Taken when the record does not tell. */
  readonly createdAtNs: bigint;
}

/** What the disk still tells of a container beside its record. */
export interface ContainerTrace {
  /** The pod whose monitor has it. */
  readonly sandboxId: SandboxId;
  /** Of its OCI spec. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Stands where the kubelet takes no empty text. */
const unknownText = 'unknown';

/** Returns a sandbox that is not ready, with whatever the broken record still tells. */
export function salvageSandbox(broken: BrokenRecord): SandboxRecord {
  const fields = readableFields(broken.text);
  const config = decodedConfig(fields, (bytes) => v1.PodSandboxConfig.decode(bytes));
  // The kubelet passes over sandboxes without all three.
  config.metadata ??= { name: broken.id, namespace: unknownText, uid: broken.id };
  return {
    id: broken.id,
    bootId: textOf(fields, 'bootId') || broken.bootId,
    createdAtNs: createdAtNs(fields, broken),
    config,
    runtimeHandler: textOf(fields, 'runtimeHandler'),
    runtimePath: textOf(fields, 'runtimePath'),
    state: 'notReady',
    reason: reason(broken),
    ips: [],
    netnsPath: textOf(fields, 'netnsPath'),
    cgroupParent: textOf(fields, 'cgroupParent'),
    selinuxLevel: textOf(fields, 'selinuxLevel') || undefined,
    podStarted: undefined,
    attachment: undefined,
    resources: { overhead: undefined, resources: undefined },
  };
}

/**
 * Returns a container in state unknown, with whatever the broken record and its trace still tell: its
 * pod above all, without which it could not be stopped. `lowerDirs` is empty when they are not known.
 */
export function salvageContainer(
  broken: BrokenRecord,
  trace: ContainerTrace | undefined,
): ContainerRecord {
  const fields = readableFields(broken.text);
  const config = decodedConfig(fields, (bytes) => v1.ContainerConfig.decode(bytes));
  const traced = (name: string): string => trace?.annotations[`io.kubernetes.cri.${name}`] ?? '';
  const image = textOf(fields, 'image') || traced('image-name') || unknownText;
  // The kubelet passes over containers without metadata, image and reference.
  config.metadata ??= { name: traced('container-name') || broken.id };
  config.image ??= { image };
  if (trace !== undefined && Object.keys(config.labels).length === 0) {
    config.labels = kubernetesLabels(traced);
  }
  const sandboxId = textOf(fields, 'sandboxId');
  return {
    id: broken.id,
    sandboxId: trace?.sandboxId ?? (isId(sandboxId) ? sandboxId : noSandbox()),
    bootId: textOf(fields, 'bootId') || broken.bootId,
    createdAtNs: createdAtNs(fields, broken),
    config,
    image,
    imageId: textOf(fields, 'imageId'),
    imageRef: textOf(fields, 'imageRef') || textOf(fields, 'imageId') || unknownText,
    lowerDirs: textsOf(fields, 'lowerDirs'),
    volumeLayerDirs: textsOf(fields, 'volumeLayerDirs'),
    logPath: textOf(fields, 'logPath'),
    state: 'unknown',
    startedAtNs: 0n,
    finishedAtNs: 0n,
    exitCode: 255,
    reason: 'Unknown',
    message: reason(broken),
    pid: 0,
    user: undefined,
    mounts: [],
    resources: undefined,
    oomKills: 0,
    stopSignal: 15,
  };
}

function reason({ why }: BrokenRecord): string {
  return `cannot read its record: ${why}`;
}

type Fields = ReadonlyMap<string, unknown>;

function readableFields(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  } catch {
    return new Map();
  }
}

function textOf(fields: Fields, name: string): string {
  const value = fields.get(name);
  return typeof value === 'string' ? value : '';
}

function textsOf(fields: Fields, name: string): string[] {
  const value = fields.get(name);
  return Array.isArray(value) ? value.filter((text) => typeof text === 'string') : [];
}

// The labels by which the kubelet knows whose container it is.
function kubernetesLabels(traced: (name: string) => string): Record<string, string> {
  const labels = {
    'io.kubernetes.container.name': traced('container-name'),
    'io.kubernetes.pod.name': traced('sandbox-name'),
    'io.kubernetes.pod.namespace': traced('sandbox-namespace'),
    'io.kubernetes.pod.uid': traced('sandbox-uid'),
  };
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

function createdAtNs(fields: Fields, broken: BrokenRecord): bigint {
  const text = textOf(fields, 'createdAtNs');
  return /^[1-9]\d{0,18}$/.test(text) ? BigInt(text) : broken.createdAtNs;
}

function decodedConfig<T>(fields: Fields, decode: (bytes: Buffer) => T): T {
  try {
    return decode(Buffer.from(textOf(fields, 'config'), 'base64'));
  } catch {
    return decode(Buffer.alloc(0));
  }
}

/** An id that no sandbox has, for a container that does not tell its own. */
function noSandbox(): SandboxId {
  const id = '0'.repeat(64);
  if (!isId(id)) {
    throw new TypeError('64 zeros are an id');
  }
  return id;
}
