// A token server as Docker's specification has it: passwords and identity tokens for signed JSON web
// tokens that docker-registry checks.
import { randomUUID, sign, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { KeyPair } from './certificates.ts';
import type { TokenAuth } from './docker-registry.ts';

export interface TokenServerOptions {
  readonly tls: KeyPair;
  /** Signs the tokens; an EC key. */
  readonly signer: KeyPair;
  readonly users: Readonly<Record<string, string>>;
  /** Identity token → user. */
  readonly identityTokens?: Readonly<Record<string, string>>;
  /** Repositories that everybody may pull. */
  readonly publicRepositories?: readonly string[];
  readonly lifetimeSeconds?: number;
}

const service = 'registry.test';
const issuer = 'estiba test';

export class TokenServer implements AsyncDisposable {
  readonly #options: TokenServerOptions;
  readonly #server: Server;
  /** Who got a token for what: "GET me repository:a/b:pull". */
  readonly granted: string[] = [];

  private constructor(options: TokenServerOptions) {
    this.#options = options;
    const tls = { key: options.tls.key, cert: options.tls.certificate };
    this.#server = createServer(tls, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  static async start(options: TokenServerOptions): Promise<TokenServer> {
    const server = new TokenServer(options);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  /** What a registry needs to know to trust this server. */
  get auth(): TokenAuth {
    const { port } = this.#server.address() as AddressInfo;
    const realm = `https://127.0.0.1:${port}/token`;
    return { realm, service, issuer, certificateFile: this.#options.signer.certificateFile };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'https://localhost');
    const form = new URLSearchParams(request.method === 'POST' ? await text(request) : url.search);
    const who = this.#whoIs(request, form);
    if (who === undefined || form.get('service') !== service) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ details: 'incorrect username or password' }));
      return;
    }
    const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
    this.granted.push(`${request.method} ${who || 'anonymous'} ${scopes.join(' ')}`);
    const lifetime = this.#options.lifetimeSeconds ?? 300;
    const body = { token: this.#token(who, scopes, lifetime), expires_in: lifetime };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  /** The user's name, "" for anybody, undefined for a wrong proof. */
  #whoIs(request: IncomingMessage, form: URLSearchParams): string | undefined {
    const { users, identityTokens = {} } = this.#options;
    if (form.get('grant_type') === 'refresh_token') {
      return identityTokens[form.get('refresh_token') ?? ''];
    }
    const [, proof] = /^Basic (.+)$/u.exec(request.headers.authorization ?? '') ?? [];
    if (proof === undefined) {
      return '';
    }
    const [name = '', password] = Buffer.from(proof, 'base64').toString('utf8').split(':');
    return users[name] === password ? name : undefined;
  }

  #token(who: string, scopes: readonly string[], lifetime: number): string {
    const { signer, publicRepositories = [] } = this.#options;
    const access = scopes.flatMap((scope) => {
      const [type = '', name = '', actions = ''] = scope.split(':');
      const isAllowed = who !== '' || publicRepositories.includes(name);
      return isAllowed ? [{ type, name, actions: actions.split(',') }] : [];
    });
    const now = Math.floor(Date.now() / 1000);
    const leaf = new X509Certificate(signer.certificate).raw.toString('base64');
    const head = encode({ typ: 'JWT', alg: 'ES256', x5c: [leaf] });
    const claims = encode({
      iss: issuer,
      sub: who,
      aud: service,
      jti: randomUUID(),
      access,
      iat: now,
      nbf: now - 10,
      exp: now + lifetime,
    });
    const key = { key: signer.key, dsaEncoding: 'ieee-p1363' } as const;
    const signature = sign('sha256', Buffer.from(`${head}.${claims}`), key);
    return `${head}.${claims}.${signature.toString('base64url')}`;
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
