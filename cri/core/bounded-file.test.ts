import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBounded, readBoundedText } from './bounded-file.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe('readBounded', () => {
  it('returns a file as it is, through a link too, up to the bound', async () => {
    const path = join(directory, 'file');
    await writeFile(path, Buffer.from([0xff, 0x00, 0x41]));
    await symlink(path, join(directory, 'link'));
    expect(await readBounded(join(directory, 'link'), 3)).toEqual(Buffer.from([0xff, 0x00, 0x41]));
    expect(await readBoundedText(path, 3)).toBe('\ufffd\0A');
    await expect(readBounded(path, 2)).rejects.toThrow(/^it has 3 bytes, more than 2$/u);
    await writeFile(path, '');
    expect(await readBounded(path, 0)).toHaveLength(0);
  });

  it('reads to the end what tells no size', async () => {
    const environment = await readBoundedText('/proc/self/environ', 2 ** 20);
    expect(environment).toContain('PATH=');
    const { length } = Buffer.from(environment);
    expect(await readBounded('/proc/self/environ', length)).toHaveLength(length);
    await expect(readBounded('/proc/self/environ', length - 1)).rejects.toThrow(
      new RegExp(`^it has more than ${length - 1} bytes$`, 'u'),
    );
    // More than it makes room for at first.
    const maps = await readBoundedText('/proc/self/maps', 2 ** 24);
    expect(maps.length).toBeGreaterThan(4096);
    expect(maps).toMatch(/\n$/u);
  });

  it('refuses at once what is no file', async () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, directory, '/dev/zero']) {
      await expect(readBounded(path, 10)).rejects.toThrow(/^it is not a file$/u);
    }
  });

  it('leaves the system’s errors as they are', async () => {
    await expect(readBounded(join(directory, 'none'), 10)).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
