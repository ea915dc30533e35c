// Reads CRI messages from JSON as crictl writes it (field names of the .proto files, enums by name,
// 64-bit fields as numbers) and passes them through the wire format, so that the code under test sees
// exactly what a decoded request holds.
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';

const { v1 } = runtime;

const enums: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  network: v1.NamespaceMode,
  pid: v1.NamespaceMode,
  ipc: v1.NamespaceMode,
  mode: v1.NamespaceMode,
  propagation: v1.MountPropagation,
  supplemental_groups_policy: v1.SupplementalGroupsPolicy,
  profile_type: v1.SecurityProfile.ProfileType,
  protocol: v1.Protocol,
  stop_signal: v1.Signal,
};

// `value` is an int64 in run_as_user and run_as_group, and bytes in envs.
const longs: ReadonlySet<string> = new Set([
  'cpu_period',
  'cpu_quota',
  'cpu_shares',
  'memory_limit_in_bytes',
  'memory_swap_limit_in_bytes',
  'oom_score_adj',
  'limit',
  'supplemental_groups',
  'value',
]);

const maps: ReadonlySet<string> = new Set(['labels', 'annotations', 'sysctls', 'unified']);

function convert(key: string, value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => convert(key, item));
  }
  if (typeof value === 'object' && value !== null) {
    return maps.has(key) ? value : convertMembers(value);
  }
  if (typeof value === 'number' && longs.has(key)) {
    return toLong(value);
  }
  if (typeof value === 'string' && key === 'value') {
    return new TextEncoder().encode(value);
  }
  const names = enums[key];
  if (typeof value === 'string' && names !== undefined) {
    if (!Object.hasOwn(names, value)) {
      throw new Error(`cannot read "${key}": "${value}" is not a value of its enum`);
    }
    return names[value];
  }
  return value;
}

function convertMembers(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [camelCase(key), convert(key, member)]),
  );
}

function camelCase(key: string): string {
  const camel = key.replaceAll(/_([a-z])/gu, (_, letter: string) => letter.toUpperCase());
  return camel === 'CDIDevices' || key === 'CDI_devices' ? 'CDIDevices' : camel;
}

/** A decoded PodSandboxConfig. */
export function sandboxFromJson(json: object): runtime.v1.PodSandboxConfig {
  return v1.PodSandboxConfig.decode(v1.PodSandboxConfig.encode(convertMembers(json)).finish());
}

/** A decoded ContainerConfig. */
export function containerFromJson(json: object): runtime.v1.ContainerConfig {
  return v1.ContainerConfig.decode(v1.ContainerConfig.encode(convertMembers(json)).finish());
}
