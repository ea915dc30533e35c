import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pullAuthOf } from './credentials.ts';
import { answerError, answerJson, FakeRegistry } from './fake-registry.ts';
import { Bench } from './registry-bench.ts';
import { TokenCache } from './tokens.ts';

let bench: Bench;
let tokenServer: FakeRegistry;
/** What the token server was asked, as text: method, path with query, proof, body. */
let tokenRequests: string[];
/** What the registry takes. */
let goodTokens: Set<string>;

const layer = Buffer.from('layer');
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

beforeEach(async () => {
  bench = await Bench.start();
  tokenServer = await FakeRegistry.start();
  bench.registries.unshift(tokenServer);
  tokenRequests = [];
  goodTokens = new Set();
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

/** Makes the registry want a bearer token. */
function wantToken(challenge = ''): void {
  bench.upstream.putImage('1', [layer]);
  bench.upstream.intercepts.push((request, response) => {
    const [, token = ''] = (request.headers.authorization ?? '').split('Bearer ');
    if (goodTokens.has(token)) {
      return false;
    }
    const scope = challenge || 'scope="repository:team/app:pull"';
    answerError(response, 401, 'UNAUTHORIZED', 'authentication required', {
      'www-authenticate': `Bearer realm="${tokenServer.url}/token",service="r.example",${scope}`,
    });
    return true;
  });
}

/** Makes the token server hand out tokens, to whom `proof` says. */
function giveTokens(answer: object, isWelcome: (proof: string) => boolean = () => true): void {
  let count = 0;
  tokenServer.intercepts.push((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const proof = request.headers.authorization ?? '';
      tokenRequests.push([request.method, request.url, proof, body].filter(Boolean).join(' '));
      if (!isWelcome(`${proof}${body}`)) {
        answerJson(response, { details: 'incorrect username or password' }, 401);
        return;
      }
      count += 1;
      goodTokens.add(`token-${count}`);
      answerJson(response, { token: `token-${count}`, ...answer });
    });
    return true;
  });
}

async function resolve(): Promise<unknown> {
  await using client = await bench.open();
  return await client.resolve().catch((error: unknown) => error);
}

const tokenUrl = '/token?service=r.example&scope=repository%3Ateam%2Fapp%3Apull';

describe('bearer tokens', () => {
  test('are asked for without credentials where there are none', async () => {
    wantToken();
    giveTokens({});
    expect(await resolve()).toMatchObject({ host: bench.upstream.host });
    expect(tokenRequests).toEqual([`GET ${tokenUrl}`]);
    expect(bench.upstream.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      'Bearer token-1',
    ]);
  });

  test('and all else use connections again', async () => {
    wantToken();
    giveTokens({});
    await using client = await bench.open();
    const { digest } = await client.resolve();
    await client.fetchManifest({ ...(await client.resolve()), digest, annotations: {} });
    expect(bench.upstream.asked).toHaveLength(4);
    // The pool may take a second one while the first is not quite free yet.
    expect(bench.upstream.connections).toBeLessThanOrEqual(2);
  });

  test('are asked for with user and password', async () => {
    wantToken();
    giveTokens({}, (proof) => proof === basic('me:hunter2'));
    bench.credentials = {
      pullAuth: pullAuthOf({ username: 'me', password: 'hunter2' }),
      files: [],
    };
    expect(await resolve()).toMatchObject({ host: bench.upstream.host });
    expect(tokenRequests).toEqual([`GET ${tokenUrl}&account=me ${basic('me:hunter2')}`]);
    const seen = bench.upstream.requests.map(({ headers }) => headers.authorization);
    expect(seen).toEqual([undefined, 'Bearer token-1']);
  });

  test('are asked for with an identity token by POST', async () => {
    wantToken();
    giveTokens({ token: undefined, access_token: 'token-1' });
    bench.credentials = { pullAuth: pullAuthOf({ identityToken: 'hunter2' }), files: [] };
    expect(await resolve()).toMatchObject({ host: bench.upstream.host });
    expect(tokenRequests).toEqual([
      'POST /token service=r.example&client_id=estiba&scope=repository%3Ateam%2Fapp%3Apull&grant_type=refresh_token&refresh_token=hunter2',
    ]);
  });

  test('are asked for by POST with a password where GET is not known', async () => {
    wantToken();
    tokenServer.intercepts.push((request, response) => {
      if (request.method === 'GET') {
        response.writeHead(405).end();
      }
      return request.method === 'GET';
    });
    giveTokens({});
    bench.credentials = {
      pullAuth: pullAuthOf({ username: 'me', password: 'hunter2' }),
      files: [],
    };
    expect(await resolve()).toMatchObject({ host: bench.upstream.host });
    expect(tokenRequests[0]).toContain('grant_type=password&username=me&password=hunter2');
  });

  test('that the pull brings are sent as they are, and nobody else is asked', async () => {
    wantToken();
    giveTokens({});
    goodTokens.add('mine');
    bench.credentials = { pullAuth: pullAuthOf({ registryToken: 'mine' }), files: [] };
    expect(await resolve()).toMatchObject({ host: bench.upstream.host });
    goodTokens.clear();
    expect(await resolve()).toMatchObject({ code: 'Unauthenticated', status: 401 });
    expect(tokenRequests).toEqual([]);
  });

  test('are kept for the next pull with the same credentials, for no other', async () => {
    wantToken();
    giveTokens({ expires_in: 300 });
    const as = async (username: string): Promise<unknown> => {
      bench.credentials = { pullAuth: pullAuthOf({ username, password: 'p' }), files: [] };
      return await resolve();
    };
    await as('one');
    await as('one');
    expect(tokenRequests).toHaveLength(1);
    await as('two');
    expect(tokenRequests).toHaveLength(2);
  });

  test.each([
    [300, 269_000, 1],
    [300, 291_000, 2],
    [undefined, 53_000, 1],
    [undefined, 55_000, 2],
  ])(
    'valid for %s s are asked for again after %i ms: %i times',
    async (expiresIn, after, times) => {
      let now = 0;
      bench.tokens = new TokenCache(() => now);
      wantToken();
      giveTokens({ expires_in: expiresIn });
      await using client = await bench.open();
      await client.resolve();
      now = after;
      await client.resolve();
      expect(tokenRequests).toHaveLength(times);
    },
  );

  test('that are refused are asked for again, once', async () => {
    wantToken();
    giveTokens({ expires_in: 300 });
    await using client = await bench.open();
    await client.resolve();
    goodTokens.clear();
    await client.resolve();
    expect(tokenRequests).toHaveLength(2);
    bench.upstream.intercepts.unshift((_request, response) => {
      answerError(response, 401, 'UNAUTHORIZED', 'never', {
        'www-authenticate': `Bearer realm="${tokenServer.url}/token",service="r.example"`,
      });
      return true;
    });
    await expect(client.resolve()).rejects.toMatchObject({ code: 'Unauthenticated' });
    expect(tokenRequests).toHaveLength(3);
  });

  test('for a repository that the challenge does not name are asked for by our own scope', async () => {
    wantToken('x="y"');
    giveTokens({});
    await resolve();
    expect(tokenRequests).toEqual([`GET ${tokenUrl}`]);
  });

  test('with several scopes are asked for with all of them', async () => {
    wantToken('scope="repository:team/app:pull repository:base:pull"');
    giveTokens({});
    await resolve();
    expect(tokenRequests).toEqual([`GET ${tokenUrl}&scope=repository%3Abase%3Apull`]);
  });

  test('are waited for no longer than the caller wants', async () => {
    wantToken();
    tokenServer.intercepts.push(() => true);
    const controller = new AbortController();
    const first = new AbortController();
    await using client = await bench.open();
    await using other = await bench.open();
    const asking = client.resolve(first.signal).catch((error: unknown) => error);
    const waiting = other.resolve(controller.signal).catch((error: unknown) => error);
    await expect
      .poll(() => [bench.upstream.asked.length, tokenServer.asked.length])
      .toEqual([2, 1]);
    controller.abort();
    expect(await waiting).toMatchObject({ code: 'Canceled' });
    first.abort();
    expect(await asking).toMatchObject({ code: 'Canceled' });
    expect(tokenServer.asked).toHaveLength(1);
  });

  test('of several pulls at once are asked for once', async () => {
    wantToken();
    giveTokens({ expires_in: 300 });
    await Promise.all([resolve(), resolve(), resolve()]);
    expect(tokenRequests).toHaveLength(1);
  });
});

describe('a token server that', () => {
  beforeEach(() => {
    bench.credentials = {
      pullAuth: pullAuthOf({ username: 'me', password: 'hunter2' }),
      files: [],
    };
  });

  test('refuses gives its words and the source of the credentials, not the password', async () => {
    wantToken();
    giveTokens({}, () => false);
    const error = await resolve();
    expect(error).toMatchObject({
      code: 'Unauthenticated',
      host: tokenServer.host,
      message: `cannot get a token for "repository:team/app:pull": "${tokenServer.host}" answered status 401 ("incorrect username or password"); credentials: AuthConfig of the pull (username)`,
    });
    expect(inspect(error, { depth: 10 })).not.toContain('hunter2');
  });

  test.each(['not json', '{}', '{"token": "a b"}', '{"token": "a\\r\\nx: y"}', '{"token": 5}'])(
    'answers %j holds no token',
    async (body) => {
      wantToken();
      tokenServer.intercepts.push((_request, response) => {
        response.end(body);
        return true;
      });
      expect(await resolve()).toMatchObject({
        message: expect.stringContaining(`the answer of "${tokenServer.host}" holds no token`),
      });
    },
  );

  test('is busy makes the pull wait', async () => {
    wantToken();
    let isBusy = true;
    tokenServer.intercepts.push((_request, response) => {
      if (isBusy) {
        response.writeHead(503, { 'retry-after': '1' }).end();
      }
      const wasBusy = isBusy;
      isBusy = false;
      return wasBusy;
    });
    giveTokens({});
    expect(await resolve()).toMatchObject({ host: bench.upstream.host });
    expect(bench.pauses).toEqual([1000]);
  });

  test.each(['file:///etc/passwd', 'http://['])('is %j is not asked', async (realm) => {
    bench.upstream.intercepts.push((_request, response) => {
      answerError(response, 401, 'X', 'y', { 'www-authenticate': `Bearer realm="${realm}"` });
      return true;
    });
    expect(await resolve()).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining('the token server that'),
    });
  });
});

describe('basic authentication', () => {
  function wantPassword(): void {
    bench.upstream.putImage('1', [layer]);
    bench.upstream.intercepts.push((request, response) => {
      if (request.headers.authorization === basic('me:hunter2')) {
        return false;
      }
      answerError(response, 401, 'UNAUTHORIZED', 'who?', {
        'www-authenticate': 'Negotiate, Basic realm="r, example"',
      });
      return true;
    });
  }

  test('is used when the registry wants it, from then on with each request', async () => {
    wantPassword();
    bench.credentials = {
      pullAuth: pullAuthOf({ username: 'me', password: 'hunter2' }),
      files: [],
    };
    await using client = await bench.open();
    await client.resolve();
    await client.resolve();
    expect(bench.upstream.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      basic('me:hunter2'),
      basic('me:hunter2'),
    ]);
  });

  test('with a wrong password fails at once, without telling it', async () => {
    wantPassword();
    bench.credentials = { pullAuth: pullAuthOf({ username: 'me', password: 'wr0ng' }), files: [] };
    const error = await resolve();
    expect(error).toMatchObject({ code: 'Unauthenticated', status: 401 });
    expect(bench.upstream.asked).toHaveLength(2);
    expect(inspect(error, { depth: 10 })).not.toContain('wr0ng');
  });

  test('without a password fails and says that there were no credentials', async () => {
    wantPassword();
    expect(await resolve()).toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringContaining('credentials: none: anonymous'),
    });
  });
});
