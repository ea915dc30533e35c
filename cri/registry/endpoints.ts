// Which hosts are asked for the images of a domain, in which order, and why.
import { readdir } from 'node:fs/promises';
import { BlockList, isIP } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { readBoundedText } from '../core/bounded-file.ts';
import { CriError, describeError, errnoCode } from '../core/error.ts';
import { parseHostsFile } from './hosts-file.ts';
import type { Capability, ClientPair, HostSettings } from './hosts-file.ts';
import type { Secret } from './secret.ts';

/** One place that may have an image. All paths absolute. */
export interface Endpoint {
  readonly scheme: 'http' | 'https';
  /** With port where one is given. */
  readonly host: string;
  /** "/v2", or what override_path leaves. */
  readonly path: string;
  readonly capabilities: readonly Capability[];
  /** Trusted beside the system's. */
  readonly caFiles: readonly string[];
  readonly clientPairs: readonly ClientPair[];
  readonly skipVerify: boolean;
  readonly headers: Readonly<Record<string, readonly Secret[]>>;
  readonly dialTimeoutMs: number;
  /** Speak plain HTTP when the host turns out not to speak TLS (loopback only). */
  readonly mayFallBackToHttp: boolean;
  /** It is the registry that references of this domain name, not a mirror of it. */
  readonly isUpstream: boolean;
  /** Tells a mirror whose image is meant (query parameter ns); "" for the registry itself. */
  readonly namespace: string;
  /** Where this comes from: "built in", or file and key. */
  readonly origin: string;
}

export interface Endpoints {
  readonly domain: string;
  /** In the order in which they are tried. */
  readonly endpoints: readonly Endpoint[];
  /** The file or directory that decided, "" for none. */
  readonly source: string;
  /** What a user may want to know, for instance keys that were ignored. */
  readonly notes: readonly string[];
}

const mostBytes = 1 << 20;
const defaultDialTimeoutMs = 30_000;
const dockerHub = 'docker.io';
const dockerHubHost = 'registry-1.docker.io';

/**
 * Finds the hosts of `domain` ("docker.io", "localhost:5000") in hosts.toml directories as containerd
 * lays them out: in each of `directories`, the first of <host>_<port>_, <host>:<port> and _default
 * that exists decides. Reads the files anew at each call. Throws FailedPrecondition for a file that is
 * broken or cannot be read, naming it and the key.
 */
export async function findEndpoints(
  directories: readonly string[],
  domain: string,
): Promise<Endpoints> {
  for (const root of directories) {
    for (const name of directoryNames(domain)) {
      const directory = join(root, name);
      const entries = await listDirectory(directory);
      if (entries !== undefined) {
        return await readDirectory(directory, entries, domain);
      }
    }
  }
  return { domain, endpoints: [defaultEndpoint(domain, 'built in')], source: '', notes: [] };
}

function directoryNames(domain: string): string[] {
  const colon = domain.endsWith(']') ? -1 : domain.lastIndexOf(':');
  const withoutColon =
    colon > 0 ? [`${domain.slice(0, colon)}_${domain.slice(colon + 1)}_`] : ([] as string[]);
  return [...withoutColon, domain, '_default'];
}

async function listDirectory(directory: string): Promise<string[] | undefined> {
  try {
    return (await readdir(directory)).sort();
  } catch (cause) {
    if (errnoCode(cause) === 'ENOENT') {
      return undefined;
    }
    throw unreadable(directory, cause);
  }
}

function unreadable(path: string, cause: unknown): CriError {
  const why = errnoCode(cause) || describeError(cause);
  return new CriError('FailedPrecondition', `cannot read "${path}": ${why}`, { cause });
}

async function readDirectory(
  directory: string,
  entries: readonly string[],
  domain: string,
): Promise<Endpoints> {
  const path = join(directory, 'hosts.toml');
  if (!entries.includes('hosts.toml')) {
    const endpoint = {
      ...defaultEndpoint(domain, directory),
      ...certificateFiles(directory, entries),
    };
    // A CA is there so that it is checked.
    const verified = endpoint.caFiles.length > 0 ? { ...endpoint, skipVerify: false } : endpoint;
    return { domain, endpoints: [verified], source: directory, notes: [] };
  }
  const text = await readBoundedText(path, mostBytes).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  const file = parseHostsFile(text, path);
  const isDefault = basename(dirname(path)) === '_default';
  const endpoints = [
    ...file.hosts.map((settings) => toEndpoint(settings, path, domain, false)),
    toEndpoint(file.server, path, domain, !isDefault),
  ];
  const notes = file.ignoredKeys.map((key) => `"${path}": key ${key} means nothing`);
  return { domain, endpoints, source: path, notes };
}

/** Docker's layout, for directories without hosts.toml: *.crt are CAs, x.cert and x.key a client's. */
function certificateFiles(
  directory: string,
  entries: readonly string[],
): { caFiles: string[]; clientPairs: ClientPair[] } {
  const withEnd = (end: string): string[] => entries.filter((name) => name.endsWith(end));
  return {
    caFiles: withEnd('.crt').map((name) => join(directory, name)),
    clientPairs: withEnd('.cert').map((name) => {
      const key = name.replace(/\.cert$/u, '.key');
      return {
        certificate: join(directory, name),
        key: entries.includes(key) ? join(directory, key) : '',
      };
    }),
  };
}

function toEndpoint(
  settings: HostSettings,
  path: string,
  domain: string,
  isUpstream: boolean,
): Endpoint {
  const { url, key, dialTimeoutMs, ...rest } = settings;
  const origin =
    url === undefined ? `${path}: no server, so the registry itself` : `${path}: ${key}`;
  const base = defaultEndpoint(domain, origin);
  const dial = { dialTimeoutMs: dialTimeoutMs ?? defaultDialTimeoutMs };
  if (url === undefined) {
    const skipVerify = rest.skipVerify || (base.skipVerify && rest.caFiles.length === 0);
    return { ...base, ...rest, ...dial, skipVerify };
  }
  return {
    ...rest,
    ...url,
    ...dial,
    mayFallBackToHttp: false,
    isUpstream: isUpstream || isSameRegistry(url.host, domain),
    namespace: isSameRegistry(url.host, domain) ? '' : domain,
    origin,
  };
}

function isSameRegistry(host: string, domain: string): boolean {
  return host === domain || (domain === dockerHub && host === dockerHubHost);
}

/** The registry that a domain names, as it is asked when no file says otherwise. */
function defaultEndpoint(domain: string, origin: string): Endpoint {
  const port = portOf(domain);
  const isLocal = isLoopback(domain);
  return {
    // On loopback both are common, so TLS is tried and need not be trusted: nobody is in between.
    scheme: isLocal && port === '80' ? 'http' : 'https',
    host: domain === dockerHub ? dockerHubHost : domain,
    path: '/v2',
    capabilities: ['pull', 'resolve', 'push'],
    caFiles: [],
    clientPairs: [],
    skipVerify: isLocal && port !== '80',
    headers: {},
    dialTimeoutMs: defaultDialTimeoutMs,
    mayFallBackToHttp: isLocal && !['', '80', '443'].includes(port),
    isUpstream: true,
    namespace: '',
    origin,
  };
}

function portOf(host: string): string {
  return /:(\d+)$/u.exec(host.replace(/^\[.*\]/u, ''))?.[1] ?? '';
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Says whether a host (with or without port) is this machine by its name alone. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/u, '').replace(/^\[(.*)\]$/u, '$1');
  const family = isIP(name);
  return (
    name === 'localhost' || (family !== 0 && loopback.check(name, family === 6 ? 'ipv6' : 'ipv4'))
  );
}
