// Says which hosts a pull would ask, how, and why: the same code paths as the pull, as data.
import { asCriError } from '../core/error.ts';
import type { Endpoint } from './endpoints.ts';
import type { Capability } from './hosts-file.ts';
import { describeProxy } from './proxy.ts';
import { formatReference, parseImageReference } from '../core/image-reference.ts';
import { RegistryClient } from './registry-client.ts';
import type { RegistryOptions, Resolved } from './registry-client.ts';
import { readTrustFiles } from './trust.ts';

export interface HostExplanation {
  /** "https://registry-1.docker.io/v2". */
  readonly url: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** File and key that name this host, or "built in". */
  readonly origin: string;
  readonly capabilities: readonly Capability[];
  /** The registry that the reference names; all others are mirrors. */
  readonly isUpstream: boolean;
  /** Value of the query parameter ns, "" for none. */
  readonly namespace: string;
  readonly trust: {
    readonly isVerified: boolean;
    /** Beside the system's. */
    readonly caFiles: readonly string[];
    readonly clientCertificates: readonly string[];
    readonly mayFallBackToHttp: boolean;
  };
  /** Names of headers that the file adds; values may be secret. */
  readonly headers: readonly string[];
  /** Proxy without its password, "" for a direct connection. */
  readonly proxy: string;
  readonly credentials: { readonly kind: string; readonly source: string };
  /** What is wrong with this host's configuration, "" for nothing. */
  readonly problem: string;
  /** What the host said, when it was asked. */
  readonly probe: Probe | undefined;
}

export interface Probe {
  /** Digest of what the reference stands for there, "" when it did not say. */
  readonly digest: string;
  readonly mediaType: string;
  /** "" when it answered. */
  readonly error: string;
  readonly elapsedMs: number;
}

export interface Explanation {
  /** With all defaults spelled out. */
  readonly reference: string;
  readonly domain: string;
  /** File or directory that decided, "" for none. */
  readonly source: string;
  readonly notes: readonly string[];
  /** In the order in which they are tried. */
  readonly hosts: readonly HostExplanation[];
}

/**
 * Explains a reference. With `probe` every host is asked too (a HEAD request). Throws InvalidArgument
 * for a reference and FailedPrecondition for a hosts file that are broken; what is wrong with a
 * single host stands in its `problem`.
 */
export async function explain(
  text: string,
  options: RegistryOptions & { readonly probe?: boolean },
  signal?: AbortSignal,
): Promise<Explanation> {
  const reference = parseImageReference(text);
  await using client = await RegistryClient.open(reference, options);
  const { domain, source, notes, endpoints } = client.found;
  const hosts: HostExplanation[] = [];
  for (const endpoint of endpoints) {
    hosts.push(await explainHost(client, endpoint, options, signal));
  }
  return { reference: formatReference(reference), domain, source, notes, hosts };
}

async function explainHost(
  client: RegistryClient,
  endpoint: Endpoint,
  options: RegistryOptions & { readonly probe?: boolean },
  signal: AbortSignal | undefined,
): Promise<HostExplanation> {
  const { scheme, host, path } = endpoint;
  const url = `${scheme}://${host}${path}`;
  const proxy = options.network.proxies.proxyFor(new URL(url));
  let problem = '';
  const noteProblem = (error: unknown): undefined => {
    problem ||= asCriError(error).message;
  };
  const credentials = await client.credentialsFor(endpoint, signal).catch(noteProblem);
  await readTrustFiles(endpoint).catch(noteProblem);
  return {
    url,
    scheme,
    host,
    origin: endpoint.origin,
    capabilities: endpoint.capabilities,
    isUpstream: endpoint.isUpstream,
    namespace: endpoint.namespace,
    trust: {
      isVerified: scheme === 'https' && !endpoint.skipVerify,
      caFiles: endpoint.caFiles,
      clientCertificates: endpoint.clientPairs.map((pair) => pair.certificate),
      mayFallBackToHttp: endpoint.mayFallBackToHttp,
    },
    headers: Object.keys(endpoint.headers),
    proxy: proxy === undefined ? '' : describeProxy(proxy),
    credentials: { kind: credentials?.kind ?? 'none', source: credentials?.source ?? '' },
    problem,
    probe: options.probe === true ? await probeHost(client, endpoint, signal) : undefined,
  };
}

async function probeHost(
  client: RegistryClient,
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
): Promise<Probe> {
  const started = performance.now();
  const outcome: Resolved | { error: string } = await client
    .probe(endpoint, signal)
    .catch((error: unknown) => ({ error: asCriError(error).message }));
  const elapsedMs = Math.round(performance.now() - started);
  return 'error' in outcome
    ? { digest: '', mediaType: '', error: outcome.error, elapsedMs }
    : { digest: outcome.digest, mediaType: outcome.mediaType, error: '', elapsedMs };
}
