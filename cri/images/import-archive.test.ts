import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  buildImage,
  dockerContent,
  ociContent,
  packArchive,
  sha256,
  writeLayout,
} from '../../hack/images/build-image.ts';
import type { ArchiveContent, BuiltImage, ImageInput } from '../../hack/images/build-image.ts';
import { FakeLauncher } from './fake-launcher.ts';
import { ImageStore } from './image-store.ts';

let root: string;
let launcher: FakeLauncher;
let store: ImageStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'estiba-images-'));
  launcher = new FakeLauncher();
  const onProblem = (error: unknown): void => {
    throw error;
  };
  store = new ImageStore({ stateDir: join(root, 'state'), launcher, onProblem });
  await store.load();
});

afterEach(async () => {
  await store.settle();
  await rm(root, { recursive: true });
});

const input: ImageInput = {
  layers: [[{ name: 'a', content: 'base' }], [{ name: 'b', content: 'top' }]],
  tags: ['localhost/t:1'],
  config: { User: '1003:1004', Cmd: ['sh'] },
};

async function archive(content: ArchiveContent | Buffer): Promise<string> {
  const path = join(root, 'image.tar');
  await writeFile(path, Buffer.isBuffer(content) ? content : packArchive(content));
  return path;
}

async function importContent(content: ArchiveContent | Buffer): Promise<BuiltImage['id'][]> {
  const imported = await store.importArchive(await archive(content));
  return imported.map(({ image }) => image.id);
}

/** What an import that failed may leave: directories, no layer, no image. */
async function expectNothingLeft(): Promise<void> {
  await store.settle();
  expect(store.list()).toEqual([]);
  expect(await readdir(join(root, 'state/layers'))).toEqual(['.staging']);
  expect(await readdir(join(root, 'state/layers/.staging'))).toEqual([]);
  expect(await readdir(join(root, 'state/images'))).toEqual(['blobs']);
  expect(await readdir(join(root, 'state/images/blobs'))).toEqual([]);
  expect(await readdir(join(root, 'state/ingest'))).toEqual([]);
}

function changed(content: ArchiveContent, name: string, value: unknown): ArchiveContent {
  return new Map(content).set(name, Buffer.from(JSON.stringify(value)));
}

function indexOf(image: BuiltImage, descriptor: object): object {
  const { length } = image.manifest;
  const base = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: image.manifestDigest,
    size: length,
  };
  return { schemaVersion: 2, manifests: [{ ...base, ...descriptor }] };
}

describe('an OCI archive', () => {
  test.each(['none', 'gzip', 'zstd'] as const)(
    'is imported with %s layers',
    async (compression) => {
      const built = buildImage({ ...input, compression });
      expect(await importContent(ociContent([built]))).toEqual([built.id]);
      const image = store.resolve('localhost/t:1');
      const blobs = built.layers.reduce((sum, layer) => sum + layer.blob.length, 0);
      expect(image).toMatchObject({
        id: built.id,
        repoTags: ['localhost/t:1'],
        repoDigests: [`localhost/t@${built.manifestDigest}`],
        size: blobs + built.config.length + built.manifest.length,
      });
      expect(image?.config.config).toMatchObject({ User: '1003:1004', Cmd: ['sh'], Env: [] });
    },
  );

  test('of an image without layers is imported, with an empty one, and is there after a restart', async () => {
    const built = buildImage({ ...input, layers: [] });
    expect(await importContent(ociContent([built]))).toEqual([built.id]);
    const again = new ImageStore({
      stateDir: join(root, 'state'),
      launcher,
      onProblem: (error) => {
        throw error;
      },
    });
    await again.load();
    for (const each of [store, again]) {
      const image = each.resolve('localhost/t:1');
      expect(image?.size).toBe(built.config.length + built.manifest.length);
      expect(each.acquire('container', image?.id ?? '')).toHaveLength(1);
    }
    const twin = buildImage({
      ...input,
      layers: [],
      tags: ['localhost/t:2'],
      config: { Cmd: ['b'] },
    });
    await importContent(ociContent([twin]));
    expect(launcher.layerUnpacks).toHaveLength(1);
  });

  test('hands layers on as slices of the archive, with both digests', async () => {
    const built = buildImage(input);
    const path = await archive(ociContent([built]));
    await store.importArchive(path);
    expect(launcher.unpacks).toMatchObject(
      built.layers.map((layer) => ({
        sourcePath: path,
        length: layer.blob.length,
        expectedDigest: layer.digest,
        expectedDiffId: layer.diffId,
      })),
    );
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('may be compressed as a whole by %s; the spooled copy goes', async (_kind, compress) => {
    const built = buildImage(input);
    const ids = await importContent(compress(packArchive(ociContent([built]))));
    expect(ids).toEqual([built.id]);
    expect(await readdir(store.ingestDir)).toEqual([]);
  });

  test('may be a directory', async () => {
    const built = buildImage(input);
    await writeLayout(join(root, 'layout'), ociContent([built]));
    const [imported] = await store.importArchive(join(root, 'layout'));
    expect(imported?.image.id).toBe(built.id);
  });

  test('may hold several images', async () => {
    const a = buildImage(input);
    const b = buildImage({ ...input, tags: ['localhost/u:2'], config: {} });
    expect(await importContent(ociContent([a, b]))).toEqual([a.id, b.id]);
    expect(launcher.unpacks).toHaveLength(2);
  });

  test('gives an image all names that stand in it', async () => {
    const built = buildImage({ ...input, tags: ['a.io/x:1', 'b.io/y:2'] });
    await importContent(ociContent([built]));
    expect(store.list()).toMatchObject([
      {
        repoTags: ['a.io/x:1', 'b.io/y:2'],
        repoDigests: [`a.io/x@${built.manifestDigest}`, `b.io/y@${built.manifestDigest}`],
      },
    ]);
  });

  test('chooses the manifest for this host from a nested index', async () => {
    const mine = buildImage({ ...input, platform: { os: 'linux', architecture: 'riscv64' } });
    const other = buildImage({
      ...input,
      config: {},
      platform: { os: 'linux', architecture: 's390x' },
    });
    const content = ociContent([other, mine]);
    const outer = JSON.parse(String(content.get('index.json'))) as { manifests: object[] };
    const attestation = {
      ...outer.manifests[0],
      platform: { os: 'unknown', architecture: 'unknown' },
    };
    const inner = Buffer.from(
      JSON.stringify({ schemaVersion: 2, manifests: [attestation, ...outer.manifests] }),
    );
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const annotations = { 'org.opencontainers.image.ref.name': 'example.com/m:3' };
    const descriptor = { mediaType, digest: sha256(inner), size: inner.length, annotations };
    const nested = changed(content, 'index.json', { schemaVersion: 2, manifests: [descriptor] });
    nested.set(`blobs/${sha256(inner).replace(':', '/')}`, inner);
    const host = { os: 'linux', architecture: 'riscv64', variants: [''] };
    const onProblem = (): void => undefined;
    const there = new ImageStore({ stateDir: join(root, 'there'), launcher, host, onProblem });
    await there.load();
    const [imported] = await there.importArchive(await archive(nested));
    expect(imported?.image).toMatchObject({
      id: mine.id,
      repoTags: ['example.com/m:3'],
      repoDigests: [`example.com/m@${sha256(inner)}`],
    });
  });

  test('with a bare tag is named after the base name', async () => {
    const built = buildImage({ ...input, tags: [] });
    const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
    const content = changed(ociContent([built]), 'index.json', indexOf(built, { annotations }));
    const path = await archive(content);
    await store.importArchive(path);
    expect(store.list()[0]?.repoTags).toEqual([]);
    await store.importArchive(path, { baseName: 'busybox', tags: ['extra.io/z'] });
    expect(store.list()[0]?.repoTags).toEqual([
      'docker.io/library/busybox:latest',
      'extra.io/z:latest',
    ]);
  });
});

describe('a docker archive', () => {
  test('is imported by its config digest, layers checked by diff id alone', async () => {
    const built = buildImage({ ...input, tags: ['busybox:1'] });
    expect(await importContent(dockerContent([built]))).toEqual([built.id]);
    expect(store.list()).toMatchObject([
      { repoTags: ['docker.io/library/busybox:1'], repoDigests: [] },
    ]);
    expect(launcher.unpacks.map((job) => job.expectedDigest)).toEqual(['', '']);
  });

  test('follows layers that are links to those of another image', async () => {
    const a = buildImage(input);
    const b = buildImage({
      ...input,
      tags: ['localhost/u:1'],
      layers: [...input.layers].reverse(),
    });
    const content = dockerContent([a, b]);
    expect([...content.values()].filter((value) => typeof value === 'string')).toHaveLength(2);
    expect(await importContent(content)).toEqual([a.id, b.id]);
  });

  test('refuses a layer link that leads outside or in circles', async () => {
    const content = dockerContent([buildImage(input)]);
    const layer = [...content.keys()].find((name) => name.endsWith('layer.tar')) ?? '';
    for (const target of ['../../etc/passwd', '/etc/passwd', 'layer.tar']) {
      await expect(importContent(new Map(content).set(layer, target))).rejects.toThrow(
        /links outside of it or in circles/,
      );
    }
    await expectNothingLeft();
  });
});

describe('an import is refused, leaving nothing, when', () => {
  const built = buildImage(input);
  const content = ociContent([built]);
  const layerName = `blobs/${built.layers[1]?.digest.replace(':', '/') ?? ''}`;
  const configName = `blobs/${built.id.replace(':', '/')}`;
  const manifestName = `blobs/${built.manifestDigest.replace(':', '/')}`;
  const manifest = JSON.parse(String(built.manifest)) as Record<string, object>;

  function withManifest(value: unknown, mediaType?: string): ArchiveContent {
    const bytes = Buffer.from(JSON.stringify(value));
    const fake = { ...built, manifest: bytes, manifestDigest: sha256(bytes) };
    const index = indexOf(fake, mediaType === undefined ? {} : { mediaType });
    return changed(content, 'index.json', index).set(
      `blobs/${sha256(bytes).replace(':', '/')}`,
      bytes,
    );
  }

  test.each<[string, () => ArchiveContent, RegExp]>([
    ['a layer is missing', () => without(content, layerName), /it has no file "blobs\/sha256\//],
    ['the config is missing', () => without(content, configName), /it has no file/],
    ['a config byte is changed', () => damaged(content, configName), /has digest sha256:/],
    ['a manifest byte is changed', () => damaged(content, manifestName), /has digest sha256:/],
    ['a layer byte is changed', () => damaged(content, layerName), /cannot unpack layer: digest/],
    [
      'it is neither OCI nor docker',
      () => new Map([['x', Buffer.from('y')]]),
      /neither index.json/,
    ],
    [
      'the manifest is an index too',
      () => withManifest({ ...manifest, manifests: [] }),
      /no field "manifests"/,
    ],
    [
      'the mediaType lies',
      () => withManifest({ ...manifest, mediaType: 'x/y' }),
      /mediaType is "x\/y"/,
    ],
    [
      'the manifest is schema 1',
      () => withManifest(manifest, 'application/vnd.docker.distribution.manifest.v1+json'),
      /manifest.v1\+json" is not supported/,
    ],
    [
      'it is an artifact',
      () =>
        withManifest({
          ...manifest,
          config: { ...manifest['config'], mediaType: 'application/vnd.cncf.helm.config.v1+json' },
        }),
      /helm.config.v1\+json" is not supported/,
    ],
    [
      'a layer is missing from the manifest',
      () => withManifest({ ...manifest, layers: [] }),
      /0 layers, its config names 2/,
    ],
    [
      'the layout is of another version',
      () => changed(content, 'oci-layout', { imageLayoutVersion: '2.0.0' }),
      /"2.0.0" is not supported/,
    ],
    [
      'it is for another platform',
      () => ociContent([buildImage({ ...input, platform: { os: 'linux', architecture: 'mips' } })]),
      /linux\/mips/,
    ],
  ])('%s', async (_when, make, message) => {
    await expect(importContent(make())).rejects.toThrow(message);
    await expectNothingLeft();
  });

  test('the layer directory links out of the layout', async () => {
    const layout = join(root, 'layout');
    await writeLayout(layout, without(content, layerName));
    await symlink('/etc/passwd', join(layout, layerName));
    await expect(store.importArchive(layout)).rejects.toThrow(/leads outside of it/);
    await expectNothingLeft();
  });

  test('there is no such file, or something that is no file', async () => {
    await expect(store.importArchive(join(root, 'none'))).rejects.toMatchObject({
      code: 'NotFound',
    });
    await expect(store.importArchive('/dev/null')).rejects.toThrow(/not a regular file/);
    await mkdir(join(root, 'empty'));
    await expect(store.importArchive(join(root, 'empty'))).rejects.toThrow(/neither index.json/);
  });

  test('the uncompressed archive is larger than allowed', async () => {
    const small = new ImageStore({
      stateDir: join(root, 'state'),
      launcher,
      maxSpoolBytes: 1000,
      onProblem: () => undefined,
    });
    const path = await archive(gzipSync(Buffer.alloc(100_000)));
    await expect(small.importArchive(path)).rejects.toMatchObject({ code: 'ResourceExhausted' });
    await expectNothingLeft();
  });

  test('there is no place for the uncompressed copy, which is named', async () => {
    const ingest = join(root, 'state/ingest');
    await rm(ingest, { recursive: true, force: true });
    await writeFile(ingest, '');
    await expect(importContent(gzipSync(packArchive(content)))).rejects.toMatchObject({
      code: 'Internal',
      message: expect.stringContaining(`image.tar" (gzip) into "${ingest}/`),
    });
  });

  test('the whole is cut short', async () => {
    const zipped = gzipSync(packArchive(content));
    await expect(importContent(zipped.subarray(0, zipped.length / 2))).rejects.toMatchObject({
      code: 'InvalidArgument',
    });
    await expectNothingLeft();
  });
});

function without(content: ArchiveContent, name: string): ArchiveContent {
  const copy = new Map(content);
  copy.delete(name);
  return copy;
}

function damaged(content: ArchiveContent, name: string): ArchiveContent {
  const bytes = Buffer.from(content.get(name) ?? '');
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  return new Map(content).set(name, bytes);
}
