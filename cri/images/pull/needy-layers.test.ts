// Layers that are not self-contained: their jobs stop, their blobs go on coming meanwhile.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseImageReference } from '../../core/image-reference.ts';
import { FakeRegistry } from '../../registry/fake-registry.ts';
import { FakeLauncher } from '../fake-launcher.ts';
import { ImageStore } from '../image-store.ts';
import { ImagePuller } from './image-puller.ts';
import { localBackend } from './local-backend.ts';

let root: string;
let registry: FakeRegistry;
let launcher: FakeLauncher;
let images: ImageStore;
let fetchedBytes: number;

function newPuller(maxConcurrentDownloads = 3): ImagePuller {
  const observer = {
    begin: () => () => undefined,
    fetched: (bytes: number): void => {
      fetchedBytes += bytes;
    },
  };
  const backend = localBackend(images.ingestDir, launcher);
  return new ImagePuller({ images, backend, maxConcurrentDownloads, observer });
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'estiba-needy-'));
  registry = await FakeRegistry.start();
  launcher = new FakeLauncher();
  fetchedBytes = 0;
  const onProblem = (error: unknown): void => {
    throw error;
  };
  const host = { os: 'linux', architecture: 'amd64', variants: [''] };
  images = new ImageStore({ stateDir: join(root, 'state'), launcher, onProblem, host });
  await images.load();
});

afterEach(async () => {
  await images.settle();
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const nameOf = (tag: string): string => `${registry.host}/team/app:${tag}`;
const layer = (size = 100_000): Buffer => randomBytes(size);

async function partials(): Promise<string[]> {
  return (await readdir(images.ingestDir)).filter((name) => name.endsWith('.partial'));
}

async function bytesOnDisk(): Promise<number> {
  const sizes = await Promise.all(
    (await partials()).map(async (name) => (await stat(join(images.ingestDir, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test('a pull goes on fetching a layer whose job has stopped while it waits for those below', async () => {
  const layers = [layer(), layer(600_000), layer(600_000)];
  layers.slice(1).forEach((bytes) => launcher.needParents.add(digestOf(bytes)));
  registry.putImage('1', layers);
  const { promise, resolve } = Promise.withResolvers<void>();
  launcher.gate = promise;
  const pulling = newPuller().pull(nameOf('1'));
  await vi.waitFor(async () => expect(await bytesOnDisk()).toBe(1_300_000));
  expect(launcher.layerUnpacks.every(({ parentDirs }) => parentDirs?.length === 0)).toBe(true);
  resolve();
  await pulling;
  expect(fetchedBytes).toBe(1_300_000);
  expect(await partials()).toEqual([]);
});

test('a pull does not fetch more at once than allowed although jobs have stopped', async () => {
  const layers = [layer(), layer(), layer(), layer()];
  const needy = layers.slice(1);
  needy.forEach((bytes) => launcher.needParents.add(digestOf(bytes)));
  registry.putImage('1', layers);
  const held: (() => void)[] = [];
  registry.intercepts.push((request, response) => {
    const bytes = needy.find((each) => request.url?.endsWith(digestOf(each)) ?? false);
    if (bytes !== undefined) {
      held.push(() => response.end(bytes));
      response.writeHead(200, { 'content-length': bytes.length });
    }
    return bytes !== undefined;
  });
  const pulling = newPuller(2).pull(nameOf('1'));
  await vi.waitFor(() => expect(held.length).toBe(2));
  // The third one has no place although the first one is unpacked and both jobs have stopped.
  await vi.waitFor(() => expect(launcher.layerUnpacks.length).toBe(3));
  expect(held.length).toBe(2);
  registry.intercepts.length = 0;
  held.forEach((release) => release());
  await expect(pulling).resolves.toMatchObject({ layersUnpacked: 4 });
});

test('a pull that fails while a stopped job’s blob comes ends that, too, and keeps what came', async () => {
  const [bad, large] = [layer(), layer(1_000_000)];
  launcher.needParents.add(digestOf(large));
  registry.putImage('1', [bad, large]);
  const { promise: badAsked, resolve: refuse } = Promise.withResolvers<void>();
  registry.intercepts.push((request, response) => {
    if (request.url?.endsWith(digestOf(bad)) ?? false) {
      void badAsked.then(() => response.writeHead(404).end());
      return true;
    }
    const isLarge = request.url?.endsWith(digestOf(large)) ?? false;
    if (isLarge) {
      response.writeHead(200, { 'content-length': large.length });
      response.write(large.subarray(0, 500_000));
    }
    return isLarge;
  });
  const pulling = newPuller()
    .pull(nameOf('1'))
    .catch((error: unknown) => error);
  await vi.waitFor(async () => expect(await bytesOnDisk()).toBeGreaterThan(200_000));
  refuse();
  expect(await pulling).toMatchObject({ code: 'NotFound' });
  expect(await partials()).toEqual([`${digestOf(large).replace(':', '-')}.partial`]);
  registry.intercepts.length = 0;
  registry.putImage('2', [layer(), large]);
  await newPuller().pull(nameOf('2'));
  expect(fetchedBytes).toBe(500_000 + 100_000 + 500_000);
});

test('a pull that has stored a layer neither waits for another one’s use of its blob nor takes it away', async () => {
  const needy = layer(600_000);
  const digest = digestOf(needy);
  launcher.needParents.add(digest);
  registry.putImage('1', [needy]);
  const { promise: rest, resolve: sendRest } = Promise.withResolvers<void>();
  let asked = 0;
  registry.intercepts.push((request, response) => {
    const isNeedy = request.url?.endsWith(digest) ?? false;
    if (isNeedy) {
      asked += 1;
      response.writeHead(200, { 'content-length': needy.length });
      response.write(needy.subarray(0, 400_000));
      void rest.then(() => response.end(needy.subarray(400_000)));
    }
    return isNeedy;
  });
  const backend = localBackend(images.ingestDir, launcher);
  const reference = parseImageReference(nameOf('1'));
  const [done, other] = [
    await backend.open(reference, undefined),
    await backend.open(reference, undefined),
  ];
  const blob = { digest, size: needy.length };
  const order = { targetDir: join(root, 'tree'), expectedDiffId: digest };
  const alone = { ...order, stopUnlessSelfContained: true };
  expect(await other.unpack(blob, alone, {})).toMatchObject({ isStopped: true });
  await done.discard(digest);
  await done.close();
  sendRest();
  await other.fetched(blob, {});
  await other.unpack(blob, { ...order, parentDirs: [root] }, {});
  expect(asked).toBe(1);
  await other.discard(digest);
  expect(await partials()).toEqual([]);
  await other.close();
});
