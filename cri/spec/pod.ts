// What RunPodSandbox derives from its request before anything is made.
import { sandboxApparmorName } from './apparmor.ts';
import { cgroupParent } from './cgroup-path.ts';
import type { PodSandboxConfig } from './cri-types.ts';
import type { HostFacts, IdMappings } from './input.ts';
import { podModes } from './namespaces.ts';
import type { PodModes } from './namespaces.ts';
import { checkHostname, resolvConfText } from './pod-files.ts';
import { portMappings } from './port-mappings.ts';
import type { PortMapping } from './port-mappings.ts';
import { checkText } from './process.ts';
import { quote, refused } from './refusal.ts';
import { seccompChoice } from './seccomp.ts';
import type { SeccompChoice } from './seccomp.ts';
import { checkSelinux } from './selinux.ts';
import { podSysctls } from './sysctls.ts';
import { checkPodUserNamespace, userNamespace } from './user-namespace.ts';
import { checkSandboxUser } from './user.ts';

/** What `planPod` reads. */
export interface PodInput {
  readonly config: PodSandboxConfig;
  readonly runtimeHandler: string;
  /** Names of the handlers there are; "" is the default one. */
  readonly runtimeHandlers: readonly string[];
  /** The host's own name. */
  readonly hostHostname: string;
  /** Parent cgroup of pods that name none. */
  readonly cgroupBase: string;
  readonly host: Pick<
    HostFacts,
    'selinux' | 'seccompEnabled' | 'apparmorEnabled' | 'architecture' | 'userNamespacesProblem'
  >;
}

/** A checked request. */
export interface PodPlan {
  readonly modes: PodModes;
  /** undefined: the host's ids. */
  readonly ids: IdMappings | undefined;
  /** For the pod's UTS namespace; "" with NODE network, where the host's is used. */
  readonly utsHostname: string;
  /** The name the pod's processes see. */
  readonly hostname: string;
  readonly privileged: boolean;
  /** cgroupfs syntax, never "". */
  readonly cgroupParent: string;
  readonly sysctls: Readonly<Record<string, string>>;
  /** Empty with NODE network: the containers listen on the host's ports themselves. */
  readonly portMappings: readonly PortMapping[];
  /** undefined: the host's file is copied. */
  readonly resolvConf: string | undefined;
  /**
   * Profiles of the sandbox itself. They have to be there, but no process gets them: our pid 1 runs
   * nobody's program, has no file system, and its own filter leaves it three calls to wait with.
   */
  readonly seccomp: SeccompChoice;
  /** A profile of the node, or "". */
  readonly apparmorName: string;
}

/** Throws CriError InvalidArgument or Unimplemented; makes nothing. */
export function planPod(input: PodInput): PodPlan {
  const { config } = input;
  const security = config.linux?.securityContext ?? {};
  checkMetadata(config);
  checkHandler(input);
  checkLogDirectory(config.logDirectory ?? '');
  const ids = userNamespace(security.namespaceOptions);
  checkSandboxUser(security);
  checkSelinux(security.selinuxOptions, input.host);
  const modes = podModes(config);
  if (ids !== undefined) {
    checkPodUserNamespace(modes, input.host.userNamespacesProblem);
  }
  const asked = checkHostname(config.hostname ?? '');
  const own = asked === '' ? input.hostHostname : asked;
  return {
    modes,
    ids,
    utsHostname: modes.network === 'node' ? '' : own,
    hostname: modes.network === 'node' ? input.hostHostname : own,
    privileged: security.privileged === true,
    cgroupParent: cgroupParent(config, input.cgroupBase),
    sysctls: podSysctls(config, modes, ids),
    portMappings: modes.network === 'node' ? [] : portMappings(config),
    resolvConf: resolvConfText(config.dnsConfig),
    seccomp: seccompChoice(security, [], input.host, 'sandbox'),
    apparmorName: sandboxApparmorName(security, input.host),
  };
}

function checkMetadata(config: PodSandboxConfig): void {
  for (const field of ['name', 'namespace', 'uid'] as const) {
    const value = config.metadata?.[field] ?? '';
    if (value === '') {
      throw refused('make a sandbox', `metadata.${field} is empty`);
    }
    checkText('make a sandbox', value);
  }
}

function checkHandler({ runtimeHandler, runtimeHandlers }: PodInput): void {
  if (!runtimeHandlers.includes(runtimeHandler)) {
    const names = runtimeHandlers.map(quote).join(', ');
    throw refused(
      'make a sandbox',
      `runtime handler ${quote(runtimeHandler)} is not one of ${names}`,
    );
  }
}

function checkLogDirectory(path: string): void {
  if (path !== '' && !path.startsWith('/')) {
    throw refused('make a sandbox', `log_directory ${quote(path)} is not an absolute path`);
  }
  checkText('make a sandbox', path);
}
