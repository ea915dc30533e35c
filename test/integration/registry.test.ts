// The registry client against Debian's docker-registry: TLS, passwords, tokens, proxies, indexes.
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { explain } from '../../cri/registry/explain.ts';
import { pullAuthOf } from '../../cri/registry/credentials.ts';
import { resolveImage } from '../../cri/registry/resolve-image.ts';
import type { RemoteImage } from '../../cri/registry/resolve-image.ts';
import { ConnectProxy } from '../registry/connect-proxy.ts';
import { hasDockerRegistry, user } from '../registry/docker-registry.ts';
import type { DockerRegistry } from '../registry/docker-registry.ts';
import { pushImage, pushIndex } from '../registry/push.ts';
import type { Pushed } from '../registry/push.ts';
import { needDockerRegistry, RegistryGround } from '../registry/registry-ground.ts';
import type { ClientChoice } from '../registry/registry-ground.ts';
import { TokenServer } from '../registry/token-server.ts';

const amd64 = { os: 'linux', architecture: 'amd64', variants: ['', 'v1'] };
const layers = [randomBytes(1_500_000), randomBytes(20_000)];

let ground: RegistryGround;
let image: Pushed;
let index: Pushed;

beforeAll(async () => {
  ground = await RegistryGround.make();
  if (await hasDockerRegistry()) {
    await ground.push(async (url) => {
      image = await pushImage(url, 'team/app', '1', layers);
      const other = await pushImage(url, 'team/app', undefined, layers, { architecture: 's390x' });
      index = await pushIndex(url, 'team/app', 'many', [
        { ...other, architecture: 's390x' },
        { ...image, architecture: 'amd64' },
      ]);
      await pushImage(url, 'free/app', '1', layers);
    });
  }
});

afterAll(async () => {
  await ground[Symbol.asyncDispose]();
});

beforeEach(needDockerRegistry);

/** Fetches everything of an image as a pull would; returns it with its layers. */
async function pull(
  name: string,
  choice: ClientChoice,
): Promise<RemoteImage & { readonly blobs: readonly Buffer[] }> {
  await using client = await ground.client(name, choice);
  const remote = await resolveImage(client, await client.resolve(), amd64);
  const blobs: Buffer[] = [];
  for (const layer of remote.manifest.layers) {
    const chunks: Buffer[] = [];
    for await (const chunk of client.readBlob(layer)) {
      chunks.push(chunk);
    }
    blobs.push(Buffer.concat(chunks));
  }
  return { ...remote, blobs };
}

async function failure(name: string, choice: ClientChoice): Promise<unknown> {
  return await pull(name, choice).then(
    () => 'it was pulled',
    (error: unknown) => error,
  );
}

function expectWhole(pulled: { readonly blobs: readonly Buffer[] }): void {
  expect(pulled.blobs.map((blob, at) => layers[at]?.equals(blob))).toEqual([true, true]);
}

describe('a registry without TLS', () => {
  it('gives an image by tag, by digest and by index', async () => {
    await using registry = await ground.registry();
    const byTag = await pull(`${registry.host}/team/app:1`, {});
    expectWhole(byTag);
    expect(byTag.digest).toBe(image.digest);
    expectWhole(await pull(`${registry.host}/team/app@${image.digest}`, {}));
    const chosen = await pull(`${registry.host}/team/app:many`, {});
    expect(chosen.digest).toBe(index.digest);
    expect(chosen.manifestDigest).toBe(image.digest);
    expectWhole(chosen);
  });

  it('says what it does not have, in its own words', async () => {
    await using registry = await ground.registry();
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(await failure(`${registry.host}/team/app@${digest}`, {})).toMatchObject({
      code: 'NotFound',
      status: 404,
      registryCode: 'MANIFEST_UNKNOWN',
      reason: 'ErrImagePull',
    });
    expect(await failure(`${registry.host}/nobody/nothing:1`, {})).toMatchObject({ status: 404 });
  });

  it('serves as a mirror for a registry that is not there', async () => {
    await using registry = await ground.registry();
    const pulled = await pull('gone.test/team/app:1', {
      hosts: `server = "https://127.0.0.1:1"\n[host."${registry.url}"]`,
    });
    expectWhole(pulled);
  });
});

describe('a registry with TLS', () => {
  const served = async (certificate: 'server' | 'stranger' | 'expired'): Promise<DockerRegistry> =>
    await ground.registry({ tls: ground.certificates[certificate] });

  it('is trusted by the CA of its hosts file', async () => {
    await using registry = await served('server');
    const hosts = `server = "${registry.url}"\nca = "${ground.certificates.ca.certificateFile}"`;
    expectWhole(await pull('registry.test/team/app:1', { hosts }));
  });

  it('is trusted by the CAs of the machine', async () => {
    await using registry = await served('server');
    const environment = { SSL_CERT_FILE: ground.certificates.ca.certificateFile };
    const hosts = `server = "${registry.url}"`;
    expectWhole(await pull('registry.test/team/app:1', { hosts, environment }));
  });

  it('is not trusted otherwise, unless verification is off', async () => {
    await using registry = await served('server');
    const hosts = `server = "${registry.url}"`;
    expect(await failure('registry.test/team/app:1', { hosts })).toMatchObject({
      code: 'FailedPrecondition',
      reason: 'ErrImagePull',
      message: expect.stringContaining('its certificate comes from a CA that is not trusted'),
    });
    expectWhole(await pull('registry.test/team/app:1', { hosts: `${hosts}\nskip_verify = true` }));
  });

  it.each([
    ['stranger', 'its certificate is for another name'],
    ['expired', 'its certificate has expired'],
  ] as const)('with the wrong certificate (%s) is refused: %s', async (certificate, why) => {
    await using registry = await served(certificate);
    const hosts = `server = "${registry.url}"\nca = "${ground.certificates.ca.certificateFile}"`;
    expect(await failure('registry.test/team/app:1', { hosts })).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining(why),
    });
  });

  it('on loopback needs no CA', async () => {
    await using registry = await served('stranger');
    expectWhole(await pull(`${registry.host}/team/app:1`, {}));
  });

  it('can ask for a client certificate', async () => {
    const { ca, server, client } = ground.certificates;
    await using registry = await ground.registry({ tls: server, clientCa: ca.certificateFile });
    const hosts = `server = "${registry.url}"\nca = "${ca.certificateFile}"\n`;
    const pair = `client = [["${client.certificateFile}", "${client.keyFile}"]]`;
    expectWhole(await pull('registry.test/team/app:1', { hosts: `${hosts}${pair}` }));
    expect(await failure('registry.test/team/app:1', { hosts })).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining('it wants a (better) client certificate'),
    });
  });

  it('says which certificate file is broken', async () => {
    await using registry = await served('server');
    const { keyFile } = ground.certificates.ca;
    const hosts = `server = "${registry.url}"\nca = "${keyFile}x"`;
    expect(await failure('registry.test/team/app:1', { hosts })).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining(`cannot use CA "${keyFile}x"`),
    });
  });

  it('is reached through the proxy of the environment, but not where NO_PROXY says so', async () => {
    await using registry = await served('server');
    const port = Number(registry.host.split(':')[1]);
    const proof = `Basic ${Buffer.from('u:hunter2').toString('base64')}`;
    await using proxy = await ConnectProxy.start(port, (given) => given === proof);
    const environment = {
      SSL_CERT_FILE: ground.certificates.ca.certificateFile,
      HTTPS_PROXY: `http://u:hunter2@${proxy.host}`,
    };
    expectWhole(await pull('registry.test/team/app:1', { environment }));
    expect(proxy.asked[0]).toBe(`registry.test:443 ${proof}`);
    proxy.asked.length = 0;
    const direct = { ...environment, NO_PROXY: 'registry.test' };
    const error = await failure('registry.test/team/app:1', { environment: direct });
    expect(error).toMatchObject({ code: 'Unavailable', reason: 'RegistryUnavailable' });
    const wrong = { ...environment, HTTPS_PROXY: `http://u:wr0ng@${proxy.host}` };
    const refused = await failure('registry.test/team/app:1', { environment: wrong });
    expect(refused).toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining(
        `"registry.test" through the proxy "http://${proxy.host}": the proxy refused`,
      ),
    });
    expect(inspect(refused, { depth: 10 })).not.toContain('wr0ng');
    expect(proxy.asked).toHaveLength(1);
  });
});

describe('a registry with passwords', () => {
  it('lets the right one in, over TLS, and no other', async () => {
    const { ca, server } = ground.certificates;
    await using registry = await ground.registry({ tls: server, auth: 'password' });
    const hosts = `server = "${registry.url}"\nca = "${ca.certificateFile}"`;
    const given = (password: string): ClientChoice => ({
      hosts,
      credentials: { pullAuth: pullAuthOf({ ...user, password }), files: [] },
    });
    expectWhole(await pull('registry.test/team/app:1', given(user.password)));
    const wrong = await failure('registry.test/team/app:1', given('wr0ng'));
    expect(wrong).toMatchObject({ code: 'Unauthenticated', status: 401, reason: 'ErrImagePull' });
    expect(String(wrong)).toContain('credentials: AuthConfig of the pull (username)');
    expect(inspect(wrong, { depth: 10 })).not.toContain('wr0ng');
    expect(await failure('registry.test/team/app:1', { hosts })).toMatchObject({
      code: 'Unauthenticated',
      message: expect.stringContaining('credentials: none: anonymous'),
    });
  });
});

describe('a registry with a token server', () => {
  const started = async (): Promise<{ tokens: TokenServer; registry: DockerRegistry }> => {
    const { server, ca } = ground.certificates;
    const tokens = await TokenServer.start({
      tls: server,
      signer: ca,
      users: { me: 'hunter2' },
      identityTokens: { 'refresh-1': 'me' },
      publicRepositories: ['free/app'],
    });
    return { tokens, registry: await ground.registry({ tls: server, auth: tokens.auth }) };
  };
  const choice = (registry: DockerRegistry, fields: Parameters<typeof pullAuthOf>[0]) => ({
    hosts: `server = "${registry.url}"\nca = "${ground.certificates.ca.certificateFile}"`,
    credentials: { pullAuth: pullAuthOf(fields), files: [] },
  });

  it('takes passwords and identity tokens, and keeps tokens for the next pull', async () => {
    const { tokens, registry } = await started();
    await using _tokens = tokens;
    await using _registry = registry;
    const name = 'registry.test/team/app:1';
    expectWhole(await pull(name, choice(registry, user)));
    expectWhole(await pull(name, choice(registry, user)));
    expect(tokens.granted).toEqual(['GET me repository:team/app:pull']);
    expectWhole(await pull(name, choice(registry, { identityToken: 'refresh-1' })));
    expect(tokens.granted[1]).toBe('POST me repository:team/app:pull');
  });

  it('lets everybody at what is public, and nobody else at the rest', async () => {
    const { tokens, registry } = await started();
    await using _tokens = tokens;
    await using _registry = registry;
    expectWhole(await pull('registry.test/free/app:1', choice(registry, {})));
    const refused = await failure('registry.test/team/app:1', choice(registry, {}));
    expect(refused).toMatchObject({ code: 'Unauthenticated', status: 401 });
    const wrong = { ...user, password: 'wr0ng' };
    const error = await failure('registry.test/team/app:1', choice(registry, wrong));
    expect(error).toMatchObject({
      code: 'Unauthenticated',
      registryMessage: 'incorrect username or password',
    });
    expect(inspect(error, { depth: 10 })).not.toContain('wr0ng');
  });
});

describe('explain', () => {
  it('tells what each host of a pull would answer', async () => {
    const { ca, server } = ground.certificates;
    await using registry = await ground.registry({ tls: server, auth: 'password' });
    const hosts = `server = "${registry.url}"\nca = "${ca.certificateFile}"
[host."http://127.0.0.1:1"]`;
    const credentials = { pullAuth: pullAuthOf(user), files: [] };
    const options = await ground.options('registry.test', { hosts, credentials });
    const told = await explain('registry.test/team/app:1', { ...options, probe: true });
    expect(told.hosts).toMatchObject([
      {
        url: 'http://127.0.0.1:1/v2',
        credentials: { kind: 'none' },
        probe: { error: expect.stringContaining('connection refused') },
      },
      {
        url: `${registry.url}/v2`,
        trust: { isVerified: true, caFiles: [ca.certificateFile] },
        credentials: { kind: 'password', source: 'AuthConfig of the pull (username)' },
        probe: { error: '', digest: image.digest },
      },
    ]);
    expect(JSON.stringify(told)).not.toContain(user.password);
  });
});
