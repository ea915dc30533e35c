// Proves who asks: reacts to a registry's challenges and knows what to send from then on.
import { parseChallenges } from './challenge.ts';
import type { Challenge } from './challenge.ts';
import type { Connections, HttpAnswer } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { basicHeader, realmOf } from './tokens.ts';
import type { TokenCache, TokenRequest } from './tokens.ts';
import type { Secret } from './secret.ts';

type Plan =
  | { readonly kind: 'none' }
  | { readonly kind: 'basic' }
  | { readonly kind: 'bearer'; readonly request: TokenRequest };

export interface AuthorizerOptions {
  readonly credentials: Credentials;
  /** "repository:library/busybox:pull": asked for when a challenge names no scope. */
  readonly defaultScope: string;
  readonly tokens: TokenCache;
  readonly connections: Connections;
}

/** The authorization of one repository at one endpoint. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  #plan: Plan = { kind: 'none' };
  #lastToken: Secret | undefined;
  #tokenRefused = false;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  get credentials(): Credentials {
    return this.#options.credentials;
  }

  /** The Authorization header of the next request, "" for none. May ask for a token. */
  async header(signal?: AbortSignal): Promise<string> {
    const { credentials, tokens, connections } = this.#options;
    if (credentials.kind === 'registry-token') {
      return `Bearer ${credentials.token.reveal()}`;
    }
    if (this.#plan.kind === 'basic' && credentials.kind === 'password') {
      return basicHeader(credentials.username, credentials.password);
    }
    if (this.#plan.kind === 'bearer') {
      this.#lastToken = await tokens.get(this.#plan.request, connections, signal);
      return `Bearer ${this.#lastToken.reveal()}`;
    }
    return '';
  }

  /**
   * Learns from a 401. Returns whether another try, with what header() gives then, makes sense: not
   * when the same proof has just been refused. Throws RegistryError for a token server that must not
   * be asked.
   */
  learn(answer: HttpAnswer, url: URL, what: string): boolean {
    const { credentials } = this.#options;
    if (credentials.kind === 'registry-token') {
      return false;
    }
    const challenges = parseChallenges(answer.headers['www-authenticate']);
    const bearer = challenges.find(
      ({ scheme, parameters }) => scheme === 'bearer' && parameters['realm'] !== undefined,
    );
    if (bearer !== undefined) {
      return this.#learnBearer(bearer, url, what);
    }
    const isBasic = challenges.some(({ scheme }) => scheme === 'basic');
    if (!isBasic || credentials.kind !== 'password' || this.#plan.kind === 'basic') {
      return false;
    }
    this.#plan = { kind: 'basic' };
    return true;
  }

  /** The registry took what it was given: a later refusal may be about a token's age. */
  accepted(): void {
    this.#tokenRefused = false;
  }

  #learnBearer(challenge: Challenge, url: URL, what: string): boolean {
    const { credentials, defaultScope, tokens } = this.#options;
    const scope = challenge.parameters['scope'] ?? '';
    const request: TokenRequest = {
      realm: realmOf(challenge, url, what),
      service: challenge.parameters['service'] ?? '',
      scopes: scope === '' ? [defaultScope] : scope.split(/\s+/u),
      credentials,
      host: url.host,
    };
    if (this.#plan.kind === 'bearer' && this.#lastToken !== undefined) {
      tokens.drop(this.#plan.request, this.#lastToken);
      if (this.#tokenRefused) {
        return false;
      }
      this.#tokenRefused = true;
    }
    this.#plan = { kind: 'bearer', request };
    return true;
  }
}
