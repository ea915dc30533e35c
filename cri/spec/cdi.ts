// Devices of the Container Device Interface: which ones a container asks for, which edits that means,
// and what those do to its spec. Files are read and nodes looked at elsewhere.
import { posix } from 'node:path';
import { isQualifiedDevice } from './cdi-document.ts';
import type { CdiDeviceNode, CdiDocument, CdiEdits, CdiMount } from './cdi-document.ts';
import type { ContainerConfig } from './cri-types.ts';
import type { DeviceNode, SpecResult } from './input.ts';
import { notOnThisHost, quote, refused, unimplemented } from './refusal.ts';
import type { OciDevice, OciDeviceRule, OciHook, OciHooks, OciMount } from './types.ts';

const annotationPrefix = 'cdi.k8s.io/';

/**
 * Qualified names of the devices that a container asks for, each once: of the field, then those that
 * only annotations name. Throws InvalidArgument for anything else than a qualified name.
 */
export function cdiDevices(config: ContainerConfig): string[] {
  const fields = (config.CDIDevices ?? []).map((device) => device.name ?? '');
  const annotated = Object.entries(config.annotations ?? {})
    .filter(([key]) => key.startsWith(annotationPrefix))
    .flatMap(([, value]) => value.split(','));
  const names = [...new Set([...fields, ...annotated])];
  const wrong = names.find((name) => !isQualifiedDevice(name));
  if (wrong !== undefined) {
    throw refused(`inject device ${quote(wrong)}`, 'it is not named vendor/class=device');
  }
  return names;
}

/** A file that could be read. */
export interface CdiFile {
  readonly path: string;
  /** Number of its directory: the later directory wins. */
  readonly directory: number;
  readonly document: CdiDocument;
}

/** What is known of CDI on this host. */
export interface CdiFiles {
  readonly directories: readonly string[];
  readonly files: readonly CdiFile[];
  /** `"<path>": <why>` of files that cannot be used. */
  readonly problems: readonly string[];
}

/** Edits, and the qualified name of the device that they are made for. */
export interface DeviceEdits extends CdiEdits {
  readonly device: string;
}

/**
 * The edits for these devices in their order, those of a whole file once and before its devices'.
 * Throws FailedPrecondition for a device that no file has, or that two files of one directory have.
 */
export function cdiEdits(names: readonly string[], known: CdiFiles): DeviceEdits[] {
  const begun = new Set<string>();
  return names.flatMap((name) => {
    const { file, edits } = findDevice(name, known);
    const whole = begun.has(file.path) ? [] : [file.document.containerEdits];
    begun.add(file.path);
    return [...whole, edits].map((one) => ({ ...checkEdits(name, one), device: name }));
  });
}

function findDevice(name: string, known: CdiFiles): { file: CdiFile; edits: CdiEdits } {
  const at = name.indexOf('=');
  const [kind, device] = [name.slice(0, at), name.slice(at + 1)];
  const found = known.files.flatMap((file) =>
    file.document.devices
      .filter((one) => file.document.kind === kind && one.name === device)
      .map(({ containerEdits }) => ({ file, edits: containerEdits })),
  );
  const highest = Math.max(...found.map(({ file }) => file.directory));
  const [winner, rival] = found.filter(({ file }) => file.directory === highest);
  const action = `inject device ${quote(name)}`;
  if (winner === undefined) {
    const places = known.directories.map(quote).join(', ');
    const broken = known.problems.length === 0 ? '' : ` (unusable: ${known.problems.join('; ')})`;
    throw notOnThisHost(action, `no file in ${places} has it${broken}`);
  }
  if (rival !== undefined) {
    const both = `${quote(winner.file.path)} and ${quote(rival.file.path)}`;
    throw notOnThisHost(action, `${both} both have it`);
  }
  return winner;
}

function checkEdits(name: string, edits: CdiEdits): CdiEdits {
  const action = `inject device ${quote(name)}`;
  if (edits.intelRdt !== undefined && edits.intelRdt !== null) {
    throw unimplemented(action, 'Intel RDT is');
  }
  if (edits.netDevices.length > 0) {
    throw unimplemented(action, 'network devices of CDI are');
  }
  return edits;
}

/** Host paths of nodes whose numbers the edits leave to whoever looks, each once. */
export function cdiPathsToStat(edits: readonly CdiEdits[]): string[] {
  const nodes = edits.flatMap(({ deviceNodes }) => deviceNodes);
  return [...new Set(nodes.filter((node) => !hasNumbers(node)).map((node) => hostPathOf(node)))];
}

const hostPathOf = (node: CdiDeviceNode): string => node.hostPath ?? node.path;

const hasNumbers = (node: CdiDeviceNode): boolean =>
  node.type !== '' && (node.major !== 0 || node.minor !== 0);

/**
 * The spec with the edits applied: each replaces what is at the same path or of the same name, mounts
 * come before those below them. Throws InvalidArgument or FailedPrecondition.
 */
export function applyCdi(
  result: SpecResult,
  edits: readonly DeviceEdits[],
  nodes: ReadonlyMap<string, readonly DeviceNode[]>,
): SpecResult {
  if (edits.length === 0) {
    return result;
  }
  const { spec, user } = result;
  const made = edits.flatMap(({ device, deviceNodes }) =>
    deviceNodes.map((node) => deviceOf(device, node, nodes)),
  );
  const gids = edits.flatMap(({ additionalGids }) => additionalGids).filter((gid) => gid !== 0);
  const { resources, devices } = spec.linux;
  return {
    ...result,
    spec: {
      ...spec,
      process: { ...spec.process, env: withEnv(spec.process.env, edits) },
      mounts: withMounts(spec.mounts, edits),
      ...withHooks(edits),
      linux: {
        ...spec.linux,
        devices: withDevices(devices, made),
        resources: {
          ...resources,
          devices: [...resources.devices, ...made.map(({ rule }) => rule)],
        },
      },
    },
    user: { ...user, supplementalGids: [...new Set([...user.supplementalGids, ...gids])] },
  };
}

function withEnv(env: readonly string[], edits: readonly CdiEdits[]): string[] {
  const variables = new Map(env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry]));
  for (const entry of edits.flatMap((one) => one.env)) {
    variables.set(entry.slice(0, entry.indexOf('=')), entry);
  }
  return [...variables.values()];
}

/** In the order of the edits; no member where there are none. */
function withHooks(edits: readonly DeviceEdits[]): { hooks?: OciHooks } {
  const hooks: Partial<Record<keyof OciHooks, OciHook[]>> = {};
  for (const { device, hooks: asked } of edits) {
    for (const { hookName, path, args, env, timeout } of asked) {
      const hook = { path, args, env, ...(timeout === undefined ? {} : { timeout }) };
      (hooks[hookName] ??= []).push({ ...hook, estibaDevice: device });
    }
  }
  return Object.keys(hooks).length === 0 ? {} : { hooks };
}

function withDevices(
  devices: readonly OciDevice[],
  made: readonly { readonly device: OciDevice }[],
): OciDevice[] {
  const all = [...devices, ...made.map(({ device }) => device)];
  return [...new Map(all.map((device) => [device.path, device])).values()];
}

function deviceOf(
  cdiDevice: string,
  node: CdiDeviceNode,
  nodes: ReadonlyMap<string, readonly DeviceNode[]>,
): { device: OciDevice; rule: OciDeviceRule } {
  const hostPath = hostPathOf(node);
  const action = `make node ${quote(node.path)} of CDI device ${quote(cdiDevice)}`;
  const path = posix.normalize(node.path).replace(/\/+$/u, '');
  if (path === '') {
    throw refused(action, 'it is the root');
  }
  if (node.type === 'p') {
    throw unimplemented(action, 'named pipes are');
  }
  const found = nodes.get(hostPath)?.find(({ below }) => below === '');
  if (!hasNumbers(node) && found === undefined) {
    throw notOnThisHost(action, `there is no device ${quote(hostPath)}`);
  }
  const asked = node.type === 'b' ? ('b' as const) : ('c' as const);
  const { type, major, minor } = hasNumbers(node)
    ? { type: asked, major: node.major, minor: node.minor }
    : { type: found?.type ?? asked, major: found?.major ?? 0, minor: found?.minor ?? 0 };
  if (node.type !== '' && asked !== type) {
    throw notOnThisHost(action, `${quote(hostPath)} is not of type "${node.type}"`);
  }
  return {
    device: {
      path,
      type,
      major,
      minor,
      fileMode: node.fileMode ?? found?.mode ?? 0o666,
      uid: node.uid ?? found?.uid ?? 0,
      gid: node.gid ?? found?.gid ?? 0,
      ...(node.uid === undefined ? { uidOfUser: true } : {}),
      ...(node.gid === undefined ? { gidOfUser: true } : {}),
    },
    rule: {
      allow: true,
      access: node.permissions === '' ? 'rwm' : node.permissions,
      type,
      major,
      minor,
    },
  };
}

function withMounts(mounts: readonly OciMount[], edits: readonly DeviceEdits[]): OciMount[] {
  const result = [...mounts];
  for (const made of edits.flatMap(mountsOf)) {
    const same = result.findIndex(({ destination }) => destination === made.destination);
    if (same >= 0) {
      result.splice(same, 1);
    }
    const below = result.findIndex(({ destination }) =>
      destination.startsWith(`${made.destination}/`),
    );
    result.splice(below < 0 ? result.length : below, 0, made);
  }
  return result;
}

function mountsOf({ device, mounts }: DeviceEdits): OciMount[] {
  return mounts.map((mount) => mountOf(device, mount));
}

function mountOf(
  cdiDevice: string,
  { hostPath, containerPath, options, type }: CdiMount,
): OciMount {
  const what = `${quote(hostPath)} of CDI device ${quote(cdiDevice)}`;
  const action = `mount ${what} at ${quote(containerPath)}`;
  const destination = posix.normalize(containerPath).replace(/\/+$/u, '');
  if (destination === '') {
    throw refused(action, 'it is the root');
  }
  if (type !== '' && type !== 'none' && type !== 'bind') {
    if (type !== 'tmpfs') {
      throw unimplemented(action, `mounts of type ${quote(type)} are`);
    }
    return { destination, type, source: hostPath, options };
  }
  if (!hostPath.startsWith('/')) {
    throw refused(action, 'its host path is not absolute');
  }
  const isBind = options.includes('bind') || options.includes('rbind');
  return {
    destination,
    type: 'bind',
    source: hostPath,
    options: isBind ? options : ['rbind', ...options],
  };
}
