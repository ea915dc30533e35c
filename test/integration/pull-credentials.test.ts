// What a pull proves itself with, through the socket: every field of AuthConfig, credential helpers, and
// that no secret leaves for anybody else or for the log. Debian's docker-registry, a token server.
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../lib/pods.ts';
import { hasEnded } from '../lib/processes.ts';
import { aroundPulls, noise, onBusybox, type PullGround } from '../lib/pulls.ts';
import { DockerRegistry, user } from '../registry/docker-registry.ts';
import { TokenServer } from '../registry/token-server.ts';

const identityToken = 'identity-token-of-me';

let ground: PullGround;
let tokens: TokenServer;
let registry: DockerRegistry;
let count = 0;
let repository = '';
let name = '';
let id = '';

aroundPulls({
  made: async (one) => {
    ground = one;
    const { server, ca } = ground.ground.certificates;
    tokens = await TokenServer.start({
      tls: server,
      signer: ca,
      users: { [user.username]: user.password },
      identityTokens: { [identityToken]: user.username },
    });
    registry = await ground.ground.registry({ tls: server, auth: tokens.auth });
  },
  beforeEach: async () => {
    await rm(ground.authFile, { force: true });
    const { ca } = ground.ground.certificates;
    const text = `server = "${registry.url}"\nca = "${ca.certificateFile}"\n`;
    await ground.writeHosts(registry.host, text);
    tokens.granted.length = 0;
    // A repository of its own for each test: tokens that are still good are not asked for again.
    count += 1;
    repository = `team/private${count}`;
    const image = onBusybox([[{ name: 'a', content: repository }]]);
    await ground.push(repository, '1', image);
    name = `${registry.host}/${repository}:1`;
    id = image.id;
  },
  ended: async () => {
    await tokens[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  },
});

const basic = Buffer.from(`${user.username}:${user.password}`).toString('base64');

/** A token as the token server gives it to the user. */
async function accessToken(): Promise<string> {
  const url = new URL(tokens.auth.realm);
  url.searchParams.set('service', tokens.auth.service);
  url.searchParams.set('scope', `repository:${repository}:pull`);
  const dispatcher = new Agent({ connect: { ca: ground.ground.certificates.ca.certificate } });
  const answer = await request(url, { dispatcher, headers: { authorization: `Basic ${basic}` } });
  const { token } = (await answer.body.json()) as { token: string };
  await dispatcher.close();
  return token;
}

describe('a field of AuthConfig', () => {
  it.each([
    ['username and password', { ...user }, 'GET'],
    ['auth', { auth: basic }, 'GET'],
    ['identity_token', { identityToken }, 'POST'],
    ['server_address beside a password, as https URL', 'https://', 'GET'],
    ['server_address beside a password, as host', '', 'GET'],
  ] as const)('is proof enough: %s', async (_, given, method) => {
    const auth =
      typeof given === 'string' ? { ...user, serverAddress: `${given}${registry.host}` } : given;
    expect(await ground.pull(name, { auth })).toBe(id);
    expect(tokens.granted).toEqual([`${method} ${user.username} repository:${repository}:pull`]);
  });

  it('is proof enough: registry_token, for which no token server is asked', async () => {
    const registryToken = await accessToken();
    tokens.granted.length = 0;
    expect(await ground.pull(name, { auth: { registryToken } })).toBe(id);
    expect(tokens.granted).toEqual([]);
    const forged = { registryToken: `${registryToken.slice(0, -4)}AAAA` };
    await expect(ground.pull(name, { auth: forged })).rejects.toThrow(/UNAUTHENTICATED.*401/u);
    expect(ground.server.log).not.toContain(registryToken.slice(-20));
  });

  it('server_address of another registry keeps the password from this one', async () => {
    const auth = { ...user, serverAddress: 'elsewhere.test' };
    await expect(ground.pull(name, { auth })).rejects.toThrow(/UNAUTHENTICATED.*anonymous/u);
    // Nobody, of whom the token server knows nothing, got a token that lets nobody in.
    expect(tokens.granted.every((grant) => grant.startsWith('GET anonymous '))).toBe(true);
  });

  it('that cannot be read is refused, and not told', async () => {
    const auth = { auth: Buffer.from('no-colon-secret').toString('base64') };
    const refused = ground.pull(name, { auth });
    await expect(refused).rejects.toThrow(/INVALID_ARGUMENT: .*"auth" of its AuthConfig/u);
    expect(ground.server.log).not.toContain(auth.auth);
  });
});

describe('an image that is there', () => {
  it('is not given to somebody without the right to it', async () => {
    expect(await ground.pull(name, { auth: user })).toBe(id);
    await expect(ground.pull(name)).rejects.toThrow(/UNAUTHENTICATED/u);
    const wrong = { ...user, password: 'not-the-password' };
    await expect(ground.pull(name, { auth: wrong })).rejects.toThrow(/UNAUTHENTICATED/u);
    expect(ground.server.log).not.toContain('not-the-password');
  });

  it('pulls with different credentials at once are not one pull', async () => {
    const outcomes = await Promise.allSettled([
      ground.pull(name, { auth: user }),
      ground.pull(name),
      ground.pull(name, { auth: user }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('a credential helper', () => {
  const helper = async (script: string): Promise<void> => {
    const path = join(ground.ground.directory, 'docker-credential-test');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    await writeFile(ground.authFile, JSON.stringify({ credHelpers: { [registry.host]: 'test' } }));
  };

  it('can have an identity token', async () => {
    const answer = JSON.stringify({ Username: '<token>', Secret: identityToken });
    await helper(`read -r host; [ "$1 $host" = "get ${registry.host}" ] && echo '${answer}'`);
    expect(await ground.pull(name)).toBe(id);
    expect(tokens.granted).toEqual([`POST ${user.username} repository:${repository}:pull`]);
  });

  it('that has nothing leaves the pull anonymous', async () => {
    await helper('echo "credentials not found in native keychain"; exit 1');
    await expect(ground.pull(name)).rejects.toThrow(/UNAUTHENTICATED.*anonymous/u);
  });

  it.each([
    ['fails', 'echo "the vault is sealed"; exit 7', /it ended with 7: the vault is sealed/u],
    ['talks nonsense', 'echo "{}"', /its answer is not \{Username, Secret\}/u],
    ['is killed', 'kill -9 $$', /it ended with (?:137|-?\d+)/u],
  ])('that %s fails the pull and is named', async (_, script, why) => {
    await helper(script);
    const failed = ground.pull(name);
    await expect(failed).rejects.toThrow(/FAILED_PRECONDITION: cannot get credentials for/u);
    await expect(failed).rejects.toThrow(/"docker-credential-test": /u);
    await expect(failed).rejects.toThrow(why);
  });

  it('that is not there is told with the places that were searched', async () => {
    await writeFile(ground.authFile, JSON.stringify({ credsStore: 'absent' }));
    await expect(ground.pull(name)).rejects.toThrow(
      `cannot run "docker-credential-absent": no such program in "${ground.ground.directory}"`,
    );
  });

  it('ends with the pull that asked for it', async () => {
    await helper('echo $$ >"$0.pid"; exec sleep 1000');
    const abort = new AbortController();
    const pulling = ground.pull(name, { signal: abort.signal });
    const path = join(ground.ground.directory, 'docker-credential-test.pid');
    const pid = await eventually(async () => {
      const told = Number.parseInt(await readFile(path, 'utf8'), 10);
      expect(told).toBeGreaterThan(0);
      return told;
    });
    expect(await hasEnded(pid)).toBe(false);
    abort.abort();
    await expect(pulling).rejects.toThrow(/CANCELLED/u);
    await eventually(async () => expect(await hasEnded(pid)).toBe(true));
  });
});

describe('a registry that sends its blobs elsewhere', () => {
  let elsewhere: Server;
  const heard: string[] = [];

  beforeAll(async () => {
    if (ground === undefined) {
      return;
    }
    elsewhere = createServer((asked, answer) => {
      heard.push(`${asked.headers.host} ${asked.headers.authorization ?? 'nothing'}`);
      const { host: _host, ...headers } = asked.headers;
      request(`${ground.registry.url}${asked.url}`, { headers }).then(
        async (found) => {
          answer.writeHead(found.statusCode, found.headers as Record<string, string>);
          answer.end(Buffer.from(await found.body.arrayBuffer()));
        },
        () => answer.destroy(),
      );
    });
    await new Promise<void>((resolve) => {
      elsewhere.listen(0, '127.0.0.1', resolve);
    });
  });

  afterAll(() => {
    elsewhere?.close();
  });

  it('gets the proof, and the other host gets none', async () => {
    const image = onBusybox([noise(100_000)]);
    await ground.push('team/app', 'redirected', image);
    const { port } = elsewhere.address() as AddressInfo;
    const seen: string[] = [];
    ground.proxy.plan = ({ path, authorization }) => {
      seen.push(authorization);
      if (authorization === '') {
        const headers = { 'www-authenticate': 'Basic realm="test"' };
        return { kind: 'status', status: 401, headers };
      }
      const location = `http://localhost:${port}${path}?X-Signature=signed-secret`;
      return path.includes('/blobs/')
        ? { kind: 'status', status: 307, headers: { location } }
        : undefined;
    };
    const auth = { username: 'someone', password: 'their-password' };
    const pulled = await ground.pull(`${ground.proxy.host}/team/app:redirected`, { auth });
    expect(pulled).toBe(image.id);
    expect(seen.filter((proof) => proof.startsWith('Basic ')).length).toBeGreaterThan(1);
    expect(heard.length).toBeGreaterThan(0);
    expect(new Set(heard)).toEqual(new Set([`localhost:${port} nothing`]));
    elsewhere.closeAllConnections();
    await new Promise((resolve) => {
      elsewhere.close(resolve);
    });
    await ground.clear();
    ground.proxy.plan = ({ path }) =>
      path.includes('/blobs/')
        ? {
            kind: 'status',
            status: 307,
            headers: { location: `http://localhost:${port}${path}?X-Signature=signed-secret` },
          }
        : undefined;
    const failed = ground.pull(`${ground.proxy.host}/team/app:redirected`, { auth });
    await expect(failed).rejects.toThrow(new RegExp(`no connection to "localhost:${port}"`, 'u'));
    await expect(failed).rejects.not.toThrow(/signed-secret/u);
    expect(ground.server.log).not.toMatch(/signed-secret|their-password/u);
  });
});
