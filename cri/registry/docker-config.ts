// Docker's config.json as far as it holds credentials: auths, credHelpers, credsStore.
import * as v from 'valibot';
import { CriError } from '../core/error.ts';
import { Secret } from './secret.ts';

/** What stands under one key of `auths`. Empty texts where the file has nothing. */
export interface AuthEntry {
  readonly key: string;
  readonly username: string;
  readonly password: Secret;
  readonly identityToken: Secret;
  readonly registryToken: Secret;
}

export interface DockerConfig {
  readonly path: string;
  readonly auths: readonly AuthEntry[];
  /** Host → name of the helper, without "docker-credential-". */
  readonly credHelpers: Readonly<Record<string, string>>;
  /** "" for none. */
  readonly credsStore: string;
}

/** Every name of Docker Hub; what is stored for one of them is meant for all. */
const dockerHubNames: readonly string[] = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

const text = v.nullish(v.string(), '');
const helperName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/u));
const configSchema = v.object({
  auths: v.nullish(
    v.record(
      v.string(),
      v.object({
        auth: text,
        username: text,
        password: text,
        identitytoken: text,
        registrytoken: text,
      }),
    ),
    {},
  ),
  credHelpers: v.nullish(v.record(v.string(), helperName), {}),
  credsStore: v.nullish(v.union([v.literal(''), helperName]), ''),
});

/** Parses the text of `path`; throws FailedPrecondition naming file and key, never a value. */
export function parseDockerConfig(content: string, path: string): DockerConfig {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    // The parser's own message quotes the text.
    throw broken(path, 'it is not JSON');
  }
  const result = v.safeParse(configSchema, value);
  if (!result.success) {
    const [issue] = result.issues;
    const key = v.getDotPath(issue) ?? '';
    throw broken(path, `key "${key}" is not a ${issue.expected ?? 'valid value'}`);
  }
  const { auths, credHelpers, credsStore } = result.output;
  const entries = Object.entries(auths).map(([key, entry]) => {
    const pair = entry.auth === '' ? undefined : decodeAuth(entry.auth);
    if (pair === undefined && entry.auth !== '') {
      throw broken(path, `key "auths.${key}.auth" is not base64 of user:password`);
    }
    return {
      key,
      username: pair?.username ?? entry.username,
      password: pair?.password ?? new Secret(entry.password),
      identityToken: new Secret(entry.identitytoken),
      registryToken: new Secret(entry.registrytoken),
    };
  });
  return { path, auths: entries, credHelpers, credsStore };
}

function broken(path: string, why: string): CriError {
  return new CriError('FailedPrecondition', `cannot read "${path}": ${why}`);
}

/** Takes an `auth` text (base64 of "user:password") apart; undefined when it is none. */
export function decodeAuth(auth: string): { username: string; password: Secret } | undefined {
  const trimmed = auth.trim();
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/u.test(trimmed)) {
    return undefined;
  }
  const plain = Buffer.from(trimmed, 'base64').toString('utf8');
  const colon = plain.indexOf(':');
  if (colon === -1) {
    return undefined;
  }
  // Docker pads some with NULs.
  const password = plain.slice(colon + 1).replace(/^\0+|\0+$/gu, '');
  return { username: plain.slice(0, colon), password: new Secret(password) };
}

/** Host and path that a key or server address stands for ("https://a.b/v1/" → a.b, ""). */
function parseServerAddress(address: string): { host: string; path: string } {
  const bare = address.replace(/^[a-z]+:\/\//iu, '');
  const slash = bare.indexOf('/');
  const host = (slash === -1 ? bare : bare.slice(0, slash)).toLowerCase();
  const rest = slash === -1 ? '' : bare.slice(slash + 1);
  const path = rest.replace(/\/+$/u, '').replace(/^v[12](\/|$)/u, '');
  return { host: dockerHubNames.includes(host) ? 'docker.io' : host, path };
}

/** Says whether an address and a host with port are the same registry. */
export function isSameServer(address: string, host: string): boolean {
  return parseServerAddress(address).host === parseServerAddress(host).host;
}

/**
 * Finds the entry for a repository: the host must be the same (a "*" in a key stands for one label
 * of the name), the key's path, if any, must be a leading part of the repository's. The longest path
 * wins, then a key without "*".
 */
export function findAuth(
  auths: readonly AuthEntry[],
  host: string,
  repository: string,
): AuthEntry | undefined {
  const wanted = parseServerAddress(host).host;
  let best: { entry: AuthEntry; weight: number } | undefined;
  for (const entry of auths) {
    const key = parseServerAddress(entry.key);
    if (!hostFits(key.host, wanted) || !`${repository}/`.startsWith(withSlash(key.path))) {
      continue;
    }
    const weight = key.path.length * 2 + (key.host.includes('*') ? 0 : 1);
    if (best === undefined || weight > best.weight) {
      best = { entry, weight };
    }
  }
  return best?.entry;
}

function withSlash(path: string): string {
  return path === '' ? '' : `${path}/`;
}

function hostFits(pattern: string, host: string): boolean {
  if (!pattern.includes('*')) {
    return pattern === host;
  }
  const labels = pattern.split('.').map((label) =>
    label
      .split('*')
      .map((part) =>
        part.replaceAll(/[^a-z0-9-]/giu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`),
      )
      .join('[^.]*'),
  );
  return new RegExp(`^${labels.join('\\.')}$`, 'u').test(host);
}

/** How a credential helper is asked for a host. */
export function helperServer(host: string): string {
  return parseServerAddress(host).host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
}

/** The helper for a host, undefined for none. */
export function findHelper(config: DockerConfig, host: string): string | undefined {
  const wanted = parseServerAddress(host).host;
  const own = Object.entries(config.credHelpers).find(
    ([key]) => parseServerAddress(key).host === wanted,
  );
  return own?.[1] ?? (config.credsStore === '' ? undefined : config.credsStore);
}
