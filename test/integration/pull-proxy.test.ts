// The server's own environment: pulls through HTTPS_PROXY, not where NO_PROXY says so, trusting
// SSL_CERT_FILE. The proxy and the registry behind it are real.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { estiba } from '../lib/images.ts';
import { onBusybox, pushBuilt } from '../lib/pulls.ts';
import { TestServer } from '../lib/test-server.ts';
import { ConnectProxy } from '../registry/connect-proxy.ts';
import { hasDockerRegistry, type DockerRegistry } from '../registry/docker-registry.ts';
import { needDockerRegistry, RegistryGround } from '../registry/registry-ground.ts';

const password = 'proxy-password';
const image = onBusybox([[{ name: 'a', content: 'behind a proxy' }]]);

let ground: RegistryGround;
let registry: DockerRegistry;
let proxy: ConnectProxy;
let server: TestServer | undefined;

beforeAll(async () => {
  ground = await RegistryGround.make();
  if (!(await hasDockerRegistry())) {
    return;
  }
  await ground.push(async (url) => pushBuilt(url, 'team/app', '1', image));
  const { server: certificate, ca } = ground.certificates;
  registry = await ground.registry({ tls: certificate });
  const proof = `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
  const port = Number(registry.host.split(':')[1]);
  proxy = await ConnectProxy.start(port, (given) => given === proof);
  server = await TestServer.start({
    network: false,
    env: {
      HTTPS_PROXY: `http://me:${password}@${proxy.host}`,
      HTTP_PROXY: 'http://127.0.0.1:1',
      NO_PROXY: 'direct.test,127.0.0.0/8',
      SSL_CERT_FILE: ca.certificateFile,
    },
    config: { registry: [`hosts_dirs = ["${ground.directory}/hosts"]`] },
  });
});

afterAll(async () => {
  if (server !== undefined) {
    const left = await server.stop();
    await proxy[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    expect(left).toEqual([]);
  }
  await ground[Symbol.asyncDispose]();
});

beforeEach(needDockerRegistry);

function started(): TestServer {
  if (server === undefined) {
    throw new Error('there is no server');
  }
  return server;
}

const pull = async (name: string): Promise<string> =>
  (await started().client.image.pullImage({ image: { image: name } })).imageRef;

it('a pull goes through the proxy, which is shown its password', async () => {
  expect(await pull('registry.test/team/app:1')).toBe(image.id);
  expect(proxy.asked[0]).toMatch(/^registry\.test:443 Basic /u);
});

it('explain names the proxy, and nobody tells the password', async () => {
  const told = await estiba(started(), ['images', 'explain', 'registry.test/team/app:1']);
  expect(told.stdout).toContain(`proxy:        http://${proxy.host}`);
  expect(`${told.stdout}${started().log}`).not.toContain(password);
});

it('where NO_PROXY says so a pull does not', async () => {
  proxy.asked.length = 0;
  await expect(pull('direct.test/team/app:1')).rejects.toThrow(
    /RegistryUnavailable: .*no connection to "direct\.test": /u,
  );
  expect(proxy.asked).toEqual([]);
});

it('a registry on this machine is asked directly', async () => {
  proxy.asked.length = 0;
  expect(await pull(`${registry.host}/team/app:1`)).toBe(image.id);
  expect(proxy.asked).toEqual([]);
});
