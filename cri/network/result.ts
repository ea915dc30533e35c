// What a chain of plugins answers to ADD, for every CNI version we speak (0.3.0 to 1.1.0).
import { isIP } from 'node:net';
import { CriError } from '../core/error.ts';
import { isObject } from './conflist.ts';

/** The last plugin's result, kept as it came: it is the next plugin's prevResult. */
export type CniResult = Readonly<Record<string, unknown>>;

/** Parses a plugin's standard output. Throws Internal naming the plugin. */
export function parseResult(plugin: string, stdout: string): CniResult {
  let json: unknown;
  try {
    json = JSON.parse(stdout);
  } catch (cause) {
    const why = `its answer is not JSON: "${stdout.slice(0, 200)}"`;
    throw new CriError('Internal', `cannot attach network: plugin "${plugin}": ${why}`, { cause });
  }
  if (!isObject(json)) {
    throw new CriError(
      'Internal',
      `cannot attach network: plugin "${plugin}": its answer is not a JSON object`,
    );
  }
  return json;
}

/**
 * The pod's addresses: those of interface `interfaceName` inside the sandbox, IPv4 first and
 * otherwise in the plugin's order (the first is the pod's primary address). Addresses that name no
 * interface count, since some IPAM-only plugins leave it out.
 */
export function podAddresses(result: CniResult, interfaceName: string): string[] {
  const interfaces = listOfObjects(result['interfaces']);
  const addresses: string[] = [];
  for (const ip of listOfObjects(result['ips'])) {
    const index = ip['interface'];
    const owner = typeof index === 'number' ? interfaces[index] : undefined;
    const outside =
      owner !== undefined && (owner['name'] !== interfaceName || isEmpty(owner['sandbox']));
    const address = typeof ip['address'] === 'string' ? ip['address'].split('/')[0] : undefined;
    if (!outside && address !== undefined && isIP(address) !== 0) {
      addresses.push(address);
    }
  }
  return [...addresses.filter((a) => isIP(a) === 4), ...addresses.filter((a) => isIP(a) === 6)];
}

function listOfObjects(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isEmpty(value: unknown): boolean {
  return typeof value !== 'string' || value === '';
}
