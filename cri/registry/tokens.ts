// Access tokens: asked for at the token server that a registry's challenge names.
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { settledOrAborted } from '../core/deadline.ts';
import type { Challenge } from './challenge.ts';
import { discard, readBody } from './connections.ts';
import type { Connections, HttpAnswer } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { answerError, RegistryError } from './registry-error.ts';
import { Secret } from './secret.ts';

/** What a token is asked for. */
export interface TokenRequest {
  /** Where; https unless the registry itself speaks plain HTTP. */
  readonly realm: URL;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly credentials: Credentials;
  /** The endpoint's host: credentials stay with it and with the realm that it names. */
  readonly host: string;
}

export interface AccessToken {
  readonly token: Secret;
  /** By performance.now(). */
  readonly expiresAtMs: number;
}

const clientId = 'estiba';
const defaultLifetimeSeconds = 60; // what a token server means that says nothing
const maxLeewayMs = 10_000;
const maxAnswerBytes = 1024 * 1024;
const maxCachedTokens = 200;

const text = v.nullish(v.string(), '');
const answerSchema = v.object({
  token: text,
  access_token: text,
  expires_in: v.nullish(v.number(), 0),
});

/** Tokens that are still good, for all pulls of a process. Different credentials never share one. */
export class TokenCache {
  readonly #tokens = new Map<string, AccessToken>();
  readonly #pending = new Map<string, Promise<AccessToken>>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Returns a token that is good for a while yet; asks for one if there is none. */
  async get(
    request: TokenRequest,
    connections: Connections,
    signal?: AbortSignal,
  ): Promise<Secret> {
    const key = keyOf(request);
    const cached = this.#tokens.get(key);
    if (cached !== undefined && cached.expiresAtMs > this.#now()) {
      return cached.token;
    }
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      // Another pull's answer will do; its failure (it may be canceled) is not ours.
      const answer = pending.catch(() => undefined);
      const shared = await settledOrAborted(answer, 'wait for a token', signal);
      if (shared !== undefined) {
        return shared.token;
      }
    }
    const asked = fetchToken(request, connections, this.#now(), signal);
    this.#pending.set(key, asked);
    try {
      const fetched = await asked;
      this.#store(key, fetched);
      return fetched.token;
    } finally {
      if (this.#pending.get(key) === asked) {
        this.#pending.delete(key);
      }
    }
  }

  /** Forgets a token that the registry did not take. */
  drop(request: TokenRequest, refused: Secret): void {
    const key = keyOf(request);
    if (this.#tokens.get(key)?.token.equals(refused) === true) {
      this.#tokens.delete(key);
    }
  }

  #store(key: string, token: AccessToken): void {
    this.#tokens.delete(key);
    this.#tokens.set(key, token);
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > maxCachedTokens && oldest !== undefined) {
      this.#tokens.delete(oldest);
    }
  }
}

/** Everything that makes a token another one; credentials only as a digest. */
function keyOf({ realm, service, scopes, credentials, host }: TokenRequest): string {
  const proof =
    credentials.kind === 'none'
      ? []
      : credentials.kind === 'password'
        ? [credentials.username, credentials.password.reveal()]
        : [credentials.token.reveal()];
  const digest = createHash('sha256')
    .update(JSON.stringify([credentials.kind, ...proof]))
    .digest('hex');
  return JSON.stringify([host, realm.href, service, [...scopes].sort(), digest]);
}

/**
 * Reads the realm of a Bearer challenge. Throws RegistryError for one that is no URL, and for plain
 * HTTP where the registry itself speaks TLS: credentials must not leave in the clear.
 */
export function realmOf(challenge: Challenge, endpointUrl: URL, what: string): URL {
  const realm = challenge.parameters['realm'] ?? '';
  const { host } = endpointUrl;
  const refuse = (why: string): RegistryError =>
    new RegistryError(
      'FailedPrecondition',
      `cannot ${what}: the token server that "${host}" names ${why}`,
      {
        host,
      },
    );
  if (!URL.canParse(realm, endpointUrl.href)) {
    throw refuse(`is not a URL: "${realm.slice(0, 200)}"`);
  }
  const url = new URL(realm, endpointUrl);
  const isPlain = url.protocol === 'http:';
  if (!isPlain && url.protocol !== 'https:') {
    throw refuse(`is neither http nor https: "${url.protocol}"`);
  }
  if (isPlain && endpointUrl.protocol === 'https:') {
    throw refuse(`speaks plain HTTP: "${url.host}"`);
  }
  return url;
}

async function fetchToken(
  request: TokenRequest,
  connections: Connections,
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<AccessToken> {
  const { credentials } = request;
  const answer =
    credentials.kind === 'identity-token'
      ? await post(request, connections, signal)
      : await get(request, connections, signal);
  // Some servers know passwords only in the form of OAuth 2.
  const isOther = [404, 405].includes(answer.status) && credentials.kind === 'password';
  if (isOther) {
    await discard(answer);
    return await readToken(request, await post(request, connections, signal), nowMs, signal);
  }
  return await readToken(request, answer, nowMs, signal);
}

function whatOf({ scopes }: TokenRequest): string {
  return `get a token for "${scopes.join(' ')}"`;
}

async function get(
  request: TokenRequest,
  connections: Connections,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const { credentials, service, scopes, realm } = request;
  const url = new URL(realm);
  if (service !== '') {
    url.searchParams.set('service', service);
  }
  for (const scope of scopes) {
    url.searchParams.append('scope', scope);
  }
  const headers: Record<string, string> = {};
  if (credentials.kind === 'password') {
    url.searchParams.set('account', credentials.username);
    headers['authorization'] = basicHeader(credentials.username, credentials.password);
  }
  const isOwnHost = url.host === request.host;
  return await connections.request({
    what: whatOf(request),
    method: 'GET',
    url,
    headers,
    signal,
    isOwnHost,
  });
}

/** The value of an Authorization header for a password. */
export function basicHeader(username: string, password: Secret): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`;
}

async function post(
  request: TokenRequest,
  connections: Connections,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const { credentials, service, scopes, realm } = request;
  const form = new URLSearchParams({ service, client_id: clientId, scope: scopes.join(' ') });
  if (credentials.kind === 'password') {
    form.set('grant_type', 'password');
    form.set('username', credentials.username);
    form.set('password', credentials.password.reveal());
  } else if (credentials.kind === 'identity-token') {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.token.reveal());
  }
  return await connections.request({
    what: whatOf(request),
    method: 'POST',
    url: realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    signal,
    isOwnHost: realm.host === request.host,
  });
}

async function readToken(
  request: TokenRequest,
  answer: HttpAnswer,
  nowMs: number,
  signal: AbortSignal | undefined,
): Promise<AccessToken> {
  const { host } = request.realm;
  const what = whatOf(request);
  const body = (await readBody(answer, maxAnswerBytes, what, host, signal)).toString('utf8');
  if (answer.status !== 200) {
    const retryAfter = answer.headers['retry-after'];
    throw answerError(
      what,
      {
        host,
        status: answer.status,
        body,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : '',
        hint: `credentials: ${request.credentials.source}`,
      },
      Date.now(),
    );
  }
  const parsed = parseAnswer(body);
  const token = parsed?.token || parsed?.access_token || '';
  // It goes into a header, so it must be fit for one.
  if (!/^[\x21-\x7e]+$/u.test(token)) {
    const message = `cannot ${what}: the answer of "${host}" holds no token`;
    throw new RegistryError('FailedPrecondition', message, { host, status: 200 });
  }
  const lifetimeMs = (parsed?.expires_in || defaultLifetimeSeconds) * 1000;
  const expiresAtMs = nowMs + lifetimeMs - Math.min(maxLeewayMs, lifetimeMs / 10);
  return { token: new Secret(token), expiresAtMs };
}

function parseAnswer(body: string): v.InferOutput<typeof answerSchema> | undefined {
  try {
    const result = v.safeParse(answerSchema, JSON.parse(body));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
