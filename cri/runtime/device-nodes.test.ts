import { mkdtemp, mkdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deviceNodesAt } from './device-nodes.ts';

test('a device node is described as the kernel has it, through a link too', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'estiba-'));
  const link = join(directory, 'link');
  await symlink('/dev/null', link);
  const [node] = await deviceNodesAt(link);
  expect(node).toMatchObject({ below: '', type: 'c', major: 1, minor: 3 });
  await rm(directory, { recursive: true });
});

test('below a directory no link is followed, and what a container has of its own is left out', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'estiba-'));
  await symlink('/dev/null', join(directory, 'stdin'));
  for (const name of ['fd', 'pts']) {
    await mkdir(join(directory, name));
  }
  expect(await deviceNodesAt(directory)).toEqual([]);
  const own = await deviceNodesAt('/dev');
  expect(own.map(({ below }) => below)).toEqual(expect.arrayContaining(['/null', '/zero']));
  expect(own.filter(({ below }) => /^\/(fd|pts|shm|mqueue|stdin|console)/u.test(below))).toEqual(
    [],
  );
  await rm(directory, { recursive: true });
});

test('a path that is not there, or that cannot be looked at, is told with why', async () => {
  await expect(deviceNodesAt('/dev/no-such-device')).rejects.toMatchObject({
    code: 'NotFound',
    message: 'cannot use device "/dev/no-such-device": no such file or directory',
  });
  await expect(deviceNodesAt('/dev/null/x')).rejects.toMatchObject({
    code: 'Internal',
    message: expect.stringMatching(/^cannot use device "\/dev\/null\/x": ENOTDIR/u),
  });
});

test('a directory of too many entries is refused, never given in part', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'estiba-'));
  for (const name of ['a', 'b', 'c']) {
    await mkdir(join(directory, name));
  }
  expect(await deviceNodesAt(directory, 3)).toEqual([]);
  await expect(deviceNodesAt(directory, 2)).rejects.toMatchObject({
    code: 'ResourceExhausted',
    message: `cannot use device "${directory}": it has more than 2 entries`,
  });
  await rm(directory, { recursive: true });
});
