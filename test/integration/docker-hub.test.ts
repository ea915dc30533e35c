// One pull from the real Docker Hub, for machines that may reach it: run it without hack/private-host,
//   ESTIBA_TEST_DOCKER_HUB=1 npx vitest run --project integration test/integration/docker-hub.test.ts
import { expect, it } from 'vitest';
import { ProxyChoice } from '../../cri/registry/proxy.ts';
import { hostPlatform } from '../../cri/registry/platform.ts';
import { parseImageReference } from '../../cri/core/image-reference.ts';
import { RegistryClient } from '../../cri/registry/registry-client.ts';
import { resolveImage } from '../../cri/registry/resolve-image.ts';
import { TokenCache } from '../../cri/registry/tokens.ts';
import { SystemTrust } from '../../cri/registry/trust.ts';
import { skip } from '../lib/skip.ts';

it('pulls busybox from Docker Hub', async (context) => {
  if (process.env['ESTIBA_TEST_DOCKER_HUB'] !== '1') {
    skip(context, 'needs the internet: set ESTIBA_TEST_DOCKER_HUB=1');
  }
  await using client = await RegistryClient.open(parseImageReference('busybox'), {
    hostsDirs: [],
    credentials: { files: [] },
    network: {
      trust: new SystemTrust(),
      proxies: new ProxyChoice(process.env),
      userAgent: 'estiba-test/1',
    },
    tokens: new TokenCache(),
  });
  const image = await resolveImage(client, await client.resolve(), hostPlatform());
  expect(image.manifest.layers.length).toBeGreaterThan(0);
  for (const layer of image.manifest.layers) {
    let bytes = 0;
    for await (const chunk of client.readBlob(layer)) {
      bytes += chunk.length;
    }
    expect(bytes).toBe(layer.size);
  }
});
