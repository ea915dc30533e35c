import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeDurably, removeUnfinished, writeDurably } from './durable-file.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-durable-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

test('a file is replaced whole, for root alone, and nothing stays beside it', async () => {
  const path = join(directory, 'record.json');
  await writeDurably(path, 'old and long');
  await writeDurably(path, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(['record.json']);
  await removeDurably(path);
  await removeDurably(path);
  expect(await readdir(directory)).toEqual([]);
});

test('a write that fails leaves neither itself nor its beginning', async () => {
  await expect(writeDurably(join(directory, 'no', 'such'), 'x')).rejects.toThrow('ENOENT');
  expect(await readdir(directory)).toEqual([]);
});

test('a full disk is told as one, with the file', async () => {
  const path = join(directory, 'record.json');
  await writeFile(path, 'old');
  await symlink('/dev/full', join(directory, '.record.json.new'));
  await expect(writeDurably(path, 'new')).rejects.toMatchObject({
    code: 'ResourceExhausted',
    message: expect.stringMatching(`^cannot write "${path}": ENOSPC: no space`),
    errno: 28,
  });
  expect(await readFile(path, 'utf8')).toBe('old');
});

test('what a crash left of a write is removed, and nothing else', async () => {
  for (const name of ['.record.json.new', 'record.json', '.hidden', 'other.new']) {
    await writeFile(join(directory, name), '');
  }
  await removeUnfinished(directory);
  expect((await readdir(directory)).toSorted()).toEqual(['.hidden', 'other.new', 'record.json']);
});
