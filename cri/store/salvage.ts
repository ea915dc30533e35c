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

/** Returns a sandbox that is not ready, with whatever the broken record still tells. */
export function salvageSandbox(broken: BrokenRecord): SandboxRecord {
  const fields = readableFields(broken.text);
  const config = decodedConfig(fields, (bytes) => v1.PodSandboxConfig.decode(bytes));
  config.metadata ??= { name: broken.id }; // the kubelet passes over objects without metadata
  return {
    id: broken.id,
    bootId: textOf(fields, 'bootId') || broken.bootId,
    createdAtNs: createdAtNs(fields, broken),
    config,
    runtimeHandler: textOf(fields, 'runtimeHandler'),
    state: 'notReady',
    reason: reason(broken),
    ips: [],
    netnsPath: textOf(fields, 'netnsPath'),
    cgroupParent: textOf(fields, 'cgroupParent'),
    podStarted: undefined,
    attachment: undefined,
  };
}

/** Returns a container in state unknown, with whatever the broken record still tells. */
export function salvageContainer(broken: BrokenRecord): ContainerRecord {
  const fields = readableFields(broken.text);
  const config = decodedConfig(fields, (bytes) => v1.ContainerConfig.decode(bytes));
  config.metadata ??= { name: broken.id }; // the kubelet passes over objects without metadata
  const sandboxId = textOf(fields, 'sandboxId');
  return {
    id: broken.id,
    sandboxId: isId(sandboxId) ? sandboxId : noSandbox(),
    bootId: textOf(fields, 'bootId') || broken.bootId,
    createdAtNs: createdAtNs(fields, broken),
    config,
    image: textOf(fields, 'image'),
    imageId: textOf(fields, 'imageId'),
    imageRef: textOf(fields, 'imageRef'),
    lowerDirs: [],
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
