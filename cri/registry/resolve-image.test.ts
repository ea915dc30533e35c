import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FakeDescriptor } from './fake-registry.ts';
import type { HostPlatform } from './platform.ts';
import { Bench } from './registry-bench.ts';
import { resolveImage } from './resolve-image.ts';
import type { RemoteImage } from './resolve-image.ts';

const ociIndex = 'application/vnd.oci.image.index.v1+json';
const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';
const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
const arm: HostPlatform = { os: 'linux', architecture: 'arm', variants: ['v7', '', 'v6', 'v5'] };
const amd64: HostPlatform = { os: 'linux', architecture: 'amd64', variants: ['', 'v1'] };

let bench: Bench;
const layer = Buffer.from('layer');

beforeEach(async () => {
  bench = await Bench.start();
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function pull(host: HostPlatform = amd64, name?: string): Promise<RemoteImage> {
  await using client = await bench.open(name);
  return await resolveImage(client, await client.resolve(), host);
}

async function failure(host: HostPlatform = amd64): Promise<unknown> {
  return await pull(host).then(
    () => 'it was resolved',
    (error: unknown) => error,
  );
}

function platform(architecture: string, variant = ''): object {
  return { platform: { os: 'linux', architecture, ...(variant && { variant }) } };
}

function putIndex(manifests: object[], mediaType: string = ociIndex): FakeDescriptor {
  return bench.upstream.putManifest({ schemaVersion: 2, mediaType, manifests }, mediaType, '1');
}

describe('an image', () => {
  test('without an index is what its manifest says', async () => {
    const manifest = bench.upstream.putImage('1', [layer]);
    const image = await pull();
    expect(image).toMatchObject({
      digest: manifest.digest,
      manifestDigest: manifest.digest,
      config: { architecture: 'amd64', os: 'linux' },
    });
    expect(image.manifest.layers).toHaveLength(1);
    expect(image.size).toBe(manifest.size + image.configBytes.length + layer.length);
  });

  test.each(['', '.gzip', '.zstd'])('in Docker’s form (layers%s) is read alike', async (end) => {
    const { layers, config } = await pullManifest();
    bench.upstream.putManifest(
      {
        schemaVersion: 2,
        mediaType: dockerManifest,
        config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' },
        layers: layers.map((each) => ({
          ...each,
          mediaType: `application/vnd.docker.image.rootfs.diff.tar${end}`,
        })),
      },
      dockerManifest,
      '1',
    );
    expect((await pull()).manifest.layers).toHaveLength(1);
  });

  test.each([ociIndex, dockerList])('is chosen from a %s by platform', async (mediaType) => {
    const other = bench.upstream.putImage(undefined, [layer], { architecture: 'arm64' });
    const wanted = bench.upstream.putImage(undefined, [layer]);
    const index = putIndex(
      [
        { ...other, ...platform('arm64') },
        { ...wanted, ...platform('amd64') },
      ],
      mediaType,
    );
    expect(await pull()).toMatchObject({
      digest: index.digest,
      manifestDigest: wanted.digest,
    });
  });

  test('is the best of several variants', async () => {
    const variants = ['v5', 'v7', 'v6'].map((variant) => ({
      ...bench.upstream.putImage(undefined, [layer], { architecture: 'arm', variant }),
      ...platform('arm', variant),
    }));
    putIndex(variants);
    expect((await pull(arm)).config.variant).toBe('v7');
    const v6: HostPlatform = { ...arm, variants: ['v6', '', 'v5'] };
    expect((await pull(v6)).config.variant).toBe('v6');
  });

  test('is found beside attestations, signatures and unknown kinds', async () => {
    const wanted = bench.upstream.putImage(undefined, [layer]);
    putIndex([
      {
        ...wanted,
        digest: `sha256:${'a'.repeat(64)}`,
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
      },
      { ...wanted, mediaType: 'application/vnd.example.other+json', ...platform('amd64') },
      { ...wanted, ...platform('amd64') },
    ]);
    expect((await pull()).manifestDigest).toBe(wanted.digest);
  });

  test('is found in an index within an index, but no deeper', async () => {
    const wanted = bench.upstream.putImage(undefined, [layer]);
    const nest = (inner: FakeDescriptor, tag?: string): FakeDescriptor =>
      bench.upstream.putManifest(
        { schemaVersion: 2, mediaType: ociIndex, manifests: [{ ...inner, ...platform('amd64') }] },
        ociIndex,
        tag,
      );
    const inner = nest(wanted);
    const middle = nest(inner);
    nest(inner, '1');
    expect((await pull()).manifestDigest).toBe(wanted.digest);
    nest(middle, '1');
    expect(await failure()).toMatchObject({
      message: expect.stringContaining('indexes are nested more than 2 deep'),
    });
  });

  test('may be without layers', async () => {
    const image = bench.upstream.putImage('1', []);
    const { manifestDigest, manifest } = await pull();
    expect(manifestDigest).toBe(image.digest);
    expect(manifest.layers).toEqual([]);
  });

  test('is taken by digest', async () => {
    const manifest = bench.upstream.putImage(undefined, [layer]);
    const image = await pull(amd64, `r.example/team/app@${manifest.digest}`);
    expect(image.digest).toBe(manifest.digest);
  });

  test('with labels as long as build tools write them is read all the same', async () => {
    const { layers } = await pullManifest();
    const labels = { 'io.example.metadata': 'x'.repeat(300_000) };
    const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
    const text = JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs,
      config: { Labels: labels },
    });
    const config = bench.upstream.putBlob(
      Buffer.from(text),
      'application/vnd.oci.image.config.v1+json',
    );
    const annotations = { note: 'y'.repeat(100_000) };
    bench.upstream.putManifest(
      { schemaVersion: 2, mediaType: ociManifest, config, layers, annotations },
      ociManifest,
      '1',
    );
    expect((await pull()).config.config.Labels).toEqual(labels);
  });

  test('with fields that nobody knows is read all the same', async () => {
    const { layers, config } = await pullManifest();
    bench.upstream.putManifest(
      {
        schemaVersion: 2,
        mediaType: ociManifest,
        config,
        layers,
        artifactType: 'application/x',
        subject: config,
        somethingNew: 1,
      },
      ociManifest,
      '1',
    );
    expect((await pull()).manifest.layers).toHaveLength(1);
  });
});

/** Config and layers of an image that is stored, to build other manifests of. */
async function pullManifest(): Promise<RemoteImage['manifest']> {
  const { digest } = bench.upstream.putImage(undefined, [layer]);
  return (await pull(amd64, `r.example/team/app@${digest}`)).manifest;
}

describe('refused by name:', () => {
  test.each([
    [
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      { schemaVersion: 1 },
      'Docker schema 1 (signed) ("application/vnd.docker.distribution.manifest.v1+prettyjws") is not supported',
    ],
    ['application/json', { schemaVersion: 1 }, 'Docker schema 1 ('],
    ['application/vnd.oci.artifact.manifest.v1+json', {}, 'an OCI artifact manifest ('],
    [
      'application/vnd.example+json',
      {},
      'the type "application/vnd.example+json" is not supported',
    ],
    ['application/json', { hello: 1 }, 'the answer is not a manifest'],
  ])('%s %j', async (mediaType, document, why) => {
    bench.upstream.putManifest(document, mediaType, '1');
    const error = await failure();
    expect(error).toMatchObject({ code: 'Unimplemented' });
    expect(String(error)).toContain(why);
  });

  test('an artifact with a config of its own', async () => {
    const { layers, config } = await pullManifest();
    const mediaType = 'application/vnd.cncf.helm.config.v1+json';
    bench.upstream.putManifest(
      { schemaVersion: 2, mediaType: ociManifest, config: { ...config, mediaType }, layers },
      ociManifest,
      '1',
    );
    expect(await failure()).toMatchObject({
      code: 'Unimplemented',
      message: expect.stringContaining(`the config type "${mediaType}" is not supported`),
    });
  });
});

describe('refused as broken:', () => {
  test.each([
    ['an index that calls itself a manifest', ociIndex, { mediaType: ociManifest, manifests: [] }],
    ['a manifest with manifests', ociManifest, { mediaType: ociManifest, manifests: [] }],
    ['an index with layers', ociIndex, { mediaType: ociIndex, manifests: [], layers: [] }],
    ['a manifest without layers', ociManifest, { config: {} }],
    ['what is no object', ociManifest, 5],
  ])('%s', async (_name, mediaType, document) => {
    const isObject = typeof document === 'object';
    bench.upstream.putManifest(
      isObject ? { schemaVersion: 2, ...document } : document,
      mediaType,
      '1',
    );
    expect(await failure()).toMatchObject({ code: 'InvalidArgument' });
  });

  test('an index without this platform, naming what it has', async () => {
    const other = bench.upstream.putImage(undefined, [layer], { architecture: 'arm64' });
    putIndex([{ ...other, ...platform('arm64', 'v8') }]);
    expect(await failure()).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining('no manifest for linux/amd64 (it has linux/arm64/v8)'),
    });
  });

  test('an image for another platform', async () => {
    bench.upstream.putImage('1', [layer], { architecture: 's390x' });
    expect(await failure()).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining('it is for linux/s390x, this host is linux/amd64'),
    });
  });

  test('a config with other layers than the manifest', async () => {
    bench.upstream.putImage('1', [layer], { rootfs: { type: 'layers', diff_ids: [] } });
    expect(await failure()).toMatchObject({
      message: expect.stringContaining('its config has 0 diff ids for 1 layers'),
    });
  });

  test('a manifest whose size is not the index’s', async () => {
    const wanted = bench.upstream.putImage(undefined, [layer]);
    putIndex([{ ...wanted, size: wanted.size + 1, ...platform('amd64') }]);
    expect(await failure()).toMatchObject({
      message: expect.stringContaining(
        `sent ${wanted.size} bytes, promised were ${wanted.size + 1}`,
      ),
    });
  });

  test('a config that is too large, without fetching it', async () => {
    const { layers, config } = await pullManifest();
    bench.upstream.putManifest(
      { schemaVersion: 2, config: { ...config, size: 5_000_000 }, layers },
      ociManifest,
      '1',
    );
    expect(await failure()).toMatchObject({ code: 'ResourceExhausted' });
  });
});
