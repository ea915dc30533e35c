// Whom the program runs as. Numbers are checked here, names are looked up by the helper in the
// container's own files.
import { runtime } from '../../proto/gen/cri.js';
import { toBigInt } from '../../proto/long.ts';
import type { LongLike } from '../../proto/long.ts';
import type { ContainerSecurity, Int64Value, SandboxSecurity } from './cri-types.ts';
import type { Content, UserRequest } from './input.ts';
import { quote, refused } from './refusal.ts';

const { SupplementalGroupsPolicy } = runtime.v1;

// Above it a 32-bit signed reader sees a negative number, and some wrap to root (CVE-2024-40635).
const highestId = 2_147_483_647n;
const mostGroups = 65_536;

/**
 * The user request. The kubelet's user wins over the image's as a whole: its group is never mixed
 * with the image's user. Throws InvalidArgument.
 */
export function userRequest(security: ContainerSecurity, content: Content): UserRequest {
  const { user, group } = namesOf(security, content);
  return {
    user: checkName('user', user),
    group: checkName('group', group),
    supplementalGids: groupIds(security.supplementalGroups ?? []),
    strictGroups: isStrict(security.supplementalGroupsPolicy),
  };
}

function namesOf(security: ContainerSecurity, content: Content): { user: string; group: string } {
  const name = security.runAsUsername ?? '';
  const id = idText(security.runAsUser, 'run_as_user');
  const group = idText(security.runAsGroup, 'run_as_group') ?? '';
  if (id !== undefined && name !== '') {
    throw refused('choose the user', `both run_as_user "${id}" and run_as_username ${quote(name)}`);
  }
  if (name.includes(':')) {
    throw refused('choose the user', `run_as_username ${quote(name)} holds a colon`);
  }
  const asked = id ?? name;
  if (asked !== '') {
    return { user: asked, group };
  }
  if (group !== '') {
    throw refused('choose the group', `run_as_group "${group}" without a user`);
  }
  return splitImageUser(content.user);
}

function splitImageUser(text: string): { user: string; group: string } {
  const colon = text.indexOf(':');
  return colon < 0
    ? { user: text, group: '' }
    : { user: text.slice(0, colon), group: text.slice(colon + 1) };
}

/** Throws InvalidArgument when a sandbox names a group without a user, or ids out of range. */
export function checkSandboxUser(security: SandboxSecurity): void {
  const user = idText(security.runAsUser, 'run_as_user');
  const group = idText(security.runAsGroup, 'run_as_group');
  if (group !== undefined && user === undefined) {
    throw refused('make the sandbox', `run_as_group "${group}" without run_as_user`);
  }
  groupIds(security.supplementalGroups ?? []);
  isStrict(security.supplementalGroupsPolicy);
}

function idText(value: Int64Value | null | undefined, field: string): string | undefined {
  if (value === null || value === undefined) {
    return undefined;
  }
  return String(checkId(toBigInt(value.value), field));
}

function groupIds(values: readonly LongLike[]): number[] {
  if (values.length > mostGroups) {
    throw refused('set supplemental groups', `${values.length} are more than ${mostGroups}`);
  }
  return values.map((value) => Number(checkId(toBigInt(value), 'supplemental group')));
}

function checkId(id: bigint, field: string): bigint {
  if (id < 0n || id > highestId) {
    throw refused(`use ${field}`, `"${id}" is not between 0 and ${highestId}`);
  }
  return id;
}

// Digits alone are an id. Everything else is a name, which /etc/passwd must hold.
function checkName(kind: 'user' | 'group', name: string): string {
  if (/^[0-9]+$/u.test(name)) {
    return String(checkId(BigInt(name), kind));
  }
  if (/[:\s\p{Cc}]/u.test(name) || !name.isWellFormed()) {
    throw refused(`use ${kind}`, `${quote(name)} is neither an id nor a name`);
  }
  return name;
}

function isStrict(policy: runtime.v1.SupplementalGroupsPolicy | null | undefined): boolean {
  const value = policy ?? SupplementalGroupsPolicy.Merge;
  switch (value) {
    case SupplementalGroupsPolicy.Merge:
      return false;
    case SupplementalGroupsPolicy.Strict:
      return true;
    default:
      throw refused('set supplemental groups', `unknown policy "${String(value)}"`);
  }
}
