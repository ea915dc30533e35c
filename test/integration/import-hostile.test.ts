// Archives that mean harm: every trick is refused or contained, the error names the entry, nothing is
// made outside, and nothing half-made stays.
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { importImages } from '../../cri/cli/node-client.ts';
import { describeError } from '../../cri/core/error.ts';
import {
  buildImage,
  dockerContent,
  ociContent,
  packArchive,
  sha256,
} from '../../hack/images/build-image.ts';
import { makeTar, type TarInput } from '../../hack/images/tar-writer.ts';
import { attributesOf, layerDirectories } from '../lib/images.ts';
import { eventually } from '../lib/pods.ts';
import { TestServer } from '../lib/test-server.ts';

let server: TestServer;
/** What an escape would reach: a directory on the host with one file. */
let outside: string;

beforeAll(async () => {
  server = await TestServer.start({
    network: false,
    config: { images: ['max_unpack_bytes = 1000000'] },
  });
  outside = await mkdtemp(join(tmpdir(), 'estiba-outside-'));
});

beforeEach(async () => {
  await rm(outside, { recursive: true, force: true });
  await mkdir(outside);
  await writeFile(join(outside, 'victim'), 'unharmed\n');
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
  await rm(outside, { recursive: true });
});

/** Imports an archive; returns what was wrong with it, "" if nothing. */
async function importBytes(bytes: Buffer): Promise<string> {
  const path = join(server.stateDir, 'hostile.tar');
  await writeFile(path, bytes);
  try {
    for await (const progress of importImages(server.socketPath, { path })) {
      expect(progress).toBeDefined();
    }
    return '';
  } catch (error) {
    return describeError(error);
  }
}

/** Imports an image whose top layer has these entries. */
async function importLayer(...layers: (readonly TarInput[] | Buffer)[]) {
  const built = buildImage({ layers, tags: ['localhost/hostile:1'] });
  return importBytes(packArchive(ociContent([built])));
}

// Layers without an image are removed behind the answer.
const nothingLeft = (): Promise<void> => eventually(lookForNothing, 3000);

async function lookForNothing(): Promise<void> {
  const { images } = await server.client.image.listImages({});
  expect(images).toEqual([]);
  const layers = await readdir(join(server.stateDir, 'layers'));
  expect(layers.filter((name) => name !== '.staging')).toEqual([]);
  expect(await readdir(join(server.stateDir, 'layers', '.staging'))).toEqual([]);
  expect(await readdir(join(server.stateDir, 'ingest'))).toEqual([]);
  expect(await readdir(join(server.stateDir, 'images', 'blobs'))).toEqual([]);
  await untouched();
}

async function untouched(): Promise<void> {
  expect(await readdir(outside)).toEqual(['victim']);
  const victim = await stat(join(outside, 'victim'));
  expect([victim.size, victim.nlink, victim.mode & 0o7777]).toEqual([9, 1, 0o644]);
}

/** Removes what an import that was contained has stored. */
async function clear(): Promise<void> {
  const { images } = await server.client.image.listImages({});
  for (const { id } of images ?? []) {
    await server.client.image.removeImage({ image: { image: id ?? '' } });
  }
}

describe('a layer', () => {
  it.each([
    ['../../escape', [{ name: '../../escape', content: 'x' }]],
    ['a/../../../escape', [{ name: 'a/../../../escape', content: 'x' }]],
    ['..', [{ name: '..', type: 'directory' }]],
    ['a/..', [{ name: 'a/..', type: 'symlink', linkName: 'x' }]],
    ['b', [{ name: 'b', type: 'hardlink', linkName: '../../../etc/passwd' }]],
    ['c', [{ name: 'c', type: 'hardlink', linkName: 'not-there' }]],
    ['d', [{ name: 'd', content: 'x', badChecksum: true }]],
    ['e', [{ name: 'e', content: 'x', claimedSize: 1_000_000 }]],
    ['f', [{ name: 'f', content: 'x', typeFlag: 'Z' }]],
    ['.wh...', [{ name: '.wh...' }]],
    ['.wh.', [{ name: '.wh.' }]],
    ['sub/.wh..', [{ name: 'sub/.wh..' }]],
  ] satisfies [string, TarInput[]][])('with "%s" is refused by name', async (_name, entries) => {
    const result = await importLayer([{ name: 'first', content: 'x' }, ...entries]);
    const named = `"${entries[0]?.name ?? ''}"`;
    expect(result).toMatch(/^cannot (import|unpack) layer "sha256:[0-9a-f]{64}": [^\n]+$/u);
    // Where no entry can be read there is no name but a place.
    expect(result.includes(named) || /byte \d+/u.test(result)).toBe(true);
    await nothingLeft();
  });

  it.each([
    ['an absolute name', (to: string) => [{ name: `${to}/absolute`, content: 'x' }]],
    [
      'a file through its own symlink',
      (to: string) => [
        { name: 'link', type: 'symlink', linkName: to },
        { name: 'link/through', content: 'x' },
      ],
    ],
    [
      'a file through a relative symlink',
      (to: string) => [
        { name: 'up', type: 'symlink', linkName: `../../../../../../../../..${to}` },
        { name: 'up/through', content: 'x' },
      ],
    ],
    [
      'a file over its own symlink',
      (to: string) => [
        { name: 'over', type: 'symlink', linkName: `${to}/victim` },
        { name: 'over', content: 'harmed' },
      ],
    ],
    [
      'a hard link through its own symlink',
      (to: string) => [
        { name: 'dir', type: 'symlink', linkName: to },
        { name: 'hard', type: 'hardlink', linkName: 'dir/victim' },
      ],
    ],
    [
      'a whiteout through its own symlink',
      (to: string) => [
        { name: 'gone', type: 'symlink', linkName: to },
        { name: 'gone/.wh.victim' },
        { name: 'gone/.wh..wh..opq' },
      ],
    ],
    [
      'a directory with another mode over its own symlink',
      (to: string) => [
        { name: 'mode', type: 'symlink', linkName: to },
        { name: 'mode/', type: 'directory', mode: 0o777, uid: 5 },
      ],
    ],
  ] satisfies [string, (to: string) => TarInput[]][])(
    'with %s cannot reach the host, in one layer or two',
    async (_name, entriesTo) => {
      const entries = entriesTo(outside);
      await importLayer(entries);
      await untouched();
      await clear();
      await importLayer(entries.slice(0, 1), entries.slice(1));
      await untouched();
      await clear();
      await nothingLeft();
    },
  );

  it('cannot bring xattrs that overlayfs or the kernel take for orders', async () => {
    const xattrs = { 'trusted.overlay.opaque': 'y', 'trusted.overlay.redirect': '/etc' };
    const result = await importLayer([{ name: 'dir/', type: 'directory', xattrs }]);
    if (result === '') {
      const [top = ''] = await layerDirectories(server, 'localhost/hostile:1');
      expect(await attributesOf(join(top, 'dir'))).toEqual([]);
    } else {
      expect(result).toContain('"dir/"');
    }
    await clear();
    await nothingLeft();
  });

  it('of zeros that unpack to more than the limit is stopped', async () => {
    const tar = makeTar([{ name: 'bomb', content: Buffer.alloc(64 * 1024 * 1024) }]);
    expect(gzipSync(tar).length).toBeLessThan(100_000);
    const built = buildImage({ layers: [tar], compression: 'gzip', tags: ['localhost/bomb:1'] });
    expect(await importBytes(packArchive(ociContent([built])))).toMatch(/^cannot .*1000000/u);
    await nothingLeft();
  });
});

describe('an archive', () => {
  it('cannot name files outside as its parts', async () => {
    const layer = makeTar([{ name: 'x', content: 'x' }]);
    const config = Buffer.from(
      JSON.stringify({
        os: 'linux',
        architecture: 'amd64',
        config: {},
        rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
      }),
    );
    for (const path of [`${outside}/victim`, '../victim', 'a/../../victim']) {
      const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [], Layers: [path] }]);
      const tar = makeTar([
        { name: 'manifest.json', content: manifest },
        { name: 'config.json', content: config },
      ]);
      const result = await importBytes(tar);
      expect(result).toContain(path);
    }
    await nothingLeft();
  });

  it('cannot lead outside by its own links', async () => {
    const built = buildImage({ layers: [[{ name: 'x', content: 'x' }]], tags: ['localhost/l:1'] });
    const content = dockerContent([built]);
    for (const [name, value] of content) {
      if (name.endsWith('layer.tar') && typeof value !== 'string') {
        content.set(name, `../../../../../../../..${outside}/victim`);
      }
    }
    const result = await importBytes(packArchive(content));
    expect(result).toMatch(/^cannot [^\n]+$/u);
    await nothingLeft();
  });

  it.each([
    ['no index', { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' }],
    [
      'an index that is no JSON',
      { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}', 'index.json': '{' },
    ],
    [
      'an index of nothing',
      {
        'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
        'index.json': '{"schemaVersion":2,"manifests":[]}',
      },
    ],
    ['a manifest of nothing', { 'manifest.json': '[]' }],
    ['a manifest that is no list', { 'manifest.json': '{"a":1}' }],
  ])('with %s is refused in words', async (_name, files) => {
    const entries = Object.entries(files).map(([name, content]) => ({ name, content }));
    const result = await importBytes(makeTar(entries));
    expect(result).toMatch(/^cannot [^\n]+$/u);
    await nothingLeft();
  });
});
