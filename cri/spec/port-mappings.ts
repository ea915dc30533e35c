// Host ports of a pod, in the shape of CNI's portMappings capability.
import { isIP } from 'node:net';

import { runtime } from '../../proto/gen/cri.js';
import type { PodSandboxConfig } from './cri-types.ts';
import { quote, refused } from './refusal.ts';

const { Protocol } = runtime.v1;

/** One host port. */
export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Absent: every address of the host. */
  readonly hostIP?: string;
}

const protocols: ReadonlyMap<number, PortMapping['protocol']> = new Map([
  [Protocol.TCP, 'tcp'],
  [Protocol.UDP, 'udp'],
  [Protocol.SCTP, 'sctp'],
]);

/**
 * The mappings with a host port; 0 means none and is left out, equal ones count once.
 * Throws InvalidArgument for a port, protocol or address that is none, and for a host port that is
 * asked for twice with different targets.
 */
export function portMappings(config: PodSandboxConfig): PortMapping[] {
  const taken = new Map<string, PortMapping>();
  for (const asked of config.portMappings ?? []) {
    const mapping = checked(asked);
    if (mapping.hostPort === 0) {
      continue;
    }
    const key = `${mapping.hostIP ?? '*'} ${mapping.hostPort}/${mapping.protocol}`;
    const other = taken.get(key);
    if (other !== undefined && other.containerPort !== mapping.containerPort) {
      const targets = `"${other.containerPort}" and "${mapping.containerPort}"`;
      throw refused(
        'map host ports',
        `"${mapping.hostPort}/${mapping.protocol}" goes to both ${targets}`,
      );
    }
    taken.set(key, mapping);
  }
  return [...taken.values()];
}

function checked(asked: NonNullable<PodSandboxConfig['portMappings']>[number]): PortMapping {
  const number: number = asked.protocol ?? Protocol.TCP;
  const protocol = protocols.get(number);
  if (protocol === undefined) {
    throw refused('map host ports', `protocol "${number}" is not known`);
  }
  const hostIP = asked.hostIp ?? '';
  if (hostIP !== '' && isIP(hostIP) === 0) {
    throw refused('map host ports', `host_ip ${quote(hostIP)} is not an address`);
  }
  const hostPort = port(asked.hostPort ?? 0, 'host_port', 0);
  return {
    hostPort,
    containerPort: port(asked.containerPort ?? 0, 'container_port', hostPort === 0 ? 0 : 1),
    protocol,
    ...(hostIP === '' ? {} : { hostIP }),
  };
}

function port(value: number, field: string, lowest: number): number {
  if (value < lowest || value > 65_535) {
    throw refused('map host ports', `${field} "${value}" is not between ${lowest} and 65535`);
  }
  return value;
}
