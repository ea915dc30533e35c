// The user namespace of a pod: which ids of the host stand for those of its containers.
import { runtime } from '../../proto/gen/cri.js';
import type { NamespaceOption } from './cri-types.ts';
import type { IdMapping, IdMappings } from './input.ts';
import type { PodModes } from './namespaces.ts';
import { notOnThisHost, refused } from './refusal.ts';
import type { OciIdMapping } from './types.ts';

const { NamespaceMode } = runtime.v1;
const action = 'make a user namespace';
/** Ids are 32 bits wide, and the last is the kernel's word for none. */
const idCount = 2 ** 32 - 1;

type CriMapping = runtime.v1.IDMapping.$Properties;

/**
 * The mappings that were asked for; undefined when the host's ids are used. Throws InvalidArgument
 * for any mode but POD and NODE, and for anything but one range of users and one of groups, of equal
 * length, from id 0 on and without the host's root.
 */
export function userNamespace(options: NamespaceOption | null | undefined): IdMappings | undefined {
  const asked = options?.usernsOptions;
  if (asked === null || asked === undefined) {
    return undefined;
  }
  const mode = asked.mode ?? NamespaceMode.POD;
  const { uids, gids } = { uids: asked.uids ?? [], gids: asked.gids ?? [] };
  if (mode === NamespaceMode.NODE) {
    if (uids.length + gids.length > 0) {
      throw refused(action, 'userns_options has mappings with mode NODE');
    }
    return undefined;
  }
  if (mode !== NamespaceMode.POD) {
    const name = NamespaceMode[mode] ?? String(mode);
    throw refused(action, `userns_options mode "${name}" is neither POD nor NODE`);
  }
  const [users, groups] = [onlyRange(uids, 'uids'), onlyRange(gids, 'gids')];
  if (users.length !== groups.length) {
    throw refused(action, `${users.length} users and ${groups.length} groups are not as many`);
  }
  return { uids: [users], gids: [groups] };
}

function onlyRange(ranges: readonly CriMapping[], field: string): IdMapping {
  const [only] = ranges;
  if (only === undefined || ranges.length > 1) {
    throw refused(action, `userns_options has ${ranges.length} ranges of ${field}, not one`);
  }
  const range = checkedRange(only, action, field);
  if (range.containerId !== 0) {
    throw refused(
      action,
      `the range of ${field} begins with ${range.containerId}, not with root (0)`,
    );
  }
  if (range.hostId === 0) {
    throw refused(action, `the range of ${field} holds the host's root`);
  }
  return range;
}

/** A range as plain numbers. Throws InvalidArgument when it is empty or reaches beyond all ids. */
export function checkedRange(range: CriMapping, what: string, field: string): IdMapping {
  const containerId = range.containerId ?? 0;
  const hostId = range.hostId ?? 0;
  const length = range.length ?? 0;
  if (length === 0) {
    throw refused(what, `the range of ${field} is empty`);
  }
  if (containerId + length > idCount || hostId + length > idCount) {
    const text = `${containerId}:${hostId}:${length}`;
    throw refused(what, `the range "${text}" of ${field} reaches beyond all ids`);
  }
  return { containerId, hostId, length };
}

/**
 * Checks that a pod may have the user namespace. It may stay on the host's network, over which its root
 * has no rights then. Throws InvalidArgument where it shares processes or IPC with the host;
 * FailedPrecondition where this host cannot make it.
 */
export function checkPodUserNamespace(modes: PodModes, problem: string): void {
  for (const kind of ['pid', 'ipc'] as const) {
    if (modes[kind] === 'node') {
      throw refused(
        action,
        `the pod uses the host's ${kind} namespace, which the host's root owns`,
      );
    }
  }
  if (problem !== '') {
    throw notOnThisHost(action, `this host does not support it: ${problem}`);
  }
}

/** A container's user namespace is its pod's. Throws InvalidArgument when it asks for another. */
export function checkSameUserNamespace(
  pod: IdMappings | undefined,
  options: NamespaceOption | null | undefined,
): void {
  if (options?.usernsOptions === null || options?.usernsOptions === undefined) {
    return;
  }
  const own = userNamespace(options);
  if (describe(own) !== describe(pod)) {
    const why = `it asks for ${describe(own)}, its pod has ${describe(pod)}`;
    throw refused('choose the user namespace of the container', why);
  }
}

function describe(ids: IdMappings | undefined): string {
  if (ids === undefined) {
    return 'none';
  }
  const text = (ranges: readonly IdMapping[]) =>
    ranges.map(({ containerId, hostId, length }) => `${containerId}:${hostId}:${length}`).join(',');
  return `users ${text(ids.uids)} and groups ${text(ids.gids)}`;
}

/** Ranges as the OCI spec writes them. */
export function ociMappings(ranges: readonly IdMapping[]): OciIdMapping[] {
  return ranges.map(({ containerId, hostId, length }) => ({
    containerID: containerId,
    hostID: hostId,
    size: length,
  }));
}

/** The host's ids of the pod's root: who owns the pod's files. */
export function hostRoot(ids: IdMappings | undefined): { uid: number; gid: number } {
  return { uid: ids?.uids[0]?.hostId ?? 0, gid: ids?.gids[0]?.hostId ?? 0 };
}
