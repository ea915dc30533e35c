// Which specs of critest have to pass, and why the others cannot yet: every spec that there is stands
// here, by name. One that passes and is not in `mustPass` is an error too, so that the lists stay true.
import { readFileSync } from 'node:fs';
import type { SpecOutcome } from './critest.ts';

/** A spec that does not pass, how it says so, and what is missing. */
export interface KnownMiss {
  readonly spec: string;
  readonly state: 'failed' | 'skipped';
  readonly message: RegExp;
  readonly because: string;
}

const prefix = '[k8s.io]';

/** The specs that must pass, by the area that their names begin with. */
export const mustPass: Readonly<Record<string, readonly string[]>> = {
  'Runtime info': [
    'runtime should support returning runtime info runtime should return runtime conditions [Conformance]',
    'runtime should support returning runtime info runtime should return version info [Conformance]',
  ],
  PodSandbox: [
    'runtime should support basic operations on PodSandbox runtime should support preserving PodSandbox attributes [Conformance]',
    'runtime should support basic operations on PodSandbox runtime should support removing PodSandbox [Conformance]',
    'runtime should support basic operations on PodSandbox runtime should support running PodSandbox [Conformance]',
    'runtime should support basic operations on PodSandbox runtime should support stopping PodSandbox [Conformance]',
    'runtime should support sysctls should support safe sysctls',
    'runtime should support sysctls should support unsafe sysctls',
  ],
  Idempotence: [
    'RemoveContainer should not return an error if not found',
    'RemoveImage should not return an error if not found',
    'RemovePodSandbox should not return an error if not found',
    'StopContainer should not return an error if already stopped',
    'StopContainer should not return an error if not found',
    'StopPodSandbox should not return an error if already stopped',
    'StopPodSandbox should not return an error if not found',
  ],
  Container: [
    "Mount Propagation runtime should support mount propagation mount with 'rprivate' should not support propagation",
    "Mount Propagation runtime should support mount propagation mount with 'rshared' should support propagation from host to container and vice versa",
    "Mount Propagation runtime should support mount propagation mount with 'rslave' should support propagation from host to container",
    'Mount Readonly runtime should support readonly mounts should reject a recursive readonly mount with PROPAGATION_BIDIRECTIONAL',
    'Mount Readonly runtime should support readonly mounts should reject a recursive readonly mount with PROPAGATION_HOST_TO_CONTAINER',
    'Mount Readonly runtime should support readonly mounts should reject a recursive readonly mount with ReadOnly: false',
    'Mount Readonly runtime should support readonly mounts should support non-recursive readonly mounts',
    'Mount Readonly runtime should support readonly mounts should support recursive readonly mounts',
    'OOM runtime should output OOMKilled reason should terminate with exitCode 137 and reason OOMKilled',
    'runtime should support adding volume and device runtime should support starting container with volume [Conformance]',
    'runtime should support adding volume and device runtime should support starting container with volume when host path is a symlink [Conformance]',
    'runtime should support basic operations on container runtime should support creating container [Conformance]',
    'runtime should support basic operations on container runtime should support execSync [Conformance]',
    'runtime should support basic operations on container runtime should support execSync with timeout [Conformance]',
    'runtime should support basic operations on container runtime should support preserving container attributes [Conformance]',
    'runtime should support basic operations on container runtime should support removing created container [Conformance]',
    'runtime should support basic operations on container runtime should support removing running container [Conformance]',
    'runtime should support basic operations on container runtime should support removing stopped container [Conformance]',
    'runtime should support basic operations on container runtime should support starting container [Conformance]',
    'runtime should support basic operations on container runtime should support stopping container [Conformance]',
    'runtime should support log runtime should support reopening container log [Conformance]',
    'runtime should support log runtime should support starting container with log [Conformance]',
  ],
  'Multiple Containers [Conformance]': [
    'when running multiple containers in a pod should support container exec',
    'when running multiple containers in a pod should support container log',
    'when running multiple containers in a pod should support network',
  ],
  'Image Manager': [
    'image status get image fields should not have Uid|Username empty [Conformance]',
    'image status should support all kinds of references [Conformance]',
    'listImage should get exactly 3 image in the result list [Conformance]',
    'listImage should get exactly 3 repoTags in the result image [Conformance]',
    'public image should timeout if requested [Conformance]',
    'public image with digest should be pulled and removed [Conformance]',
    'public image with tag should be pulled and removed [Conformance]',
    'public image without tag should be pulled and removed [Conformance]',
    'removing image by one tag should remove all tags [Conformance]',
    'removing image from one registry should remove all tags from other registries [Conformance]',
  ],
  'Image Consistency': [
    'should list and get image status immediately after pulling [Conformance]',
    'should not fail on simultaneous RemoveImage calls [Conformance]',
    'should not list or get image status immediately after removal [Conformance]',
  ],
  'Image Identifier Consistency': [
    'should return the same image identifier across all APIs [Conformance]',
    'should return the same image identifier when pulled from different registries [Conformance]',
  ],
  Networking: [
    'runtime should support networking runtime should support DNS config [Conformance]',
    'runtime should support networking runtime should support port mapping with host port and container port [Conformance]',
    'runtime should support networking runtime should support port mapping with only container port [Conformance]',
    'runtime should support networking runtime should support set hostname [Conformance]',
  ],
  'Security Context': [
    'NamespaceOption runtime should support ContainerPID',
    'NamespaceOption runtime should support HostIpc is false',
    'NamespaceOption runtime should support HostIpc is true',
    'NamespaceOption runtime should support HostNetwork is false',
    'NamespaceOption runtime should support HostNetwork is true',
    'NamespaceOption runtime should support HostPID',
    'NamespaceOption runtime should support PodPID',
    'NoNewPrivs should allow privilege escalation when false',
    'NoNewPrivs should not allow privilege escalation when true',
    'SeccompProfilePath runtime should ignore a seccomp profile that blocks setting hostname when privileged',
    'SeccompProfilePath runtime should not block setting host name with unconfined seccomp and SYS_ADMIN',
    'SeccompProfilePath runtime should support an seccomp profile that blocks setting hostname with SYS_ADMIN',
    'SeccompProfilePath should support nil profile, which is unconfined',
    'SeccompProfilePath should support seccomp default on the container',
    'SeccompProfilePath should support seccomp localhost profile on the container',
    'SeccompProfilePath should support seccomp unconfined on the container',
    "SupplementalGroupsPolicy when SupplementalGroupsPolicy=Merge (Default) if the container's primary UID belongs to some groups in the image, runtime should add SupplementalGroups to them",
    "SupplementalGroupsPolicy when SupplementalGroupsPolicy=Strict even if the container's primary UID belongs to some groups in the image, runtime should not add SupplementalGroups to them",
    'bucket runtime should return error if RunAsGroup is set without RunAsUser',
    'bucket runtime should support MaskedPaths',
    'bucket runtime should support Privileged is false',
    'bucket runtime should support Privileged is true',
    'bucket runtime should support ReadonlyPaths',
    'bucket runtime should support RunAsGroup',
    'bucket runtime should support RunAsUser',
    'bucket runtime should support RunAsUserName',
    'bucket runtime should support SupplementalGroups',
    'bucket runtime should support adding ALL capabilities',
    'bucket runtime should support adding capability',
    'bucket runtime should support dropping ALL capabilities',
    'bucket runtime should support dropping capability',
    'bucket runtime should support that ReadOnlyRootfs is false',
    'bucket runtime should support that ReadOnlyRootfs is true',
    'UserNamespaces when Host idmap mount support is needed runtime should support NamespaceMode_POD',
    'UserNamespaces when Host idmap mount support is not needed runtime should fail if container ID 0 is not mapped',
    'UserNamespaces when Host idmap mount support is not needed runtime should fail if more than one mapping provided',
    'UserNamespaces when Host idmap mount support is not needed runtime should fail with NamespaceMode_CONTAINER',
    'UserNamespaces when Host idmap mount support is not needed runtime should fail with NamespaceMode_TARGET',
    'UserNamespaces when Host idmap mount support is not needed runtime should support NamespaceMode_NODE',
  ],
};

const operations =
  'Container runtime should support basic operations on container runtime should support';
const streaming = 'Streaming runtime should support streaming interfaces runtime should support';

function missing(
  because: string,
  state: KnownMiss['state'],
  message: RegExp,
  start: string,
  ends: readonly string[],
): KnownMiss[] {
  return ends.map((end) => ({ spec: `${prefix} ${start} ${end}`, state, message, because }));
}

/** Not yet, and because of what. */
export function knownMisses(): KnownMiss[] {
  return [
    ...missing(
      'statistics of containers are not built',
      'failed',
      /Unimplemented desc = cannot serve (List)?ContainerStats/u,
      operations,
      [
        'listing container stats [Conformance]',
        'listing stats for containers filtered by labels [Conformance]',
        'listing stats for started containers [Conformance]',
        'listing stats for started containers when filter is nil [Conformance]',
        'listing stats for three created containers when filter is nil. [Conformance]',
      ],
    ),
    ...missing(
      'streaming to the client is not built',
      'failed',
      /Unimplemented desc = cannot serve (Exec|Attach|PortForward): /u,
      streaming,
      [
        'attach [Conformance]',
        'exec with tty=false and stdin=false [Conformance]',
        'exec with tty=true and stdin=true [Conformance]',
        'portforward [Conformance]',
        'portforward in host network',
      ],
    ),
    ...(hasAppArmor() ? [] : noAppArmor()),
  ];
}

const unloaded = 'should fail with an unloaded apparmor_profile';
const blocking = 'should enforce a apparmor_profile blocking writes';
const permissive = 'should enforce a permissive deprecated profile';
const appArmorSpecs: Readonly<Record<string, readonly string[]>> = {
  'runtime should support deprecated apparmor_profile field': [blocking, permissive, unloaded],
  'runtime should support apparmor field': [blocking, permissive, unloaded],
  'runtime should prefer new apparmor field': [
    blocking,
    'should work with apparmor profile',
    unloaded,
  ],
};

function noAppArmor(): KnownMiss[] {
  const message = /AppArmor is disabled on this host/u;
  return Object.entries(appArmorSpecs).flatMap(([context, ends]) =>
    missing('this host has no AppArmor', 'skipped', message, `AppArmor ${context}`, ends),
  );
}

/** As critest asks it. */
function hasAppArmor(): boolean {
  return readsAs('/sys/module/apparmor/parameters/enabled', 'Y');
}

function readsAs(path: string, start: string): boolean {
  try {
    return readFileSync(path, 'utf8').startsWith(start);
  } catch {
    return false;
  }
}

/** As critest asks it; elsewhere there are no such specs. */
function hasSelinux(): boolean {
  return readsAs('/sys/fs/selinux/enforce', '');
}

function selinuxEnds(): string[] {
  const inOnePod = [
    'mount label should have category',
    'mount label should have correct role and type',
    'process label should have category',
    'process label should have correct role and type',
    'should create containers with the same process label',
    'should error on create with wrong options',
    'should work with just selinux level set',
    'should work with selinux set',
  ];
  return [
    ...inOnePod.map((end) => `when single pod sandbox is not privileged ${end}`),
    ...inOnePod.map((end) => `when single pod sandbox is privileged ${end}`),
    'when multiple pod sandboxes are not privileged should create containers with different process labels',
  ].map((end) => `runtime should support selinux ${end}`);
}

/** A guest is there to be changed; a host's kernel is not. */
const isGuest = process.env['ESTIBA_VM'] !== undefined;

/**
 * What critest does with the kernel itself, by area: its specs and why they do not run here, if so.
 * The guest variant of that name runs them.
 */
export function moduleSpecs(): {
  readonly area: string;
  readonly specs: readonly string[];
  readonly missing: string | undefined;
}[] {
  const here = isGuest ? undefined : 'it loads profiles into the kernel, so only guests run it';
  return [
    {
      area: 'AppArmor',
      specs: fullNames('AppArmor', appArmorEnds()),
      missing: hasAppArmor() ? here : "this host has no AppArmor; hack/vm's variant apparmor has",
    },
    {
      area: 'SELinux',
      specs: fullNames('SELinux', selinuxEnds()),
      missing: hasSelinux() ? undefined : "this host has no SELinux; hack/vm's variant selinux has",
    },
  ];
}

/** Specs that are not run on this host: part of a full name, and why. */
export function leftOut(): { readonly pattern: string; readonly because: string }[] {
  return hasAppArmor() && !isGuest
    ? [{ pattern: 'AppArmor', because: 'they load profiles into the kernel: hack/critest --vm' }]
    : [];
}

/** The full names of the specs that must pass, by area. */
export function requiredSpecs(): ReadonlyMap<string, readonly string[]> {
  const modules = moduleSpecs().filter(({ missing: why }) => why === undefined);
  return new Map([
    ...Object.entries(mustPass).map(([area, ends]) => [area, fullNames(area, ends)] as const),
    ...modules.map(({ area, specs }) => [area, specs] as const),
  ]);
}

function fullNames(area: string, ends: readonly string[]): string[] {
  return ends.map((end) => `${prefix} ${area} ${end}`);
}

function appArmorEnds(): string[] {
  return Object.entries(appArmorSpecs).flatMap(([context, ends]) =>
    ends.map((end) => `${context} ${end}`),
  );
}

/** What is wrong with one spec that must pass; undefined when it passed. */
export function requiredTrouble(
  spec: string,
  outcomes: readonly SpecOutcome[],
): string | undefined {
  const outcome = outcomes.find(({ name }) => name === spec);
  if (outcome === undefined) {
    return `did not run: ${spec}`;
  }
  return outcome.state === 'passed' ? undefined : `${outcome.state}: ${spec}: ${outcome.message}`;
}

/** What is wrong with one spec that is known not to pass; undefined when all is as known. */
export function missTrouble(miss: KnownMiss, outcomes: readonly SpecOutcome[]): string | undefined {
  const outcome = outcomes.find(({ name }) => name === miss.spec);
  if (outcome === undefined) {
    return `did not run: ${miss.spec}`;
  }
  if (outcome.state === 'passed') {
    return `passes now, so it belongs into mustPass: ${miss.spec} (was: ${miss.because})`;
  }
  const isKnown = outcome.state === miss.state && miss.message.test(outcome.message);
  return isKnown
    ? undefined
    : `${outcome.state}, but not because ${miss.because}: ${miss.spec}: ${outcome.message}`;
}

/** Specs that ran and stand on no list. */
export function unknownSpecs(outcomes: readonly SpecOutcome[]): string[] {
  const known = new Set([
    ...[...requiredSpecs().values()].flat(),
    ...knownMisses().map(({ spec }) => spec),
  ]);
  return outcomes.map(({ name }) => name).filter((name) => !known.has(name));
}
