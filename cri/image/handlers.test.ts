import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildImage, ociContent, packArchive } from '../../hack/images/build-image.ts';
import type { BuiltImage, ImageInput } from '../../hack/images/build-image.ts';
import { estiba } from '../../proto/gen/node.js';
import { runtime } from '../../proto/gen/cri.js';
import { toBigInt, toLong, toNumber } from '../../proto/long.ts';
import { FakeLauncher } from '../images/fake-launcher.ts';
import { ImageStore } from '../images/image-store.ts';
import { ImagePuller } from '../images/pull/image-puller.ts';
import { localBackend } from '../images/pull/local-backend.ts';
import { FakeRegistry } from '../registry/fake-registry.ts';
import { imageServiceHandlers, nodeServiceHandlers } from './handlers.ts';
import type { ImageServiceHandlers } from './handlers.ts';
import { PinnedImages } from './pinned-images.ts';

type Progress = estiba.node.v1.ImportProgress.$Properties;

let root: string;
let launcher: FakeLauncher;
let images: ImageStore;
let puller: ImagePuller;
let handlers: ImageServiceHandlers;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'estiba-calls-'));
  launcher = new FakeLauncher();
  const onProblem = (error: unknown): void => {
    throw error;
  };
  images = new ImageStore({ stateDir: join(root, 'state'), launcher, onProblem });
  await images.load();
  const backend = localBackend(images.ingestDir, launcher);
  puller = new ImagePuller({ images, backend, maxConcurrentDownloads: 3 });
  handlers = imageServiceHandlers({ images, puller, pinned: new PinnedImages([]) });
});

afterEach(async () => {
  await images.settle();
  await rm(root, { recursive: true });
});

const input: ImageInput = {
  layers: [[{ name: 'a', content: 'base' }]],
  tags: ['localhost/t:1', 'localhost/t:2'],
};

async function archiveOf(image: BuiltImage, path = join(root, 'image.tar')): Promise<string> {
  await writeFile(path, packArchive(ociContent([image])));
  return path;
}

async function importInput(change: Partial<ImageInput> = {}): Promise<BuiltImage> {
  const image = buildImage({ ...input, ...change });
  await images.importArchive(await archiveOf(image));
  return image;
}

async function statusOf(name: string): Promise<runtime.v1.Image.$Properties | null | undefined> {
  const request = new runtime.v1.ImageStatusRequest({ image: { image: name } });
  return (await handlers.imageStatus(request)).image;
}

async function listed(name?: string): Promise<(string | null | undefined)[]> {
  const filter = name === undefined ? null : { image: { image: name } };
  const answer = await handlers.listImages(new runtime.v1.ListImagesRequest({ filter }));
  return (answer.images ?? []).map((image) => image.id);
}

async function collect(stream: AsyncIterable<Progress>): Promise<Progress[]> {
  const told: Progress[] = [];
  for await (const progress of stream) {
    told.push(progress);
  }
  return told;
}

describe('ListImages', () => {
  test('lists all, or the one that the filter names in any way', async () => {
    const a = await importInput();
    const b = await importInput({ tags: ['busybox'], config: { User: '1' } });
    expect(new Set(await listed())).toEqual(new Set([a.id, b.id]));
    for (const name of ['busybox', 'docker.io/library/busybox:latest', b.id, b.id.slice(7, 19)]) {
      expect(await listed(name)).toEqual([b.id]);
    }
    expect(await listed('not/there')).toEqual([]);
  });
});

describe('ImageStatus', () => {
  test('gives the same answer for id, tags and digests', async () => {
    const image = await importInput();
    const first = await statusOf(image.id);
    expect(first).toMatchObject({
      id: image.id,
      repoTags: ['localhost/t:1', 'localhost/t:2'],
      repoDigests: [`localhost/t@${image.manifestDigest}`],
      pinned: false,
    });
    expect(toNumber(first?.size)).toBeGreaterThan(0);
    for (const name of ['localhost/t:1', 'localhost/t:2', `localhost/t@${image.manifestDigest}`]) {
      expect(await statusOf(name)).toEqual(first);
    }
  });

  test('of an absent image is an answer without image', async () => {
    expect(await statusOf('not/there')).toBeUndefined();
    expect(await statusOf('not a reference')).toBeUndefined();
  });

  test.each([
    ['1002', 1002n, ''],
    ['www-data', undefined, 'www-data'],
    ['1003:1004', 1003n, ''],
    ['www-data:www-data', undefined, 'www-data'],
    ['0', 0n, ''],
    ['', undefined, ''],
  ])('of an image with USER "%s" tells uid %s and name "%s"', async (User, uid, username) => {
    const image = await importInput({ config: { User } });
    const status = await statusOf(image.id);
    expect(status?.uid ? toBigInt(status.uid.value) : undefined).toBe(uid);
    expect(status?.username).toBe(username);
  });

  test('with verbose tells the config as it came', async () => {
    const image = await importInput({ config: { Cmd: ['sh'], Labels: { a: 'b' } } });
    const request = new runtime.v1.ImageStatusRequest({
      image: { image: image.id },
      verbose: true,
    });
    const { info } = await handlers.imageStatus(request);
    expect(JSON.parse(info?.['info'] ?? '')).toEqual({
      chainID: image.layers[0]?.diffId,
      imageSpec: JSON.parse(image.config.toString()),
      lowerDirs: images.lowerDirs(image.id),
    });
  });

  test('without a name is refused', async () => {
    await expect(statusOf('')).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});

describe('PullImage', () => {
  const { signal } = new AbortController();

  function pull(
    image: string,
    auth: runtime.v1.AuthConfig.$Properties = {},
    abort: AbortSignal = signal,
  ): Promise<runtime.v1.PullImageResponse.$Properties> {
    const request = new runtime.v1.PullImageRequest({ image: { image }, auth });
    return handlers.pullImage(request, { signal: abort });
  }

  test('answers the id that ImageStatus tells', async () => {
    await using registry = await FakeRegistry.start();
    registry.putImage('1', [Buffer.from('layer')]);
    const name = `${registry.host}/team/app:1`;
    const { imageRef } = await pull(name);
    expect(imageRef).toBe((await statusOf(name))?.id);
  });

  test('sends the credentials of the request', async () => {
    await using registry = await FakeRegistry.start();
    registry.putImage('1', [Buffer.from('layer')]);
    registry.intercepts.push((request, response) => {
      const isKnown =
        request.headers.authorization === `Basic ${Buffer.from('me:pw').toString('base64')}`;
      if (!isKnown) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
      }
      return !isKnown;
    });
    const name = `${registry.host}/team/app:1`;
    await expect(pull(name)).rejects.toMatchObject({ code: 'Unauthenticated' });
    await expect(pull(name, { username: 'me', password: 'pw' })).resolves.toHaveProperty(
      'imageRef',
    );
  });

  test('without a name, or with one that is none, is refused', async () => {
    await expect(pull('')).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(pull('no spaces')).rejects.toMatchObject({ code: 'InvalidArgument' });
  });

  test('ends with its caller and leaves no image', async () => {
    await using registry = await FakeRegistry.start();
    registry.putImage('1', [Buffer.from('layer')]);
    const abort = new AbortController();
    registry.intercepts.push(() => {
      abort.abort();
      return true;
    });
    const pulling = pull(`${registry.host}/team/app:1`, {}, abort.signal);
    await expect(pulling).rejects.toMatchObject({ code: 'Canceled' });
    expect(images.list()).toEqual([]);
  });
});

test('RemoveImage by one tag removes the image; a second time is fine', async () => {
  const image = await importInput();
  const request = new runtime.v1.RemoveImageRequest({ image: { image: 'localhost/t:1' } });
  expect(await handlers.removeImage(request)).toEqual({});
  expect(await handlers.removeImage(request)).toEqual({});
  expect(await statusOf(image.id)).toBeUndefined();
});

test('ImageFsInfo tells bytes, inodes and place on both lists', async () => {
  const image = await importInput();
  const { imageFilesystems, containerFilesystems } = await handlers.imageFsInfo();
  expect(containerFilesystems).toEqual(imageFilesystems);
  const [usage] = imageFilesystems ?? [];
  expect(usage?.fsId?.mountpoint).toBe(join(root, 'state'));
  // The fake launcher says 8192 bytes and 2 inodes for a layer; two documents and a record come on top.
  const documents = image.config.length + image.manifest.length;
  expect(toNumber(usage?.usedBytes?.value)).toBe(8192 + documents);
  expect(toNumber(usage?.inodesUsed?.value)).toBe(2 + 3);
  expect(toBigInt(usage?.timestamp)).toBeGreaterThan(0n);
});

describe('ImportImages', () => {
  const { signal } = new AbortController();

  function importing(
    request: estiba.node.v1.ImportImagesRequest.$Properties,
    abort: AbortSignal = signal,
  ): AsyncIterable<Progress> {
    return nodeServiceHandlers({ images, puller }).importImages(request, { signal: abort });
  }

  test('tells every image and then that it is done', async () => {
    const image = buildImage(input);
    const path = await archiveOf(image);
    const told = await collect(importing({ path, tags: ['more:1'] }));
    expect(told.at(-1)).toEqual({ done: true });
    expect(told.at(-2)?.image).toMatchObject({
      id: image.id,
      repoTags: ['docker.io/library/more:1', 'localhost/t:1', 'localhost/t:2'],
      layersPresent: 0,
      layersUnpacked: 1,
    });
  });

  test('removes its source when asked, also after a failure', async () => {
    for (const content of [
      packArchive(ociContent([buildImage(input)])),
      Buffer.from('not a tar'),
    ]) {
      const path = join(images.ingestDir, 'upload.tar');
      await writeFile(path, content);
      const all = collect(importing({ path, removeSource: true }));
      await all.catch(() => undefined);
      await expect(access(path)).rejects.toThrow('ENOENT');
    }
  });

  test.each([
    ['relative.tar', false, /must be absolute/],
    ['/etc/passwd', true, /only files directly in ".*\/ingest" may be removed/],
    ['INGEST/../layers', true, /only files directly in/],
  ])('refuses path %s (remove: %s)', async (name, removeSource, message) => {
    const path = name.replace('INGEST', images.ingestDir);
    await expect(collect(importing({ path, removeSource }))).rejects.toThrow(message);
  });

  test('throws what the import throws', async () => {
    const path = join(root, 'none.tar');
    await expect(collect(importing({ path }))).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('stops the work when the client leaves', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    launcher.gate = promise;
    const abort = new AbortController();
    const path = await archiveOf(buildImage({ layers: [[{ name: '1' }], [{ name: '2' }]] }));
    const all = collect(importing({ path }, abort.signal));
    abort.abort();
    resolve();
    await expect(all).rejects.toMatchObject({ code: 'Canceled' });
    expect(images.list()).toEqual([]);
  });
});

describe('PullImage of the node service', () => {
  test('tells the state of every layer, and the image at the end', async () => {
    await using registry = await FakeRegistry.start();
    const layers = [Buffer.from('layer one'), Buffer.from('layer two')];
    registry.putImage('1', layers);
    const image = `${registry.host}/team/app:1`;
    const node = nodeServiceHandlers({ images, puller });
    const told: estiba.node.v1.PullProgress.$Properties[] = [];
    for await (const message of node.pullImage({ image }, new AbortController())) {
      told.push(message);
    }
    const { PULLED_LAYER_STATE_DONE: state } = estiba.node.v1.PulledLayerState;
    const size = toLong(9);
    const counts = { size, receivedBytes: size, fetchedBytes: size, unpackedBytes: size };
    expect(told.at(-1)).toMatchObject({
      reference: image,
      host: registry.host,
      layers: layers.map(() => ({ state, ...counts })),
      image: { repoTags: [image], layersPresent: 0, layersUnpacked: 2 },
    });
    expect(told.slice(0, -1).every((message) => message.image === undefined)).toBe(true);
  });

  test('ends when its client leaves', async () => {
    await using registry = await FakeRegistry.start();
    registry.putImage('1', [Buffer.from('one')]);
    registry.intercepts.push(() => true); // never answers
    const request = { image: `${registry.host}/team/app:1` };
    const node = nodeServiceHandlers({ images, puller });
    for await (const message of node.pullImage(request, new AbortController())) {
      expect(message.reference).toBe(request.image);
      break;
    }
    expect(images.list()).toEqual([]);
  });

  test('without a name is refused', async () => {
    const node = nodeServiceHandlers({ images, puller });
    const first = node.pullImage({}, new AbortController())[Symbol.asyncIterator]().next();
    await expect(first).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});

test('ExplainImage tells the hosts of a reference', async () => {
  const node = nodeServiceHandlers({ images, puller });
  const told = await node.explainImage({ image: 'busybox' }, new AbortController());
  expect(told).toMatchObject({
    reference: 'docker.io/library/busybox:latest',
    hosts: [{ url: 'https://registry-1.docker.io/v2', upstream: true, credentials: 'none' }],
  });
});
