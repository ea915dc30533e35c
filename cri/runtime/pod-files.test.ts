import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { podFilePaths, removePodFiles, writePodFiles } from './pod-files.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-'));
});
afterEach(() => rm(directory, { recursive: true }));

test('every user of the pod may read the files, whatever the umask says', async () => {
  const paths = podFilePaths(directory, 'a1');
  await writePodFiles(paths, { resolvConf: undefined, hostname: 'h\n', hosts: 'x' });
  for (const path of [paths.resolvConf, paths.hostname, paths.hosts]) {
    expect((await stat(path)).mode & 0o7777).toBe(0o644);
  }
  expect(await readFile(paths.hostname, 'utf8')).toBe('h\n');
});

test('removing them leaves nothing, and none there is fine', async () => {
  const paths = podFilePaths(directory, 'a1');
  await writePodFiles(paths, { resolvConf: '', hostname: '', hosts: '' });
  await removePodFiles(paths);
  await removePodFiles(paths);
  await expect(stat(paths.directory)).rejects.toThrow('ENOENT');
});
