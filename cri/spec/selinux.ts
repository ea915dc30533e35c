// SELinux: which labels a pod's processes and files get. A pair of categories per pod keeps pods apart
// that have the same type.
import { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import type { ContainerSecurity, PodSandboxConfig } from './cri-types.ts';
import type { HostFacts } from './input.ts';
import { podModes } from './namespaces.ts';
import { notOnThisHost, quote, refused } from './refusal.ts';

const { NamespaceMode } = runtime.v1;

/** The four parts of a label. */
export interface SelinuxContext {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

/** What the host's policy says about containers. */
export interface SelinuxFacts {
  /** Else denials are only logged. */
  readonly enforcing: boolean;
  /** Of processes and files of containers for which nothing is asked. */
  readonly process: SelinuxContext;
  readonly file: SelinuxContext;
  /** Of the layers of images: any container may read and execute them, none may change them. */
  readonly layer: SelinuxContext;
  /** Type of privileged containers; "" where the policy has none: they keep the runtime's own label. */
  readonly privilegedType: string;
  /** Whether a process of the runtime may become one of a container without execve. */
  readonly mayRelabelItself: boolean;
  /** Why containers cannot be labelled as the policy says; "" = they can. */
  readonly problem: string;
}

/** The labels of one container; "" = none. */
export interface SelinuxLabels {
  readonly process: string;
  readonly mount: string;
  /** Of the files that all containers of the pod share, whatever level this one has. */
  readonly podFiles: string;
}

type Options = ContainerSecurity['selinuxOptions'];

const none: SelinuxLabels = { process: '', mount: '', podFiles: '' };
const action = 'label the container';
const categories = 1024;
/** Guesses before the free pairs are counted out. */
const guesses = 32;

/** The parts of `user:role:type:level`; undefined when these are not four parts. */
export function parseContext(label: string): SelinuxContext | undefined {
  const [user = '', role = '', type = '', ...rest] = label.split(':');
  const level = rest.join(':');
  const isWhole = [user, role, type, level].every((part) => part !== '');
  return isWhole ? { user, role, type, level } : undefined;
}

/** The label as the kernel writes it. */
export function formatContext({ user, role, type, level }: SelinuxContext): string {
  return `${user}:${role}:${type}:${level}`;
}

/**
 * The level of a new pod: what its sandbox asks for, else one with two categories that no other pod
 * has. undefined: its containers are not labelled. `used`: the levels of all others; `random`: a number
 * below its argument. Throws InvalidArgument, FailedPrecondition, ResourceExhausted.
 */
export function podSelinuxLevel(
  sandbox: PodSandboxConfig,
  host: Pick<HostFacts, 'selinux'>,
  used: Pick<ReadonlySet<string>, 'has'>,
  random: (below: number) => number,
): string | undefined {
  const options = checkedOptions(sandbox.linux?.securityContext?.selinuxOptions);
  if (!isLabelled(options, host)) {
    return undefined;
  }
  return options.level === '' ? freeLevel(used, random) : options.level;
}

/** Throws as `podSelinuxLevel` does for options that cannot be. */
export function checkSelinux(options: Options, host: Pick<HostFacts, 'selinux'>): void {
  isLabelled(checkedOptions(options), host);
}

/** Label of what all containers of a pod share; "" without a level. */
export function podMountLabel(
  sandbox: PodSandboxConfig,
  level: string | undefined,
  host: Pick<HostFacts, 'selinux'>,
): string {
  if (level === undefined || host.selinux === undefined) {
    return '';
  }
  const options = checkedOptions(sandbox.linux?.securityContext?.selinuxOptions);
  return mountLabel(options, level, host.selinux);
}

/**
 * Label of the pod's pid 1: that of its containers, which may look at it; "" where it keeps the
 * runtime's, in pods of privileged containers too.
 */
export function podProcessLabel(
  sandbox: PodSandboxConfig,
  level: string | undefined,
  host: Pick<HostFacts, 'selinux'>,
): string {
  const isPrivileged = sandbox.linux?.securityContext?.privileged === true;
  return isPrivileged || host.selinux?.mayRelabelItself !== true
    ? ''
    : containerLabels(sandbox, {}, level, host).process;
}

/**
 * The labels of a container in a pod of this level. Its own options count, else those of the sandbox;
 * what they leave out is the policy's default and the pod's level. Privileged containers, and those that
 * see the host's processes or IPC without a word about their type, get the type that is confined by
 * nothing; their files have the pod's label all the same. Throws as `podSelinuxLevel`, and
 * FailedPrecondition for a pod with a level where there are no labels any more: its containers must not
 * run with less than those beside them.
 */
export function containerLabels(
  sandbox: PodSandboxConfig,
  security: ContainerSecurity,
  podLevel: string | undefined,
  host: Pick<HostFacts, 'selinux'>,
): SelinuxLabels {
  const own = checkedOptions(security.selinuxOptions);
  const options = isGiven(own)
    ? own
    : checkedOptions(sandbox.linux?.securityContext?.selinuxOptions);
  if (!isLabelled(options, host) || host.selinux === undefined) {
    if (podLevel !== undefined) {
      throw notOnThisHost(action, `its pod has SELinux labels, but ${whyNone(host.selinux)}`);
    }
    return none;
  }
  if (podLevel === undefined) {
    if (isGiven(own)) {
      throw notOnThisHost(action, 'its pod was made without SELinux labels');
    }
    return none;
  }
  const { process, privilegedType } = host.selinux;
  const level = options.level === '' ? podLevel : options.level;
  const mount = mountLabel(options, level, host.selinux);
  const podFiles = podMountLabel(sandbox, podLevel, host);
  const isPrivileged = security.privileged === true;
  if (isPrivileged || (options.type === '' && seesTheHost(sandbox, security))) {
    const free = { ...process, type: privilegedType };
    return { process: privilegedType === '' ? '' : formatContext(free), mount, podFiles };
  }
  return {
    process: formatContext({
      user: options.user || process.user,
      role: options.role || process.role,
      type: options.type || process.type,
      level,
    }),
    mount,
    podFiles,
  };
}

function mountLabel(options: SelinuxContext, level: string, { file }: SelinuxFacts): string {
  return formatContext({ ...file, user: options.user || file.user, level });
}

function seesTheHost(sandbox: PodSandboxConfig, security: ContainerSecurity): boolean {
  const { ipc, pid } = podModes(sandbox);
  // Pids are each container's own choice.
  const own = security.namespaceOptions?.pid ?? NamespaceMode.POD;
  const isPods = own === NamespaceMode.POD && pid === 'node';
  return ipc === 'node' || isPods || own === NamespaceMode.NODE;
}

function isLabelled(options: SelinuxContext, { selinux }: Pick<HostFacts, 'selinux'>): boolean {
  if (selinux === undefined) {
    return false;
  }
  if (selinux.problem === '') {
    return true;
  }
  if (isGiven(options)) {
    throw notOnThisHost(action, whyNone(selinux));
  }
  return false;
}

function whyNone(selinux: SelinuxFacts | undefined): string {
  return selinux === undefined
    ? 'containers.selinux is false, or this host has no SELinux any more'
    : `SELinux cannot be used on this host: ${selinux.problem}`;
}

function isGiven(options: SelinuxContext): boolean {
  return Object.values(options).some((part) => part !== '');
}

// Parts become part of labels, mount options and kernel files; the policy decides what they mean.
function checkedOptions(options: Options): SelinuxContext {
  const part = (name: keyof SelinuxContext, allowed: RegExp): string => {
    const value = options?.[name] ?? '';
    if (value !== '' && !allowed.test(value)) {
      throw refused(action, `selinux_options.${name} ${quote(value)} is not one`);
    }
    return value;
  };
  const word = /^[\w.-]{1,128}$/u;
  return {
    user: part('user', word),
    role: part('role', word),
    type: part('type', word),
    level: part('level', /^[\w.,:-]{1,128}$/u),
  };
}

/** A level of sensitivity s0 with two categories, in the kernel's own order. */
function freeLevel(
  used: Pick<ReadonlySet<string>, 'has'>,
  random: (below: number) => number,
): string {
  for (let guess = 0; guess < guesses; guess += 1) {
    const [one, other] = [random(categories), random(categories)];
    const level = levelOf(Math.min(one, other), Math.max(one, other));
    if (one !== other && !used.has(level)) {
      return level;
    }
  }
  for (let one = 0; one < categories; one += 1) {
    for (let other = one + 1; other < categories; other += 1) {
      if (!used.has(levelOf(one, other))) {
        return levelOf(one, other);
      }
    }
  }
  throw new CriError(
    'ResourceExhausted',
    'cannot label the pod: all pairs of categories are in use',
  );
}

const levelOf = (one: number, other: number): string => `s0:c${one},c${other}`;
