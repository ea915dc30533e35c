import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hasEnded } from '../../test/lib/processes.ts';
import { startContainerd } from './contender.ts';

let bin: string;

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'estiba-contender-'));
  vi.stubEnv('TMPDIR', bin);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(bin, { recursive: true });
});

test('a containerd that does not become ready is ended, and its files go', async () => {
  const program = join(bin, 'containerd');
  await writeFile(program, `#!/bin/sh\necho $$ >${bin}/pid\necho not today >&2\nexec sleep 300\n`);
  await chmod(program, 0o755);
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
  await expect(startContainerd('none.tar', 'none', 300)).rejects.toThrow(
    'containerd is not ready:\nnot today',
  );
  expect(await hasEnded(Number(await readFile(join(bin, 'pid'), 'utf8')))).toBe(true);
  expect((await readdir(bin)).toSorted()).toEqual(['containerd', 'pid']);
});

test('a containerd that is not installed is named', async () => {
  vi.stubEnv('PATH', bin);
  await expect(startContainerd('none.tar', 'none', 10)).rejects.toThrow('spawn containerd ENOENT');
  expect(await readdir(bin)).toEqual([]);
});
