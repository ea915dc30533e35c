// The pulling half over real HTTP: a registry in memory, a launcher that checks digests.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeRegistry } from '../../registry/fake-registry.ts';
import { FakeLauncher } from '../fake-launcher.ts';
import { ImageStore } from '../image-store.ts';
import { ImagePuller } from './image-puller.ts';
import type { PullFailure, PullObserver, PullStatus } from './image-puller.ts';
import { localBackend } from './local-backend.ts';

let root: string;
let registry: FakeRegistry;
let launcher: FakeLauncher;
let images: ImageStore;
let puller: ImagePuller;
let observed: CountingObserver;

class CountingObserver implements PullObserver {
  readonly ends: (PullFailure | undefined)[] = [];
  bytes = 0;

  begin() {
    return (failure: PullFailure | undefined): void => {
      this.ends.push(failure);
    };
  }

  fetched(bytes: number): void {
    this.bytes += bytes;
  }
}

function newPuller(maxConcurrentDownloads = 3): ImagePuller {
  const backend = localBackend(images.ingestDir, launcher);
  return new ImagePuller({ images, backend, maxConcurrentDownloads, observer: observed });
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'estiba-pull-'));
  registry = await FakeRegistry.start();
  launcher = new FakeLauncher();
  observed = new CountingObserver();
  const onProblem = (error: unknown): void => {
    throw error;
  };
  const host = { os: 'linux', architecture: 'amd64', variants: [''] };
  images = new ImageStore({ stateDir: join(root, 'state'), launcher, onProblem, host });
  await images.load();
  puller = newPuller();
});

afterEach(async () => {
  await images.settle();
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function nameOf(tag: string): string {
  return `${registry.host}/team/app:${tag}`;
}

/** GETs of blobs by digest. */
function fetched(): string[] {
  return registry.asked.flatMap((line) => /^GET \S+\/blobs\/(\S+)$/u.exec(line)?.[1] ?? []);
}

async function partials(): Promise<string[]> {
  return (await readdir(images.ingestDir)).filter((name) => name.endsWith('.partial'));
}

function layer(size = 100_000): Buffer {
  return randomBytes(size);
}

describe('a pull', () => {
  test('stores the image under its names and tells every layer', async () => {
    const layers = [layer(), layer()];
    const { digest } = registry.putImage('1', layers);
    const told: PullStatus[] = [];
    const { image, ...counts } = await puller.pull(nameOf('1'), {
      onStatus: (status) => told.push(status),
    });
    expect(counts).toEqual({ layersPresent: 0, layersUnpacked: 2 });
    expect(image.repoTags).toEqual([nameOf('1')]);
    expect(image.repoDigests).toEqual([`${registry.host}/team/app@${digest}`]);
    expect(images.resolve(nameOf('1'))).toBe(image);
    expect(told[0]).toEqual({ reference: nameOf('1'), digest: '', host: '', layers: [] });
    expect(told.at(-1)).toEqual({
      reference: nameOf('1'),
      digest,
      host: registry.host,
      layers: layers.map((bytes) => ({
        digest: digestOf(bytes),
        size: bytes.length,
        state: 'done',
        receivedBytes: bytes.length,
        fetchedBytes: bytes.length,
        unpackedBytes: bytes.length,
      })),
    });
    expect(observed).toMatchObject({ ends: [undefined], bytes: 200_000 });
    expect(await partials()).toEqual([]);
  });

  test('takes an image without layers, and gives it an empty one', async () => {
    registry.putImage('1', []);
    const { image, ...counts } = await puller.pull(nameOf('1'));
    expect(counts).toEqual({ layersPresent: 0, layersUnpacked: 0 });
    expect(image).toMatchObject({ layers: [{ kind: 'diff', id: image.chainId }] });
  });

  test('makes everything durable once, before the record', async () => {
    registry.putImage('1', [layer(), layer(), layer()]);
    await puller.pull(nameOf('1'));
    expect(launcher.unpacks.map(({ sync }) => sync ?? false)).toEqual([false, false, false, true]);
  });

  test('chooses the manifest of this platform and keeps the digest of the index', async () => {
    const other = registry.putImage(undefined, [layer()], { architecture: 'arm64' });
    const own = registry.putImage(undefined, [layer()]);
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const manifests = [
      { ...other, platform: { os: 'linux', architecture: 'arm64' } },
      { ...own, platform: { os: 'linux', architecture: 'amd64' } },
    ];
    const { digest } = registry.putManifest(
      { schemaVersion: 2, mediaType, manifests },
      mediaType,
      'i',
    );
    const { image } = await puller.pull(nameOf('i'));
    expect(image.repoDigests).toEqual([`${registry.host}/team/app@${digest}`]);
    expect(image.config.architecture).toBe('amd64');
  });

  test('of known content only tags it', async () => {
    const bytes = [layer()];
    const { digest } = registry.putImage('1', bytes);
    registry.putImage('2', bytes);
    const first = await puller.pull(`${registry.host}/team/app@${digest}`);
    expect(first.image.repoTags).toEqual([]);
    registry.asked.length = 0;
    const second = await puller.pull(nameOf('2'));
    expect(second).toMatchObject({ layersPresent: 1, layersUnpacked: 0 });
    expect(second.image.id).toBe(first.image.id);
    expect(second.image.repoTags).toEqual([nameOf('2')]);
    expect(registry.asked).toEqual(['HEAD /v2/team/app/manifests/2']);
  });

  test('takes layers from more than one at a time, but not from more than allowed', async () => {
    puller = newPuller(2);
    const { promise, resolve } = Promise.withResolvers<void>();
    launcher.gate = promise;
    registry.putImage('1', [layer(), layer(), layer(), layer()]);
    const pulling = puller.pull(nameOf('1'));
    while (launcher.unpacks.length < 2) {
      await new Promise((next) => setImmediate(next));
    }
    expect(launcher.unpacks.length).toBe(2);
    resolve();
    await pulling;
    expect(launcher.layerUnpacks.length).toBe(4);
  });

  test('unpacks on the layers below without fetching again', async () => {
    const layers = [layer(), layer(), layer()];
    launcher.needParents.add(digestOf(layers[1] ?? Buffer.alloc(0)));
    launcher.needFiles.add(digestOf(layers[2] ?? Buffer.alloc(0)));
    registry.putImage('1', layers);
    const { image } = await puller.pull(nameOf('1'));
    expect(image.layers.map(({ kind }) => kind)).toEqual(['diff', 'chain', 'chain']);
    const parents = launcher.layerUnpacks.map(({ parentDirs }) => parentDirs?.length ?? 0);
    expect(parents.sort((a, b) => a - b)).toEqual([0, 0, 0, 1, 2]);
    expect(layers.map(digestOf).sort()).toEqual(
      fetched()
        .filter((digest) => layers.map(digestOf).includes(digest))
        .sort(),
    );
    expect(await partials()).toEqual([]);
  });

  test('of an image with the same layer twice fetches it once', async () => {
    const twice = layer();
    registry.putImage('1', [twice, layer(), twice]);
    const { image } = await puller.pull(nameOf('1'));
    expect(image.layers[0]).toEqual(image.layers[2]);
    expect(fetched().filter((digest) => digest === digestOf(twice))).toEqual([digestOf(twice)]);
  });

  test('checks the digests that the unpacker does not know', async () => {
    const tar = layer();
    const blob = gzipSync(tar);
    const digest = `sha512:${createHash('sha512').update(blob).digest('hex')}`;
    registry.intercepts.push((request, response) => {
      const isIt = request.url?.endsWith(digest) ?? false;
      if (isIt) {
        response.writeHead(200, { 'content-length': blob.length }).end(blob);
      }
      return isIt;
    });
    const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers' } };
    const rootfs = { ...config.rootfs, diff_ids: [digestOf(tar)] };
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config: registry.putBlob(
        Buffer.from(JSON.stringify({ ...config, rootfs })),
        'application/vnd.oci.image.config.v1+json',
      ),
      layers: [{ mediaType: layerType, digest, size: blob.length }],
    };
    registry.putManifest(manifest, mediaType, '1');
    await puller.pull(nameOf('1'));
    expect(launcher.layerUnpacks[0]?.expectedDigest).toBe('');
    const lie = {
      ...manifest,
      layers: [{ ...manifest.layers[0], digest: digest.replace(/.$/u, 'x') }],
    };
    registry.putManifest(lie, mediaType, '2');
    await expect(puller.pull(nameOf('2'))).rejects.toThrow(/digest/u);
  });
});

describe('bytes of an earlier pull', () => {
  const partialOf = (bytes: Buffer): string =>
    join(images.ingestDir, `${digestOf(bytes).replace(':', '-')}.partial`);

  test('are not fetched again', async () => {
    const bytes = layer();
    registry.putImage('1', [bytes]);
    await writeFile(partialOf(bytes), bytes.subarray(0, 60_000));
    await puller.pull(nameOf('1'));
    expect(observed.bytes).toBe(40_000);
    const ranges = registry.requests.map(({ headers }) => headers.range).filter(Boolean);
    expect(ranges).toEqual(['bytes=60000-']);
    expect(await partials()).toEqual([]);
  });

  test('that are wrong are thrown away and everything is fetched once more', async () => {
    const bytes = layer();
    registry.putImage('1', [bytes]);
    await writeFile(partialOf(bytes), Buffer.alloc(60_000));
    await expect(puller.pull(nameOf('1'))).resolves.toMatchObject({ layersUnpacked: 1 });
    expect(observed.bytes).toBe(140_000);
    expect(await partials()).toEqual([]);
  });

  test('that are longer than the blob are not used', async () => {
    const bytes = layer();
    registry.putImage('1', [bytes]);
    await writeFile(partialOf(bytes), Buffer.alloc(200_000));
    await puller.pull(nameOf('1'));
    expect(observed.bytes).toBe(100_000);
  });

  test('stay when a pull is canceled, and go with wrong content', async () => {
    const bytes = layer(1_000_000);
    registry.putImage('1', [bytes]);
    const abort = new AbortController();
    registry.intercepts.push((request, response) => {
      const isLayer = request.url?.endsWith(digestOf(bytes)) ?? false;
      if (isLayer) {
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 500_000), () => setTimeout(() => abort.abort(), 50));
      }
      return isLayer;
    });
    const pulling = puller.pull(nameOf('1'), { signal: abort.signal });
    await expect(pulling).rejects.toMatchObject({ code: 'Canceled' });
    expect((await partials()).length).toBe(1);
    expect(images.list()).toEqual([]);
    expect(observed.ends).toEqual(['Canceled']);
    registry.intercepts.length = 0;
    registry.intercepts.push((request, response) => {
      const isLayer = request.url?.endsWith(digestOf(bytes)) ?? false;
      if (isLayer) {
        const body = Buffer.alloc(request.headers.range === undefined ? 1_000_000 : 500_000);
        response.writeHead(request.headers.range === undefined ? 200 : 206, {
          'content-length': body.length,
          'content-range': 'bytes 500000-999999/1000000',
        });
        response.end(body);
      }
      return isLayer;
    });
    await expect(puller.pull(nameOf('1'))).rejects.toMatchObject({
      code: 'InvalidArgument',
      message: expect.stringMatching(/digest .*\(in what the registry sent\)/u),
    });
    expect(await partials()).toEqual([]);
  });
});

describe('pulls at the same time', () => {
  test('of the same words are one; with other credentials they are not', async () => {
    registry.putImage('1', [layer()]);
    const none = { auth: '', serverAddress: '', identityToken: '', registryToken: '' };
    const auth = { username: 'me', password: 'pw', ...none };
    await Promise.all([puller.pull(nameOf('1')), puller.pull(nameOf('1'))]);
    expect(observed.ends.length).toBe(1);
    await Promise.all([puller.pull(nameOf('1')), puller.pull(nameOf('1'), { auth })]);
    expect(observed.ends.length).toBe(3);
  });

  test('share layers, also when the one that fetches is given up', async () => {
    const shared = layer(1_000_000);
    registry.putImage('1', [shared]);
    registry.putImage('2', [shared, layer()]);
    const { promise, resolve } = Promise.withResolvers<void>();
    launcher.gate = promise;
    const abort = new AbortController();
    const first = puller.pull(nameOf('1'), { signal: abort.signal });
    while (launcher.unpacks.length === 0) {
      await new Promise((next) => setImmediate(next));
    }
    const second = puller.pull(nameOf('2'));
    while (launcher.unpacks.length < 2) {
      await new Promise((next) => setImmediate(next));
    }
    abort.abort();
    resolve();
    await expect(first).rejects.toMatchObject({ code: 'Canceled' });
    await expect(second).resolves.toMatchObject({ layersUnpacked: 2 });
    expect(fetched().filter((digest) => digest === digestOf(shared)).length).toBe(1);
  });
});

describe('a pull that fails', () => {
  test('ends its other layers and leaves no image and no layer', async () => {
    const bad = layer();
    registry.putImage('1', [layer(), bad, layer()]);
    registry.intercepts.push((request, response) => {
      const isBad = request.url?.endsWith(digestOf(bad)) ?? false;
      if (isBad) {
        response.writeHead(404).end();
      }
      return isBad;
    });
    await expect(puller.pull(nameOf('1'))).rejects.toMatchObject({ code: 'NotFound' });
    await images.settle();
    expect(images.list()).toEqual([]);
    expect((await readdir(join(root, 'state', 'layers'))).sort()).toEqual(['.staging']);
    expect(observed.ends).toEqual(['NotFound']);
  });

  test('by a silent registry has the kubelet’s word first', async () => {
    const gone = registry.host;
    await registry[Symbol.asyncDispose]();
    await expect(puller.pull(`${gone}/team/app:1`)).rejects.toThrow(/^RegistryUnavailable: /u);
    expect(observed.ends).toEqual(['RegistryUnavailable']);
    registry = await FakeRegistry.start();
  });

  test.each(['', 'a b', 'x'.repeat(300), 'a'.repeat(64)])(
    'for a bad reference (%s)',
    async (name) => {
      await expect(puller.pull(name)).rejects.toMatchObject({ code: 'InvalidArgument' });
    },
  );
});
