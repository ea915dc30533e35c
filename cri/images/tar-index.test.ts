import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, asyncProperty, nat } from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTar } from '../../hack/images/tar-writer.ts';
import type { TarInput } from '../../hack/images/tar-writer.ts';
import { archivePath, parsePaxRecords, scanTar } from './tar-index.ts';
import type { TarEntry } from './tar-index.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-tar-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function scan(bytes: Buffer): Promise<TarEntry[]> {
  const path = join(directory, 'archive.tar');
  await writeFile(path, bytes);
  const handle = await open(path);
  try {
    return await scanTar(handle, path);
  } finally {
    await handle.close();
  }
}

async function scanEntries(...entries: TarInput[]): Promise<TarEntry[]> {
  return await scan(makeTar(entries));
}

const longName = `${'directory/'.repeat(30)}file`;

describe('scanTar', () => {
  test('finds every entry and where its content lies', async () => {
    const bytes = makeTar([
      { name: './blobs/', type: 'directory' },
      { name: './blobs/a', content: 'x'.repeat(700) },
      { name: 'b', content: 'second' },
    ]);
    const entries = await scan(bytes);
    expect(entries.map(({ name, type }) => [name, type])).toEqual([
      ['blobs', 'directory'],
      ['blobs/a', 'file'],
      ['b', 'file'],
    ]);
    const last = entries[2];
    expect(last).toBeDefined();
    expect(bytes.toString('latin1', last?.offset, (last?.offset ?? 0) + (last?.size ?? 0))).toBe(
      'second',
    );
  });

  test.each([true, false])('reads long names and link names (GNU: %s)', async (gnuLongNames) => {
    const [file, link] = await scanEntries(
      { name: longName, gnuLongNames, content: 'a' },
      { name: 'link', type: 'symlink', linkName: longName, gnuLongNames },
    );
    expect(file).toMatchObject({ name: longName, size: 1 });
    expect(link).toMatchObject({ name: 'link', type: 'symlink', linkName: longName });
  });

  test('takes the size from a pax header', async () => {
    const [first, second] = await scanEntries(
      { name: 'a', content: 'x'.repeat(600), claimedSize: 0, pax: { size: '600' } },
      { name: 'b' },
    );
    expect(first?.size).toBe(600);
    expect(second?.name).toBe('b');
  });

  test('gives links no content, whatever their header says', async () => {
    const entries = await scanEntries(
      { name: 'l', type: 'hardlink', linkName: 'x', claimedSize: 4096 },
      { name: 'after' },
    );
    expect(entries.map((entry) => entry.name)).toEqual(['l', 'after']);
  });

  test('marks sparse files', async () => {
    const [byFlag, byPax] = await scanEntries(
      { name: 'a', typeFlag: 'S' },
      { name: 'b', pax: { 'GNU.sparse.major': '1' } },
    );
    expect([byFlag?.type, byPax?.type]).toEqual(['sparse', 'sparse']);
  });

  test.each([
    [
      'a name that climbs',
      { name: 'a/../../etc/passwd' },
      /leads outside \("a\/..\/..\/etc\/passwd"\)/,
    ],
    ['an absolute name', { name: '/etc/passwd' }, /leads outside/],
    ['a size beyond the file', { name: 'a', claimedSize: 1_000_000 }, /longer than the file/],
    ['a broken checksum', { name: 'a', badChecksum: true }, /not a tar file/],
    ['a bad pax size', { name: 'a', pax: { size: '-1' } }, /pax size of "-1"/],
  ])('refuses %s', async (_what, entry: TarInput, message) => {
    await expect(scanEntries(entry)).rejects.toThrow(message);
  });

  test('refuses a file cut in the middle of an entry', async () => {
    const bytes = makeTar([{ name: 'a', content: 'x'.repeat(5000) }]);
    await expect(scan(bytes.subarray(0, 3000))).rejects.toThrow(/longer than the file at byte 0/);
    await expect(scan(bytes.subarray(0, 300))).rejects.toThrow(/longer than the file|middle/);
  });

  test('never hangs and throws nothing but its own errors on arbitrary damage', async () => {
    const bytes = makeTar([
      { name: longName, content: 'abc' },
      { name: 'b', content: 'def' },
    ]);
    await assert(
      asyncProperty(nat(bytes.length - 1), nat(255), async (at, value) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = value;
        const result = await scan(damaged).catch((error: Error) => error.message);
        expect(typeof result === 'string' ? result : '').toMatch(/^$|^cannot read archive/);
      }),
      { numRuns: 200 },
    );
  });
});

test('parsePaxRecords refuses lengths that do not fit', () => {
  expect(parsePaxRecords(Buffer.from('12 path=abc\n'))).toEqual(new Map([['path', 'abc']]));
  for (const bad of [
    '99 path=abc\n',
    '12 path=abc',
    '0 a=b\n',
    'x path=abc\n',
    '12 pathabcd\n',
    '5 a=',
  ]) {
    expect(parsePaxRecords(Buffer.from(bad))).toBeUndefined();
  }
});

test('archivePath drops what says nothing and refuses to leave', () => {
  expect(archivePath('./a//b/./c/')).toBe('a/b/c');
  expect(archivePath('./')).toBe('');
  expect(archivePath('a/..')).toBeUndefined();
  expect(archivePath('/a')).toBeUndefined();
});
