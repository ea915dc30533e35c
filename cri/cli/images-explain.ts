// `estiba images explain REF`: which hosts a pull would ask, how, and why.
import { join } from 'node:path';
import type { estiba } from '../../proto/gen/node.js';
import { loadConfig } from '../config/config.ts';
import { readCredentials, type PullOptions } from './images-pull.ts';
import { explainImage } from './node-client.ts';

type Explanation = estiba.node.v1.ExplainImageResponse.$Properties;
type Host = estiba.node.v1.ExplainedHost.$Properties;

/** Options of the command line. */
export interface ExplainOptions extends Pick<PullOptions, 'config' | 'creds' | 'credsStdin'> {
  readonly probe?: boolean;
}

/** Prints the explanation. Throws CriError. */
export async function imagesExplain(image: string, options: ExplainOptions): Promise<void> {
  const config = await loadConfig(options.config);
  const auth = await readCredentials(options);
  const request = { image, probe: options.probe ?? false, ...(auth && { auth }) };
  const explanation = await explainImage(join(config.runDir, 'estiba.sock'), request);
  process.stdout.write(renderExplanation(explanation));
}

/** The explanation as text, lines ended by newlines. */
export function renderExplanation({ reference, source, notes, hosts }: Explanation): string {
  const decided = source ? `hosts by "${source}"` : 'hosts: built in (no hosts.toml for this one)';
  const lines = [reference ?? '', decided, ...(notes ?? []).map((note) => `note: ${note}`)];
  for (const [index, host] of (hosts ?? []).entries()) {
    lines.push('', `${index + 1}. ${host.url ?? ''}${host.upstream ? '' : ' (mirror)'}`);
    for (const [name, value] of factsOf(host)) {
      if (value !== '') {
        lines.push(`   ${`${name}:`.padEnd(13)} ${value}`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}

function factsOf(host: Host): [name: string, value: string][] {
  const source = host.credentialsSource ?? '';
  const isNone = (host.credentials ?? 'none') === 'none';
  return [
    ['from', host.origin ?? ''],
    ['used for', (host.capabilities ?? []).join(', ')],
    ['TLS', tlsOf(host)],
    ['client', (host.clientCertificates ?? []).join(', ')],
    ['headers', (host.headers ?? []).join(', ')],
    ['proxy', host.proxy || 'none'],
    ['credentials', isNone ? source : `${host.credentials} from ${source}`],
    ['namespace', host.namespace ?? ''],
    ['problem', host.problem ?? ''],
    ['answer', answerOf(host)],
  ];
}

function tlsOf({ url, verified, caFiles, mayFallBackToHttp }: Host): string {
  if (url?.startsWith('http://')) {
    return 'none: plain HTTP';
  }
  const cas = ['the system', ...(caFiles ?? []).map((path) => `"${path}"`)].join(' and ');
  const trust = verified ? `checked by the CAs of ${cas}` : 'not checked';
  return mayFallBackToHttp ? `${trust}; plain HTTP if it does not speak TLS` : trust;
}

function answerOf({ probe }: Host): string {
  if (!probe) {
    return '';
  }
  return probe.error || `${probe.digest} (${probe.mediaType}) within ${probe.elapsedMs} ms`;
}
