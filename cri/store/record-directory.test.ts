import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RecordDirectory } from './record-directory.ts';
import { sampleId } from './record-samples.ts';

let dir = '';
let directory: RecordDirectory;
const id = sampleId(1);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'estiba-records-'));
  directory = new RecordDirectory(join(dir, 'pods'), join(dir, 'quarantine'), 'sandbox');
  await directory.load();
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test('a save is on disk when it resolves, private, and leaves nothing else behind', async () => {
  await directory.save(id, () => 'one');
  expect(await readFile(join(dir, 'pods', `${id}.json`), 'utf8')).toBe('one');
  expect(await readdir(join(dir, 'pods'))).toEqual([`${id}.json`]);
  const { mode } = await stat(join(dir, 'pods', `${id}.json`));
  expect(mode & 0o777).toBe(0o600);
  expect((await stat(join(dir, 'pods'))).mode & 0o777).toBe(0o700);
});

test('saves asked for while one waits become one, which has the last text', async () => {
  const written: number[] = [];
  const save = (number: number): Promise<void> =>
    directory.save(id, () => {
      written.push(number);
      return String(number);
    });
  await Promise.all([1, 2, 3, 4, 5].map((number) => save(number)));
  expect(written).toEqual([5]);
  const running = save(6);
  await Promise.resolve();
  await Promise.resolve(); // 6 has begun
  await Promise.all([running, save(7), save(8)]);
  expect(written).toEqual([5, 6, 8]);
  expect(await readFile(join(dir, 'pods', `${id}.json`), 'utf8')).toBe('8');
});

test('a removal waits for the save before it, and a missing file is fine', async () => {
  const saving = directory.save(id, () => 'one');
  const removing = directory.remove(id);
  await Promise.all([saving, removing]);
  expect(await readdir(join(dir, 'pods'))).toEqual([]);
  await directory.remove(id);
});

test('a full disk is told as one', async () => {
  await symlink('/dev/full', join(dir, 'pods', `${id}.json.tmp`));
  await expect(directory.save(id, () => 'new')).rejects.toMatchObject({
    code: 'ResourceExhausted',
    message: expect.stringContaining(`cannot save the record of sandbox "${id}" in "${dir}/pods`),
  });
});

test('a save that fails says why, keeps the old file and does not stop the next one', async () => {
  await directory.save(id, () => 'old');
  const blocker = join(dir, 'pods', `${id}.json.tmp`);
  await mkdir(join(blocker, 'x'), { recursive: true });
  await expect(directory.save(id, () => 'new')).rejects.toMatchObject({
    code: 'Internal',
    step: 'save-record',
    message: expect.stringContaining(
      `cannot save the record of sandbox "${id}" in "${dir}/pods": EISDIR`,
    ),
  });
  expect(await readFile(join(dir, 'pods', `${id}.json`), 'utf8')).toBe('old');
  await rm(blocker, { recursive: true });
  await directory.save(id, () => 'newer');
  expect(await readFile(join(dir, 'pods', `${id}.json`), 'utf8')).toBe('newer');
});

test('load drops unfinished writes, passes over foreign files and returns the rest', async () => {
  await writeFile(join(dir, 'pods', `${id}.json.tmp`), 'half');
  await writeFile(join(dir, 'pods', 'README'), 'x');
  await directory.save(sampleId(2), () => 'two');
  await mkdir(join(dir, 'pods', `${sampleId(3)}.json`));
  const found = (await directory.load()).sort((a, b) => (a.id < b.id ? -1 : 1));
  expect(found).toMatchObject([
    { id: sampleId(2), text: 'two', problem: '' },
    { id: sampleId(3), text: '', problem: expect.stringContaining('EISDIR') },
  ]);
  expect((await readdir(join(dir, 'pods'))).includes(`${id}.json.tmp`)).toBe(false);
});
