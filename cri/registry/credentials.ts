// Which credentials a host gets. The rule behind all others: what was given for one registry is
// never sent to another.
import { readBoundedText } from '../core/bounded-file.ts';
import { CriError, describeError, errnoCode } from '../core/error.ts';
import { askHelper } from './credential-helper.ts';
import type { HelperRunner } from './credential-helper.ts';
import { decodeAuth, findAuth, findHelper, helperServer, isSameServer } from './docker-config.ts';
import { parseDockerConfig } from './docker-config.ts';
import type { AuthEntry, DockerConfig } from './docker-config.ts';
import type { Endpoint } from './endpoints.ts';
import type { Reference } from '../core/image-reference.ts';
import { Secret } from './secret.ts';

/** What a request to a host may prove itself with. */
export type Credentials =
  | { readonly kind: 'none'; readonly source: string }
  | {
      readonly kind: 'password';
      readonly username: string;
      readonly password: Secret;
      readonly source: string;
    }
  /** Exchanged for access tokens at the token server. */
  | { readonly kind: 'identity-token'; readonly token: Secret; readonly source: string }
  /** Sent as it is. */
  | { readonly kind: 'registry-token'; readonly token: Secret; readonly source: string };

/** AuthConfig of PullImage: what the kubelet found for the image. Absent fields are "". */
export interface PullAuth {
  readonly username: string;
  readonly password: Secret;
  /** base64 of user:password. */
  readonly auth: Secret;
  readonly serverAddress: string;
  readonly identityToken: Secret;
  readonly registryToken: Secret;
}

export interface CredentialOptions {
  readonly pullAuth?: PullAuth | undefined;
  /** Files in Docker's config.json format, read anew each time; missing ones are fine. */
  readonly files: readonly string[];
  readonly runHelper?: HelperRunner | undefined;
}

/**
 * Finds what `endpoint` gets for `reference`:
 * 1. the AuthConfig of the pull: for its server_address, or without one for the registry that the
 *    reference names, not for its mirrors;
 * 2. else the first file that has something for the endpoint's host: its helper, its entry.
 * Throws InvalidArgument for an AuthConfig and FailedPrecondition for a file that is broken.
 */
export async function findCredentials(
  endpoint: Endpoint,
  reference: Reference,
  options: CredentialOptions,
  signal?: AbortSignal,
): Promise<Credentials> {
  const { pullAuth } = options;
  if (pullAuth !== undefined && isMeantFor(pullAuth, endpoint, reference)) {
    const given = readPullAuth(pullAuth);
    if (given !== undefined) {
      return given;
    }
  }
  for (const path of options.files) {
    const config = await readConfig(path);
    const found =
      config && (await findInConfig(config, endpoint, reference, options.runHelper, signal));
    if (found !== undefined) {
      return found;
    }
  }
  return { kind: 'none', source: 'none: anonymous' };
}

function isMeantFor(auth: PullAuth, endpoint: Endpoint, reference: Reference): boolean {
  if (auth.serverAddress === '') {
    return endpoint.isUpstream;
  }
  return (
    isSameServer(auth.serverAddress, endpoint.host) ||
    (endpoint.isUpstream && isSameServer(auth.serverAddress, reference.domain))
  );
}

function readPullAuth(pullAuth: PullAuth): Credentials | undefined {
  const source = 'AuthConfig of the pull';
  const { username, password, auth, identityToken, registryToken } = pullAuth;
  if (!registryToken.isEmpty) {
    return { kind: 'registry-token', token: registryToken, source: `${source} (registry_token)` };
  }
  if (!identityToken.isEmpty) {
    return { kind: 'identity-token', token: identityToken, source: `${source} (identity_token)` };
  }
  if (username !== '') {
    return { kind: 'password', username, password, source: `${source} (username)` };
  }
  if (!auth.isEmpty) {
    const pair = decodeAuth(auth.reveal());
    if (pair === undefined) {
      const why = 'field "auth" of its AuthConfig is not base64 of user:password';
      throw new CriError('InvalidArgument', `cannot pull image: ${why}`);
    }
    return { kind: 'password', ...pair, source: `${source} (auth)` };
  }
  return undefined;
}

/** A file of credentials may hold those of some thousand registries. */
const mostBytes = 1 << 20;

async function readConfig(path: string): Promise<DockerConfig | undefined> {
  try {
    return parseDockerConfig(await readBoundedText(path, mostBytes), path);
  } catch (cause) {
    if (cause instanceof CriError) {
      throw cause;
    }
    const code = errnoCode(cause);
    if (code === 'ENOENT') {
      return undefined;
    }
    throw new CriError(
      'FailedPrecondition',
      `cannot read "${path}": ${code || describeError(cause)}`,
    );
  }
}

async function findInConfig(
  config: DockerConfig,
  endpoint: Endpoint,
  reference: Reference,
  runHelper: HelperRunner | undefined,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  // A registry's own file may send its requests to a host of another name.
  const hosts = new Set([endpoint.host, ...(endpoint.isUpstream ? [reference.domain] : [])]);
  for (const host of hosts) {
    const helper = findHelper(config, host);
    if (helper !== undefined && runHelper !== undefined) {
      const found = await findWithHelper(config, helper, host, runHelper, signal);
      if (found !== undefined) {
        return found;
      }
    }
    const entry = findAuth(config.auths, host, reference.path);
    const found = entry && readEntry(entry, `"${config.path}" (auths."${entry.key}")`);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

async function findWithHelper(
  config: DockerConfig,
  helper: string,
  host: string,
  runHelper: HelperRunner,
  signal: AbortSignal | undefined,
): Promise<Credentials | undefined> {
  const answer = await askHelper(runHelper, helper, helperServer(host), signal);
  if (answer === undefined) {
    return undefined;
  }
  const source = `"docker-credential-${helper}" (named by "${config.path}")`;
  return answer.isIdentityToken
    ? { kind: 'identity-token', token: answer.secret, source }
    : { kind: 'password', username: answer.username, password: answer.secret, source };
}

function readEntry(entry: AuthEntry, source: string): Credentials | undefined {
  if (!entry.registryToken.isEmpty) {
    return { kind: 'registry-token', token: entry.registryToken, source };
  }
  if (!entry.identityToken.isEmpty) {
    return { kind: 'identity-token', token: entry.identityToken, source };
  }
  // An empty entry says only that a store has something.
  return entry.username === ''
    ? undefined
    : { kind: 'password', username: entry.username, password: entry.password, source };
}

/** Makes a PullAuth of plain texts, undefined fields being "". */
export function pullAuthOf(fields: {
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
  readonly auth?: string | null | undefined;
  readonly serverAddress?: string | null | undefined;
  readonly identityToken?: string | null | undefined;
  readonly registryToken?: string | null | undefined;
}): PullAuth {
  return {
    username: fields.username ?? '',
    password: new Secret(fields.password ?? ''),
    auth: new Secret(fields.auth ?? ''),
    serverAddress: fields.serverAddress ?? '',
    identityToken: new Secret(fields.identityToken ?? ''),
    registryToken: new Secret(fields.registryToken ?? ''),
  };
}
