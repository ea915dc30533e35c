import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { buildImage, ociContent, packArchive } from '../../hack/images/build-image.ts';
import type { BuiltImage, ImageInput } from '../../hack/images/build-image.ts';
import { CriError } from '../core/error.ts';
import { FakeLauncher } from './fake-launcher.ts';
import { ImageStore } from './image-store.ts';
import { chainIdOf } from './layer-store.ts';

let root: string;
let stateDir: string;
let launcher: FakeLauncher;
let store: ImageStore;
let problems: unknown[];

function openStore(): ImageStore {
  return new ImageStore({ stateDir, launcher, onProblem: (error) => problems.push(error) });
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'estiba-store-'));
  stateDir = join(root, 'state');
  launcher = new FakeLauncher();
  problems = [];
  store = openStore();
  await store.load();
});

afterEach(async () => {
  await store.settle();
  await rm(root, { recursive: true });
  expect(problems).toEqual([]);
});

const base = [{ name: 'a', content: 'base' }];
const top = [{ name: 'b', content: 'top' }];
const input: ImageInput = { layers: [base, top], tags: ['localhost/t:1'] };

async function archiveOf(...images: BuiltImage[]): Promise<string> {
  const path = join(root, `${images.map((image) => image.id.slice(7, 19)).join('-')}.tar`);
  await writeFile(path, packArchive(ociContent(images)));
  return path;
}

async function importImage(image: BuiltImage): Promise<void> {
  await store.importArchive(await archiveOf(image));
}

function diffIds(image: BuiltImage): string[] {
  return image.layers.map((layer) => layer.diffId);
}

async function layerTrees(): Promise<string[]> {
  await store.settle();
  const names = await readdir(join(stateDir, 'layers'));
  return names.filter((name) => name !== '.staging' && !name.endsWith('.json')).sort();
}

describe('names', () => {
  test('an image is found by id, short id, tag, name without tag and digest reference', async () => {
    const image = buildImage({ ...input, tags: ['example.com/t:latest'] });
    await importImage(image);
    const hex = image.id.slice('sha256:'.length);
    const references = [
      image.id,
      hex,
      hex.slice(0, 4),
      `sha256:${hex.slice(0, 12)}`,
      'example.com/t:latest',
      'example.com/t',
      `example.com/t@${image.manifestDigest}`,
      `example.com/t:other@${image.manifestDigest}`,
    ];
    const answers = references.map((reference) => store.resolve(reference));
    expect(answers).toEqual(references.map(() => store.list()[0]));
  });

  test.each(['', 'no such', 'example.com/t:2', 'abc', 'UPPER', `sha256:${'0'.repeat(64)}`])(
    '%j names nothing',
    async (reference) => {
      await importImage(buildImage(input));
      expect(store.resolve(reference)).toBeUndefined();
    },
  );

  test('a tag that moves leaves the old image without it', async () => {
    const first = buildImage(input);
    const second = buildImage({ ...input, config: { User: '7' } });
    await importImage(first);
    await importImage(second);
    expect(store.resolve('localhost/t:1')?.id).toBe(second.id);
    expect(store.resolve(first.id)?.repoTags).toEqual([]);
    const again = openStore();
    await again.load();
    expect(again.list().map(({ id, repoTags }) => [id, repoTags])).toEqual(
      store.list().map(({ id, repoTags }) => [id, repoTags]),
    );
  });

  test('the same image under another name keeps both and its creation time', async () => {
    await importImage(buildImage(input));
    const createdAtNs = store.list()[0]?.createdAtNs;
    await importImage(buildImage({ ...input, tags: ['localhost/t:2'] }));
    expect(store.list()).toMatchObject([
      { repoTags: ['localhost/t:1', 'localhost/t:2'], createdAtNs },
    ]);
  });
});

describe('layers', () => {
  test('are stored under the diff id when self-contained and shared between images', async () => {
    const a = buildImage(input);
    const b = buildImage({ layers: [base, base, top], tags: ['localhost/u:1'] });
    await importImage(a);
    const [result] = await store.importArchive(await archiveOf(b));
    expect(result).toMatchObject({ layersPresent: 3, layersUnpacked: 0 });
    expect(launcher.unpacks).toHaveLength(2);
    const [bottom = '', upper = ''] = a.layers.map(({ diffId }) => `d${diffId.slice(7, 19)}`);
    expect(await layerTrees()).toEqual([bottom, upper].sort());
    const path = (name: string): string => join(stateDir, 'layers', name);
    // The repeated base shows only once: overlay refuses a directory twice.
    expect(store.lowerDirs(b.id)).toEqual([path(upper), path(bottom)]);
  });

  test('that need what is below are unpacked again on it and stored under the chain id', async () => {
    const image = buildImage(input);
    const [bottom = '', upper = ''] = diffIds(image);
    launcher.needParents.add(upper);
    await importImage(image);
    const chainId = chainIdOf(bottom, upper);
    expect(store.list()[0]).toMatchObject({
      layers: [
        { kind: 'diff', id: bottom },
        { kind: 'chain', id: chainId },
      ],
      chainId,
    });
    const lower = join(stateDir, 'layers', `d${bottom.slice(7, 19)}`);
    expect(launcher.unpacks.map((job) => job.parentDirs)).toEqual([[], [], [lower]]);
    expect(await layerTrees()).toHaveLength(2);
    // On another base it is another layer; that it cannot stand alone is known by now.
    await importImage(buildImage({ layers: [[{ name: 'c' }], top], tags: [] }));
    expect(launcher.unpacks).toHaveLength(5);
    expect(await layerTrees()).toHaveLength(4);
  });

  test('at the bottom that are not self-contained serve only images that have them there', async () => {
    const image = buildImage(input);
    const [bottom = ''] = diffIds(image);
    launcher.needParents.add(bottom);
    await importImage(image);
    expect(store.list()[0]?.layers[0]).toEqual({ kind: 'chain', id: bottom });
    const other = buildImage({ layers: [top, base], tags: [] });
    await importImage(other);
    const [first = '', second = ''] = diffIds(other);
    expect(store.resolve(other.id)?.layers[1]).toEqual({
      kind: 'chain',
      id: chainIdOf(first, second),
    });
  });

  test('at the bottom with hard links to files of no layer are refused', async () => {
    const image = buildImage({ layers: [top, base], tags: [] });
    const [bottom = ''] = diffIds(image);
    launcher.needFiles.add(bottom);
    await expect(importImage(image)).rejects.toMatchObject({
      code: 'InvalidArgument',
      message: `cannot unpack layer "${bottom}": entry "tmp/implied" needs it, and there is no layer below`,
    });
    await store.settle();
    expect(await layerTrees()).toEqual([]);
    // The same layer on top of another one, at the same time as at the bottom, is fine.
    const other = buildImage({ layers: [base, top], tags: [] });
    const [outcome] = await Promise.allSettled([importImage(image), importImage(other)]);
    expect(outcome.status).toBe('rejected');
    expect(store.resolve(other.id)?.layers[1]?.kind).toBe('chain');
  });

  test('are unpacked once for two imports at the same time', async () => {
    const path = await archiveOf(buildImage(input));
    const { promise, resolve } = Promise.withResolvers<void>();
    launcher.gate = promise;
    const both = [store.importArchive(path), store.importArchive(path)];
    resolve();
    await Promise.all(both);
    expect(launcher.layerUnpacks).toHaveLength(2);
    expect(await layerTrees()).toHaveLength(2);
  });

  test('are synced with the last missing one, before any record names them', async () => {
    const image = buildImage(input);
    await importImage(image);
    expect(launcher.unpacks.map((job) => job.sync)).toEqual([false, true]);
    launcher.unpacks.length = 0;
    launcher.failure = new CriError('Internal', 'cannot sync: EIO');
    const other = buildImage({ layers: [[{ name: 'z' }]], tags: [] });
    await expect(importImage(other)).rejects.toThrow('EIO');
    expect(await layerTrees()).toHaveLength(2);
  });

  test('leave nothing in staging when unpacker and launcher are killed', async () => {
    launcher.failure = new CriError('Unavailable', 'cannot unpack: the launcher is gone');
    launcher.diesAtWork = true;
    await expect(importImage(buildImage(input))).rejects.toThrow('the launcher is gone');
    await store.settle();
    expect(await readdir(join(stateDir, 'layers', '.staging'))).toEqual([]);
    launcher.failure = undefined;
    await importImage(buildImage(input));
    expect(await layerTrees()).toHaveLength(2);
  });
});

describe('remove', () => {
  test('by one tag removes id, all tags, record, documents and layers', async () => {
    const image = buildImage({ ...input, tags: ['localhost/t:1', 'localhost/t:2'] });
    await importImage(image);
    await store.remove('localhost/t:2');
    expect(store.list()).toEqual([]);
    expect(store.resolve(image.id)).toBeUndefined();
    expect(await layerTrees()).toEqual([]);
    expect(await readdir(join(stateDir, 'images'))).toEqual(['blobs']);
    expect(await readdir(join(stateDir, 'images/blobs'))).toEqual([]);
    expect(await readdir(join(stateDir, 'layers/.staging'))).toEqual([]);
    expect(store.fsInfo()).toMatchObject({ usedBytes: 0, inodesUsed: 0 });
  });

  test('by five callers at once fails for none and is seen after each', async () => {
    const image = buildImage(input);
    await importImage(image);
    const seen = await Promise.all(
      Array.from({ length: 5 }, async () => {
        await store.remove(image.id);
        return store.resolve(image.id);
      }),
    );
    expect(seen).toEqual(Array.from({ length: 5 }, () => undefined));
    await expect(store.remove('never:there')).resolves.toBeUndefined();
  });

  test('keeps layers of other images', async () => {
    const a = buildImage(input);
    const b = buildImage({ layers: [base], tags: ['localhost/u:1'] });
    await importImage(a);
    await importImage(b);
    await store.remove(a.id);
    expect(await layerTrees()).toEqual([`d${diffIds(b)[0]?.slice(7, 19) ?? ''}`]);
  });

  test('keeps layers a container uses until it is released', async () => {
    const image = buildImage(input);
    await importImage(image);
    const dirs = store.acquire('container', image.id);
    await store.remove(image.id);
    expect(await layerTrees()).toHaveLength(2);
    expect(() => store.acquire('late', image.id)).toThrow(/not in the store/);
    store.release('container');
    expect(await layerTrees()).toEqual([]);
    expect(dirs).toHaveLength(2);
  });

  test('followed by an import brings the image back whole', async () => {
    const image = buildImage(input);
    const path = await archiveOf(image);
    await store.importArchive(path);
    await Promise.all([store.remove(image.id), store.importArchive(path)]);
    await store.importArchive(path);
    await store.settle();
    for (const directory of store.lowerDirs(image.id)) {
      expect(await readdir(directory)).toEqual(['marker']);
    }
    expect(store.lowerDirs(image.id)).toHaveLength(2);
  });
});

describe('a new start', () => {
  test('finds the same images and sweeps nothing of them', async () => {
    const image = buildImage(input);
    await importImage(image);
    const again = openStore();
    expect(await again.load()).toEqual([]);
    await again.sweep();
    expect(again.list()).toEqual(store.list());
    expect(again.lowerDirs(image.id)).toEqual(store.lowerDirs(image.id));
    expect(again.fsInfo().usedBytes).toBe(store.fsInfo().usedBytes);
    await again.importArchive(await archiveOf(image));
    expect(launcher.unpacks).toHaveLength(2);
  });

  test('by the version before finds in every record what it requires of one', async () => {
    const image = buildImage(input);
    await importImage(image);
    const path = join(stateDir, 'images', `${image.id.slice('sha256:'.length)}.json`);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ version: 1, pinned: false });
  });

  test('sweeps trees, documents and uploads that no record names', async () => {
    await importImage(buildImage(input));
    const before = await layerTrees();
    const layers = join(stateDir, 'layers');
    await launcher
      .unpack({ sourcePath: '/dev/null', targetDir: join(layers, 'd0123456789ab') })
      .catch(() => undefined);
    await writeFile(join(layers, '.d0123456789ab.json.new'), '');
    await writeFile(join(stateDir, 'images/blobs', 'a'.repeat(64)), 'x');
    await writeFile(join(stateDir, 'ingest/upload'), 'x');
    const again = openStore();
    await again.load();
    await again.sweep();
    expect(await layerTrees()).toEqual(before);
    expect(await readdir(join(stateDir, 'ingest'))).toEqual([]);
    expect(await readdir(join(stateDir, 'images/blobs'))).toHaveLength(2);
  });

  test('reports a left-over that stays, removes the others, and lets no import in before', async () => {
    const layers = join(stateDir, 'layers');
    const [stuck, other] = ['d0123456789ab', 'd0123456789ac'].map((name) => join(layers, name));
    await mkdir(stuck ?? '', { recursive: true });
    await mkdir(other ?? '');
    const busy = Promise.withResolvers<void>();
    const removeTrees = vi.spyOn(launcher, 'removeTrees').mockImplementation(async ([path]) => {
      await busy.promise;
      if (path === stuck) {
        throw new Error('cannot remove it: operation not permitted');
      }
      await rm(path ?? '', { recursive: true });
    });
    const again = openStore();
    await again.load();
    const swept = again.sweep();
    const imported = again.importArchive(await archiveOf(buildImage(input)));
    await vi.waitFor(() => expect(removeTrees).toHaveBeenCalled());
    expect(again.list()).toEqual([]);
    expect(launcher.unpacks).toEqual([]);
    busy.resolve();
    await swept;
    await imported;
    removeTrees.mockRestore();
    expect(problems.splice(0)).toEqual([new Error('cannot remove it: operation not permitted')]);
    expect(again.list()).toHaveLength(1);
    expect(await readdir(layers)).not.toContain('d0123456789ac');
  });

  test('keeps the layers of a living container whose image is gone, and only those', async () => {
    const image = buildImage(input);
    await importImage(image);
    const dirs = store.acquire('c1', image.id);
    await store.remove(image.id);
    const again = openStore();
    await again.load();
    expect(again.reacquire('c1', [...dirs, '/gone'])).toEqual(['/gone']);
    await again.sweep();
    expect(await layerTrees()).toHaveLength(2);
    again.release('c1');
    await again.settle();
    expect(await layerTrees()).toEqual([]);
  });

  test('keeps every layer for a living container of which it does not know them', async () => {
    const image = buildImage(input);
    await importImage(image);
    store.acquire('c1', image.id);
    await store.remove(image.id);
    const again = openStore();
    await again.load();
    again.reacquireAll('c1');
    await again.sweep();
    expect(await layerTrees()).toHaveLength(2);
    again.release('c1');
    await again.settle();
    expect(await layerTrees()).toEqual([]);
  });

  test('quarantines broken records with a reason and loads the others', async () => {
    const good = buildImage({ ...input, layers: [base] });
    const bad = buildImage({ ...input, tags: ['localhost/bad:1'] });
    await importImage(good);
    await importImage(bad);
    const images = join(stateDir, 'images');
    await writeFile(join(images, `${bad.id.slice(7)}.json`), '{"version":1');
    const lost = buildImage({ layers: [[{ name: 'lost' }]], tags: ['localhost/lost:1'] });
    await importImage(lost);
    await rm(join(store.lowerDirs(lost.id)[0] ?? ''), { recursive: true });
    const again = openStore();
    const quarantined = await again.load();
    expect(quarantined.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/its tree "d[0-9a-f]{12}" is missing/),
      ...[
        [bad, /JSON/],
        [lost, /its layer "sha256:.*" is missing/],
      ]
        .sort(([a], [b]) => ((a as BuiltImage).id < (b as BuiltImage).id ? -1 : 1))
        .map(([, why]) => expect.stringMatching(why as RegExp)),
    ]);
    await again.sweep();
    expect(again.list().map((image) => image.id)).toEqual([good.id]);
    expect(await readdir(join(images, 'quarantine'))).toHaveLength(3);
    await again.importArchive(await archiveOf(bad));
    expect(again.resolve('localhost/bad:1')?.id).toBe(bad.id);
  });
});

test('an import that is canceled leaves nothing', async () => {
  const path = await archiveOf(buildImage(input));
  const signal = AbortSignal.abort();
  await expect(store.importArchive(path, { signal })).rejects.toMatchObject({ code: 'Canceled' });
  expect(await layerTrees()).toEqual([]);
});

test('progress and results are told while the import runs', async () => {
  const image = buildImage(input);
  const told: string[] = [];
  await store.importArchive(await archiveOf(image), {
    onProgress: ({ number, count }) => told.push(`${number}/${count}`),
    onImage: ({ image: done }) => told.push(done.id),
  });
  expect(told.at(-1)).toBe(image.id);
});
