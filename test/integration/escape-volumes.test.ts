// Published escapes by way of volumes: what an image declares as its own, and what a pod's users do to
// directories that they share. Races of single mounts are in cri/native/isolator/tests/races.rs.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TarInput } from '../../hack/images/tar-writer.ts';
import { Fixture } from '../lib/fixture.ts';
import { importOnBusybox } from '../lib/images.ts';
import { containerConfig } from '../lib/pods.ts';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const link = (name: string, linkName: string): TarInput => ({ name, linkName, type: 'symlink' });

let counter = 0;

/** An image with these links that declares these volumes. */
async function image(layer: readonly TarInput[], volumes: readonly string[]): Promise<string> {
  const tag = `localhost/estiba/volumes-${(counter += 1)}:latest`;
  const Volumes = Object.fromEntries(volumes.map((path) => [path, {}]));
  await importOnBusybox(ground.server, tag, [layer], { Volumes });
  return tag;
}

describe('CVE-2022-23648, -2023-25809: a volume that an image declares, by way of a link,', () => {
  it.each([
    ['the host’s devices', '/sys', '/door/kernel', '/sys'],
    ['all of them', '/sys', '/door', '/sys'],
    ['the container’s limits', '/sys/fs/cgroup', '/a/door', '/sys/fs/cgroup'],
  ])('makes nothing writable of %s', async (_what, target, volume, place) => {
    const tag = await image([link('door', target), link('a/door', target)], [volume]);
    const script = `grep ' ${place}' /proc/self/mounts`;
    const found = await ground.outcome(containerConfig(script, { image: { image: tag } }));
    const lines = found.stdout.trim().split('\n');
    for (const line of lines) {
      expect(line).toMatch(/ ro,/u);
    }
  });

  it('makes nothing writable of a volume that the pod has read-only, and nothing in one', async () => {
    const hostPath = await ground.directory('read-only');
    await mkdir(join(hostPath, 'sub'));
    await writeFile(join(hostPath, 'sub', 'file'), 'as it was');
    const tag = await image(
      [link('a/b', '/volume'), { name: 'deep/', type: 'directory' }, link('deep/x', '/volume')],
      ['/a/b/sub', '/deep/x', '/a/b/made'],
    );
    const script = 'echo changed >/volume/sub/file; touch /volume/new; ls /volume';
    for (const readonly of [true, false]) {
      const mounts = [{ hostPath, containerPath: '/volume', readonly }];
      const config = containerConfig(readonly ? script : 'ls /volume', {
        image: { image: tag },
        mounts,
      });
      const found = await ground.outcome(config);
      expect(found.stdout).toBe('sub\n');
      expect(found.stderr.match(/Read-only file system/gu) ?? []).toHaveLength(readonly ? 2 : 0);
    }
  });

  it('is made all the same where a link leads to another place of the image', async () => {
    const layer = [link('a/b', '/data'), { name: 'data/', type: 'directory' as const }];
    const tag = await image(layer, ['/data', '/a/b/below', '/data/deep/er']);
    const script = 'ls /data; touch /data/x /a/b/below/x /data/deep/er/x && echo written';
    const found = await ground.outcome(containerConfig(script, { image: { image: tag } }));
    expect(found).toMatchObject({ stderr: '', stdout: 'below\ndeep\nwritten\n' });
  });
});
