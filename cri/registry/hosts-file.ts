// hosts.toml as containerd reads it: where the images of one registry come from.
import { dirname, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { CriError } from '../core/error.ts';
import { parseGoDuration } from './go-duration.ts';
import { Secret } from './secret.ts';

/** What containerd's files may name; a pull asks for `pull` and `resolve` alone. */
export type Capability = 'pull' | 'resolve' | 'push' | 'referrers';
const allCapabilities: readonly Capability[] = ['pull', 'resolve', 'push', 'referrers'];

/** A client certificate; "" as key means that the certificate's file holds it. */
export interface ClientPair {
  readonly certificate: string;
  readonly key: string;
}

/** Where requests go: `path` is "/v2", or what override_path leaves, never with a slash at the end. */
export interface HostUrl {
  readonly scheme: 'http' | 'https';
  /** With port where one is given; IPv6 in brackets. */
  readonly host: string;
  readonly path: string;
}

/** What a file says about one host; all paths absolute. */
export interface HostSettings {
  /** undefined for the top level of a file without `server`. */
  readonly url: HostUrl | undefined;
  /** The place in the file, as TOML writes it: `host."https://mirror"`, "server". */
  readonly key: string;
  readonly capabilities: readonly Capability[];
  readonly caFiles: readonly string[];
  readonly clientPairs: readonly ClientPair[];
  readonly skipVerify: boolean;
  /** By lower-case name; values may be tokens. */
  readonly headers: Readonly<Record<string, readonly Secret[]>>;
  /** undefined = default. */
  readonly dialTimeoutMs: number | undefined;
}

export interface HostsFile {
  readonly path: string;
  /** In the order in which they are tried. */
  readonly hosts: readonly HostSettings[];
  /** The top level: tried last. */
  readonly server: HostSettings;
  /** Keys that mean nothing, most likely misspelt. */
  readonly ignoredKeys: readonly string[];
}

type Table = Readonly<Record<string, unknown>>;

const settingKeys: readonly string[] = [
  'capabilities',
  'ca',
  'client',
  'skip_verify',
  'header',
  'override_path',
  'dial_timeout',
];

/** Says what is wrong with a file; every throw of this module is one. */
function broken(path: string, key: string, why: string): CriError {
  const at = key === '' ? '' : `key ${key}: `;
  return new CriError('FailedPrecondition', `cannot read "${path}": ${at}${why}`);
}

/** Parses the text of `path`; throws FailedPrecondition naming file and key. */
export function parseHostsFile(text: string, path: string): HostsFile {
  const top = parseToml(text, path);
  const ignoredKeys: string[] = [];
  const hostTables = table(top['host'] ?? {}, path, 'host');
  const hosts = Object.entries(hostTables).map(([url, value]) => {
    const key = `host."${url}"`;
    const settings = table(value, path, key);
    ignoredKeys.push(...unknownKeys(settings, settingKeys, `${key}.`));
    return readSettings(settings, { url, key, prefix: `${key}.`, path });
  });
  ignoredKeys.push(...unknownKeys(top, [...settingKeys, 'server', 'host'], ''));
  const url = requireText(top['server'] ?? '', path, 'server');
  const server = readSettings(top, { url, key: 'server', prefix: '', path });
  return { path, hosts, server, ignoredKeys };
}

function parseToml(text: string, path: string): Table {
  try {
    return parse(text);
  } catch (cause) {
    const where = cause instanceof TomlError ? `line ${cause.line}: ` : '';
    const [what = 'it is not TOML'] = cause instanceof Error ? cause.message.split('\n') : [];
    // The error itself quotes the line, which may hold a token: it is not passed on.
    throw broken(path, '', `${where}${what.replace('Invalid TOML document: ', '')}`);
  }
}

function unknownKeys(settings: Table, known: readonly string[], prefix: string): string[] {
  return Object.keys(settings)
    .filter((key) => !known.includes(key))
    .map((key) => `${prefix}${key}`);
}

interface Place {
  readonly url: string;
  readonly key: string;
  /** What stands before the key of a setting. */
  readonly prefix: string;
  readonly path: string;
}

function readSettings(settings: Table, { url, key, prefix, path }: Place): HostSettings {
  const at = (name: string): string => `${prefix}${name}`;
  const absolute = (file: string): string => resolve(dirname(path), file);
  const overridePath = flag(settings['override_path'], path, at('override_path'));
  const isServerUnset = url === '' && key === 'server';
  return {
    url: isServerUnset ? undefined : readUrl(url, overridePath, path, key),
    key,
    capabilities: readCapabilities(settings['capabilities'], path, at('capabilities')),
    caFiles: texts(settings['ca'], path, at('ca')).map(absolute),
    clientPairs: readClientPairs(settings['client'], path, at('client')).map((pair) => ({
      certificate: absolute(pair.certificate),
      key: pair.key === '' ? '' : absolute(pair.key),
    })),
    skipVerify: flag(settings['skip_verify'], path, at('skip_verify')),
    headers: readHeaders(settings['header'], path, at('header')),
    dialTimeoutMs: readDuration(settings['dial_timeout'], path, at('dial_timeout')),
  };
}

function readUrl(text: string, overridePath: boolean, path: string, key: string): HostUrl {
  const withScheme = /^https?:\/\//iu.test(text) ? text : `https://${text}`;
  if (text === '' || (text.includes('://') && withScheme !== text) || !URL.canParse(withScheme)) {
    throw broken(path, key, `"${text}" is not an http or https URL`);
  }
  const url = new URL(withScheme);
  if (url.username !== '' || url.password !== '') {
    throw broken(path, key, 'the URL holds credentials; they belong in a credentials file');
  }
  if (url.search !== '' || url.hash !== '') {
    throw broken(path, key, `"${text}" has a query or fragment`);
  }
  const trimmed = url.pathname.replaceAll(/\/+/gu, '/').replace(/\/$/u, '');
  const urlPath = overridePath || trimmed.endsWith('/v2') ? trimmed : `${trimmed}/v2`;
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  return { scheme, host: url.host, path: urlPath };
}

function readCapabilities(value: unknown, path: string, key: string): readonly Capability[] {
  const names = value === undefined ? [] : list(value, path, key);
  if (names.length === 0) {
    return allCapabilities;
  }
  return names.map((name) => {
    const found = allCapabilities.find((each) => each === String(name).toLowerCase());
    if (found === undefined) {
      throw broken(path, key, `"${String(name)}" is not one of ${allCapabilities.join(', ')}`);
    }
    return found;
  });
}

function readClientPairs(value: unknown, path: string, key: string): ClientPair[] {
  if (value === undefined) {
    return [];
  }
  const entries = typeof value === 'string' ? [value] : list(value, path, key);
  return entries.map((entry) => {
    const parts = texts(entry, path, key);
    const [certificate = '', keyFile = '', ...more] = parts;
    if (certificate === '' || more.length > 0) {
      throw broken(path, key, 'each entry is a file, or a pair of certificate and key files');
    }
    return { certificate, key: keyFile };
  });
}

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/u;
// Set by the client itself; a fixed Authorization header is what containerd's users have.
const ownHeaders: readonly string[] = ['host', 'range', 'content-length', 'transfer-encoding'];

function readHeaders(value: unknown, path: string, key: string): Record<string, readonly Secret[]> {
  const headers: Record<string, readonly Secret[]> = {};
  for (const [name, values] of Object.entries(table(value ?? {}, path, key))) {
    const at = `${key}.${name}`;
    if (!headerName.test(name) || ownHeaders.includes(name.toLowerCase())) {
      throw broken(path, at, 'this header cannot be set');
    }
    const lines = texts(values, path, at);
    if (lines.some((line) => /[\r\n\0]/u.test(line))) {
      throw broken(path, at, 'the value holds a line break');
    }
    headers[name.toLowerCase()] = lines.map((line) => new Secret(line));
  }
  return headers;
}

function readDuration(value: unknown, path: string, key: string): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  const parsed = parseGoDuration(requireText(value, path, key));
  if (parsed === undefined || parsed <= 0) {
    throw broken(path, key, `"${String(value)}" is not a duration such as "10s"`);
  }
  return parsed;
}

function table(value: unknown, path: string, key: string): Table {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw broken(path, key, 'it is not a table');
  }
  return value as Table;
}

function list(value: unknown, path: string, key: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw broken(path, key, 'it is not a list');
  }
  return value;
}

function requireText(value: unknown, path: string, key: string): string {
  if (typeof value !== 'string') {
    throw broken(path, key, 'it is not a string');
  }
  return value;
}

/** A string, or a list of them. */
function texts(value: unknown, path: string, key: string): string[] {
  if (value === undefined) {
    return [];
  }
  const values = Array.isArray(value) ? value : [value];
  return values.map((each) => {
    if (typeof each !== 'string') {
      throw broken(path, key, 'it is neither a string nor a list of strings');
    }
    return each;
  });
}

function flag(value: unknown, path: string, key: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') {
    throw broken(path, key, 'it is not true or false');
  }
  return value ?? false;
}
