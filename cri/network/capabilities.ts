// What a pod asks of its network, in the shape of CNI's capability arguments (runtimeConfig).
// Conventions: CNI's CONVENTIONS.md; the bandwidth annotations are Kubernetes'.
import { CriError } from '../core/error.ts';
import type { PluginConfig } from './conflist.ts';

/** A host port of the pod; `protocol` in lower case, as portmap wants it. */
export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly hostIP?: string;
}

/** DNS settings for plugins that serve names themselves. */
export interface DnsSettings {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** What the capability arguments are made from. */
export interface CapabilityInput {
  readonly portMappings: readonly PortMapping[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly cgroupParent: string;
  readonly dns: DnsSettings | undefined;
}

type CapabilityArguments = Readonly<Record<string, unknown>>;

/** All capability arguments of a pod, by capability name. Throws InvalidArgument. */
export function capabilityArguments(input: CapabilityInput): CapabilityArguments {
  const args: Record<string, unknown> = {
    'io.kubernetes.cri.pod-annotations': input.annotations,
  };
  if (input.portMappings.length > 0) {
    args['portMappings'] = input.portMappings;
  }
  const bandwidth = bandwidthArguments(input.annotations);
  if (bandwidth !== undefined) {
    args['bandwidth'] = bandwidth;
  }
  if (input.dns !== undefined) {
    args['dns'] = input.dns;
  }
  if (input.cgroupParent !== '') {
    args['cgroupPath'] = input.cgroupParent;
  }
  return args;
}

/** The arguments that one plugin has declared to understand; undefined when there are none. */
export function runtimeConfigFor(
  plugin: PluginConfig,
  args: CapabilityArguments,
): CapabilityArguments | undefined {
  const chosen = Object.entries(args).filter(([name]) => plugin.capabilities?.[name] === true);
  return chosen.length === 0 ? undefined : Object.fromEntries(chosen);
}

const maxBurst = 0xffff_ffff;

function bandwidthArguments(annotations: Readonly<Record<string, string>>): object | undefined {
  const ingressRate = bandwidthRate(annotations, 'kubernetes.io/ingress-bandwidth');
  const egressRate = bandwidthRate(annotations, 'kubernetes.io/egress-bandwidth');
  if (ingressRate === undefined && egressRate === undefined) {
    return undefined;
  }
  return {
    ...(ingressRate === undefined ? {} : { ingressRate, ingressBurst: maxBurst }),
    ...(egressRate === undefined ? {} : { egressRate, egressBurst: maxBurst }),
  };
}

const units: Readonly<Record<string, number>> = {
  '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15,
  Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50,
}; // prettier-ignore

// Bits per second as a Kubernetes quantity; the bounds are Kubernetes' own.
function bandwidthRate(
  annotations: Readonly<Record<string, string>>,
  name: string,
): number | undefined {
  const text = annotations[name];
  if (text === undefined) {
    return undefined;
  }
  const match = /^(\d+(?:\.\d+)?)([kMGTP]i?|Ki)?$/u.exec(text.trim());
  const unit = units[match?.[2] ?? ''];
  const rate = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
  if (!(rate >= 1e3 && rate <= 1e15)) {
    const why = 'it is not a quantity of bits per second between 1k and 1P';
    throw new CriError('InvalidArgument', `cannot use annotation "${name}": "${text}": ${why}`);
  }
  return Math.trunc(rate);
}
