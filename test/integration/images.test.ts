// Images as CRI shows them: names, ids, users, removal by any of them, use by containers, restarts.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage, ociContent, packArchive } from '../../hack/images/build-image.ts';
import { Fixture } from '../lib/fixture.ts';
import { estiba, importImage, importOnBusybox } from '../lib/images.ts';
import { containerConfig, eventually, exec, statusOf } from '../lib/pods.ts';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const call = () => ground.server.client.image;
const image = async (name: string) => (await call().imageStatus({ image: { image: name } })).image;
/** Names of the stored layers' trees; beside each stands its record. */
const layers = async () =>
  (await readdir(join(ground.server.stateDir, 'layers'))).filter((name) =>
    /^[0-9a-f]+$/u.test(name),
  );

const small = (text: string, tags: readonly string[]) => ({
  layers: [[{ name: text, content: text }]],
  tags,
  config: { Cmd: [text] },
});

describe('an image', () => {
  it('is the same by id, id without algorithm, prefix, tag, short tag and digest', async () => {
    const built = await importImage(ground.server, small('same', ['docker.io/library/same:1']));
    const digest = `docker.io/library/same@${built.manifestDigest}`;
    const first = await image(built.id);
    expect(first).toMatchObject({
      id: built.id,
      repoTags: ['docker.io/library/same:1'],
      repoDigests: [digest],
      username: '',
      pinned: false,
    });
    expect(Number(first?.size)).toBeGreaterThan(0);
    const bare = built.id.slice('sha256:'.length);
    for (const name of [bare, bare.slice(0, 12), 'same:1', 'library/same:1', digest]) {
      expect(await image(name)).toEqual(first);
    }
    const { images } = await call().listImages({ filter: { image: { image: 'same:1' } } });
    expect(images).toEqual([first]);
    const { images: none } = await call().listImages({ filter: { image: { image: 'no:1' } } });
    expect(none).toEqual([]);
  });

  it('that is absent is an answer without image; no name is an error', async () => {
    expect(await image('localhost/absent:1')).toBeNull();
    await expect(image('')).rejects.toThrow(/INVALID_ARGUMENT/u);
    await expect(call().removeImage({ image: { image: '' } })).rejects.toThrow(/INVALID_ARGUMENT/u);
    await call().removeImage({ image: { image: 'localhost/absent:1' } });
    await call().removeImage({ image: { image: `sha256:${'0'.repeat(64)}` } });
  });

  it.each([
    ['1002', 1002, ''],
    ['www-data', undefined, 'www-data'],
    ['1003:1004', 1003, ''],
    ['www-data:1004', undefined, 'www-data'],
    ['', undefined, ''],
  ])('with USER "%s" tells uid %s or user name "%s"', async (User, uid, username) => {
    const tag = 'localhost/user:1';
    await importImage(ground.server, { layers: [[]], tags: [tag], config: { User } });
    const found = await image(tag);
    expect(found?.uid ? Number(found.uid.value) : undefined).toBe(uid);
    expect(found?.username).toBe(username);
  });

  it('has all its names, and goes with all of them when one is removed', async () => {
    const tags = ['localhost/many:1', 'localhost/many:2', 'other.example/many:1'];
    const built = await importImage(ground.server, small('many', tags));
    expect((await image(built.id))?.repoTags?.toSorted()).toEqual(tags);
    await call().removeImage({ image: { image: 'localhost/many:2' } });
    for (const name of [...tags, built.id]) {
      expect(await image(name)).toBeNull();
    }
  });

  it('loses a name to the image that takes it', async () => {
    const old = await importImage(ground.server, small('old', ['localhost/moves:1']));
    const young = await importImage(ground.server, small('young', ['localhost/moves:1']));
    expect((await image('localhost/moves:1'))?.id).toBe(young.id);
    expect((await image(old.id))?.repoTags).toEqual([]);
  });

  it('can be removed by five at once, and is gone after each', async () => {
    const built = await importImage(ground.server, small('five', ['localhost/five:1']));
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        await call().removeImage({ image: { image: built.id } });
        expect(await image(built.id)).toBeNull();
      }),
    );
  });

  it('can be imported by several at once, unpacked once', async () => {
    const bytes = packArchive(ociContent([buildImage(small('twice', ['localhost/twice:1']))]));
    const before = await layers();
    const results = await Promise.all(
      [1, 2, 3].map(() => estiba(ground.server, ['images', 'import', '-'], bytes)),
    );
    expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(
      results.map(() => [0, '']),
    );
    expect((await layers()).filter((name) => !before.includes(name))).toHaveLength(1);
  });
});

describe('an image in use', () => {
  it('can be removed; its containers run on and its layers go with the last of them', async () => {
    const tag = 'localhost/used:1';
    const built = await importOnBusybox(ground.server, tag, [[{ name: 'mark', content: 'm\n' }]]);
    const id = await ground.wait({ image: { image: built.id } });
    expect(await statusOf(ground.server, id)).toMatchObject({
      imageId: built.id,
      image: { image: tag },
    });
    const before = (await layers()).length;
    await call().removeImage({ image: { image: tag } });
    expect(await image(tag)).toBeNull();
    await expect(ground.create(containerConfig('true', { image: { image: tag } }))).rejects.toThrow(
      /NOT_FOUND/u,
    );
    expect((await exec(ground.server, id, 'cat /mark; ls /bin/sh')).stdout).toBe('m\n/bin/sh\n');
    await ground.server.stopServing();
    await ground.server.serve();
    expect((await exec(ground.server, id, 'cat /mark')).stdout).toBe('m\n');
    await ground.server.client.runtime.removeContainer({ containerId: id });
    await eventually(async () => expect((await layers()).length).toBeLessThan(before), 5000);
  });

  it('makes containers by bare id, by digest and with the name as the user wrote it', async () => {
    const tag = 'localhost/by-name:1';
    const built = await importOnBusybox(ground.server, tag, [[{ name: 'n', content: 'n' }]]);
    const digest = `localhost/by-name@${built.manifestDigest}`;
    for (const name of [built.id, built.id.slice(7), digest, tag]) {
      const userSpecifiedImage = 'as-written';
      const id = await ground.create(
        containerConfig('true', { image: { image: name, userSpecifiedImage } }),
      );
      const status = await statusOf(ground.server, id);
      expect(status).toMatchObject({ imageId: built.id, imageRef: digest });
      expect(status.image?.userSpecifiedImage).toBe(userSpecifiedImage);
      await ground.server.client.runtime.removeContainer({ containerId: id });
    }
  });
});

describe('the store', () => {
  it('shows the same images, and their usage, to a server that starts anew', async () => {
    const shown = async () => JSON.stringify((await call().listImages({})).images);
    const usage = async () => {
      const { imageFilesystems, containerFilesystems } = await call().imageFsInfo({});
      const [first] = imageFilesystems ?? [];
      expect(containerFilesystems).toHaveLength(1);
      return [
        first?.fsId?.mountpoint,
        Number(first?.usedBytes?.value),
        Number(first?.inodesUsed?.value),
      ];
    };
    const before = [await shown(), await usage()];
    await ground.server.stopServing('SIGKILL');
    await ground.server.serve();
    expect([await shown(), await usage()]).toEqual(before);
    const [, [mountpoint, bytes, inodes]] = before as [string, [string, number, number]];
    expect(mountpoint).toBe(ground.server.stateDir);
    expect(bytes).toBeGreaterThan(100_000);
    expect(inodes).toBeGreaterThan(10);
  });

  it('counts what goes', async () => {
    const used = async () =>
      Number((await call().imageFsInfo({})).imageFilesystems?.[0]?.usedBytes?.value);
    const big = Buffer.alloc(4 * 1024 * 1024, 'x');
    const before = await used();
    await importImage(ground.server, {
      layers: [[{ name: 'big', content: big }]],
      tags: ['localhost/big:1'],
    });
    expect((await used()) - before).toBeGreaterThanOrEqual(big.length);
    await call().removeImage({ image: { image: 'localhost/big:1' } });
    await eventually(async () => expect(await used()).toBe(before), 5000);
  });
});
