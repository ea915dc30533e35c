// Records as they stand on disk: JSON, protobuf parts in base64, 64-bit numbers as decimal text.
import * as v from 'valibot';
import { CriError } from '../core/error.ts';
import { type ContainerId, isId, type SandboxId } from '../core/ids.ts';
import { runtime } from '../../proto/gen/cri.js';
import {
  type ContainerConfig,
  type ContainerRecord,
  type JsonValue,
  podResources,
  type PodSandboxConfig,
  recordVersion,
  type SandboxRecord,
} from './record.ts';

type Wire = typeof runtime.v1;
const v1: Wire = runtime.v1;

const idText = v.custom<SandboxId & ContainerId>(
  (input) => typeof input === 'string' && isId(input),
  'is not 64 hex digits',
);
const nanoseconds = v.pipe(
  v.string(),
  v.regex(/^\d{1,19}$/),
  v.transform((text) => BigInt(text)),
);
const json = v.custom<JsonValue | undefined>((input) => input !== undefined);
const user = v.object({
  uid: v.number(),
  gid: v.number(),
  additionalGids: v.array(v.number()),
});
const podStarted = v.object({
  monitorPid: v.number(),
  monitorStartTimeTicks: v.number(),
  ipcPath: v.string(),
  utsPath: v.string(),
  pidPath: v.string(),
  shmPath: v.string(),
  netnsInode: v.number(),
  initPid: v.number(),
  // Written since there are user namespaces.
  userPath: v.optional(v.string(), ''),
});

const common = { version: v.number(), bootId: v.string(), createdAtNs: nanoseconds };

const sandboxSchema = v.object({
  ...common,
  id: idText,
  config: base64(decodeSandboxConfig),
  runtimeHandler: v.string(),
  // Written since other programs can make containers.
  runtimePath: v.optional(v.string(), ''),
  state: v.picklist(['creating', 'ready', 'notReady']),
  reason: v.string(),
  ips: v.array(v.string()),
  netnsPath: v.string(),
  cgroupParent: v.string(),
  // Written since there are SELinux labels.
  selinuxLevel: v.optional(v.string()),
  podStarted: v.optional(podStarted),
  attachment: v.optional(json),
  // Older records have none: what the configuration says is what there was then.
  resources: v.optional(base64((bytes) => v1.LinuxPodSandboxConfig.decode(bytes))),
});

const containerSchema = v.object({
  ...common,
  id: idText,
  sandboxId: idText,
  config: base64(decodeContainerConfig),
  image: v.string(),
  imageId: v.string(),
  imageRef: v.string(),
  lowerDirs: v.array(v.string()),
  // Written since images can be volumes.
  volumeLayerDirs: v.optional(v.array(v.string()), []),
  logPath: v.string(),
  state: v.picklist(['creating', 'created', 'running', 'exited', 'unknown']),
  startedAtNs: nanoseconds,
  finishedAtNs: nanoseconds,
  exitCode: v.number(),
  reason: v.string(),
  message: v.string(),
  pid: v.number(),
  user: v.optional(user),
  status: base64((bytes) => v1.ContainerStatus.decode(bytes)),
  stopSignal: v.number(),
  // Older records have none.
  oomKills: v.optional(v.number(), 0),
});

/** Returns a configuration of our own, of which the caller holds no part. */
export function copySandboxConfig(
  config: runtime.v1.PodSandboxConfig.$Properties,
): PodSandboxConfig {
  return decodeSandboxConfig(v1.PodSandboxConfig.encode(config).finish());
}

/** Returns a configuration of our own, of which the caller holds no part. */
export function copyContainerConfig(
  config: runtime.v1.ContainerConfig.$Properties,
): ContainerConfig {
  return decodeContainerConfig(v1.ContainerConfig.encode(config).finish());
}

export function sandboxToJson(record: SandboxRecord): string {
  const config = toBase64(v1.PodSandboxConfig.encode(record.config).finish());
  const { overhead = null, resources: sum = null } = record.resources;
  const told = v1.LinuxPodSandboxConfig.encode({ overhead, resources: sum });
  const resources = toBase64(told.finish());
  return stringify({ version: recordVersion, ...record, config, resources });
}

export function containerToJson(record: ContainerRecord): string {
  const { mounts, resources, ...rest } = record;
  const config = toBase64(v1.ContainerConfig.encode(record.config).finish());
  const shown = v1.ContainerStatus.encode({ mounts: [...mounts], resources: resources ?? null });
  const status = toBase64(shown.finish());
  return stringify({ version: recordVersion, ...rest, config, status });
}

/** Reads a sandbox's record; throws with the first thing that is wrong about it. */
export function sandboxFromJson(text: string): SandboxRecord {
  const { version: _, ...record } = parse(sandboxSchema, text);
  return {
    ...record,
    podStarted: record.podStarted,
    selinuxLevel: record.selinuxLevel,
    attachment: record.attachment,
    resources: podResources(record.resources ?? record.config.linux),
  };
}

/** Reads a container's record; throws with the first thing that is wrong about it. */
export function containerFromJson(text: string): ContainerRecord {
  const { version: _, status, ...record } = parse(containerSchema, text);
  return {
    ...record,
    user: record.user,
    mounts: status.mounts,
    resources: status.resources ?? undefined,
  };
}

function parse<Output extends { readonly version: number }>(
  schema: v.GenericSchema<unknown, Output>,
  text: string,
): Output {
  const value: unknown = JSON.parse(text);
  const version = v.safeParse(v.object({ version: v.number() }), value);
  if (version.success && version.output.version > recordVersion) {
    const found = version.output.version;
    throw new CriError('Internal', `its format version ${found} is newer than ${recordVersion}`);
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (!result.success) {
    const [issue] = result.issues;
    throw new CriError('Internal', `field "${v.getDotPath(issue) ?? ''}": ${issue.message}`);
  }
  return result.output;
}

function stringify(record: object): string {
  return JSON.stringify(record, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function base64<T>(decode: (bytes: Buffer) => T): v.GenericSchema<string, T> {
  return v.pipe(
    v.string(),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return decode(Buffer.from(dataset.value, 'base64'));
      } catch {
        addIssue({ message: 'does not decode' });
        return NEVER;
      }
    }),
  );
}

function decodeSandboxConfig(bytes: Uint8Array): PodSandboxConfig {
  return v1.PodSandboxConfig.decode(bytes);
}

function decodeContainerConfig(bytes: Uint8Array): ContainerConfig {
  return v1.ContainerConfig.decode(bytes);
}
