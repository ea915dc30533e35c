// Images mounted as volumes, by either way of mounting and in user namespaces.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Fixture } from '../lib/fixture.ts';
import { importImage, importOnBusybox, layerDirectories } from '../lib/images.ts';
import { containerConfig, eventually, exec, statusOf } from '../lib/pods.ts';
import { base, mapped } from '../lib/userns.ts';

const { MountPropagation } = runtime.v1;
const data = 'localhost/estiba/data:latest';
const single = 'localhost/estiba/single:latest';

type Mount = runtime.v1.Mount.$Properties;

const image = (change: Mount = {}): Mount => ({
  containerPath: '/image',
  readonly: true,
  image: { image: data },
  ...change,
});

async function importAll(ground: Fixture): Promise<void> {
  await importOnBusybox(ground.server, data, [
    [
      { name: 'models/', type: 'directory', mode: 0o750, uid: 33, gid: 33 },
      { name: 'models/one', content: 'one\n', uid: 33, gid: 33, mode: 0o640 },
      { name: 'lower', content: 'hidden\n' },
      { name: 'models/up', type: 'symlink', linkName: '../../../../../../..' },
      { name: 'inside', type: 'symlink', linkName: '/models' },
      { name: 'outside', type: 'symlink', linkName: '../../../../../../../tmp' },
      { name: 'magic', type: 'symlink', linkName: '/proc/self/cwd' },
    ],
    [
      { name: 'lower', content: 'top\n' },
      { name: 'models/.wh.gone', content: '' },
    ],
  ]);
  await importImage(ground.server, {
    layers: [
      [
        { name: 'file', content: 'alone\n' },
        { name: '.wh.none', content: '' },
      ],
    ],
    tags: [single],
  });
}

for (const [way, legacyMounts, pod] of [
  ['', false, {}],
  [' with legacy_mounts', true, {}],
  [' in a user namespace', false, mapped(base)],
  [' in a user namespace with legacy_mounts', true, mapped(base)],
] as const) {
  describe(`an image as a volume${way}`, () => {
    let ground: Fixture;

    beforeAll(async () => {
      ground = await Fixture.start({ legacyMounts }, pod);
      await importAll(ground);
    });

    afterAll(async () => {
      expect(await ground.server.stop()).toEqual([]);
    });

    it('shows all its layers, cannot be written, and its programs run', async () => {
      const script =
        'cat /image/lower /image/models/one; stat -c "%u:%g %a" /image/models; touch /image/x; /image/bin/busybox echo ran';
      const found = await ground.outcome(containerConfig(script, { mounts: [image()] }));
      expect(found.stdout).toBe('top\none\n33:33 750\nran\n');
      expect(found.stderr).toContain('Read-only file system');
    });

    it('may be of one layer, shown several times, and hold no whiteouts', async () => {
      const mounts = [
        image({ image: { image: single } }),
        image({ image: { image: single }, containerPath: '/again' }),
        image({ containerPath: '/image/../third' }),
      ];
      const found = await ground.outcome(
        containerConfig('ls -A /image; cat /again/file /third/lower', { mounts }),
      );
      expect(found).toMatchObject({ stderr: '', stdout: 'file\nalone\ntop\n' });
    });

    it('may show one of its directories, found in the image', async () => {
      const at = (imageSubPath: string, containerPath: string) =>
        image({ imageSubPath, containerPath });
      const mounts = [
        at('models', '/a'),
        at('inside', '/b'),
        at('outside', '/c'),
        at('magic', '/d'),
      ];
      const shown = mounts.slice(0, 3);
      const script = 'cat /a/one /b/one; ls /a/; ls -A /c';
      const found = await ground.outcome(containerConfig(script, { mounts: shown }));
      // The link climbs to the root of the image and no higher: its /tmp is empty.
      expect(found).toMatchObject({ stderr: '', stdout: 'one\none\none\nup\n' });
      await expect(ground.create(containerConfig('true', { mounts }))).rejects.toThrow(
        /ImageVolumeMountFailed: .*image_sub_path "magic"/u,
      );
    });
  });
}

describe('the image of a volume', () => {
  let ground: Fixture;

  beforeAll(async () => {
    ground = await Fixture.start();
    await importAll(ground);
  });

  afterAll(async () => {
    expect(await ground.server.stop()).toEqual([]);
  });

  it('is told in the status, with the mount as it was asked for', async () => {
    const { image: found } = await ground.server.client.image.imageStatus({
      image: { image: data },
    });
    const mount = image({ image: { image: data, userSpecifiedImage: 'data' } });
    const id = await ground.create(containerConfig('true', { mounts: [mount] }));
    const [shown] = (await statusOf(ground.server, id)).mounts ?? [];
    expect(shown).toMatchObject({ containerPath: '/image', readonly: true, hostPath: '' });
    expect(shown?.image).toMatchObject({
      image: data,
      imageRef: found?.id,
      userSpecifiedImage: 'data',
    });
  });

  it('is refused by name when it or its directory is missing, and nothing is left', async () => {
    const cases: [Mount, RegExp][] = [
      [
        image({ image: { image: 'no/such:1' } }),
        /NOT_FOUND: ImageVolumeMountFailed: .*"no\/such:1"/u,
      ],
      [
        image({ imageSubPath: 'none' }),
        /NOT_FOUND: ImageVolumeMountFailed: .*"none".*no such file/iu,
      ],
      [
        image({ imageSubPath: 'lower' }),
        /INVALID_ARGUMENT: ImageVolumeMountFailed: .*not a directory/iu,
      ],
      [image({ imageSubPath: '../etc' }), /ImageVolumeMountFailed: .*not a path inside/u],
      [image({ readonly: false }), /ImageVolumeMountFailed: .*readonly/u],
      [image({ hostPath: '/etc' }), /ImageVolumeMountFailed: .*host_path/u],
      [
        image({ propagation: MountPropagation.PROPAGATION_BIDIRECTIONAL }),
        /ImageVolumeMountFailed: .*bidirectional/u,
      ],
      [image({ containerPath: '/proc/x' }), /procfs/u],
    ];
    const before = await ground.server.client.runtime.listContainers({});
    for (const [mount, why] of cases) {
      await expect(ground.create(containerConfig('true', { mounts: [mount] }))).rejects.toThrow(
        why,
      );
    }
    const after = await ground.server.client.runtime.listContainers({});
    expect(after.containers?.length).toBe(before.containers?.length);
  });

  it('takes options on top', async () => {
    const mounts = [image({ mountOptions: ['noexec'] })];
    const found = await ground.outcome(containerConfig('/image/bin/busybox true', { mounts }));
    expect(found.stderr).toContain('Permission denied');
  });

  it('keeps its layers as long as a container shows them, over a restart too', async () => {
    const tag = 'localhost/estiba/removed:latest';
    await importImage(ground.server, {
      layers: [[{ name: 'kept', content: 'kept\n' }]],
      tags: [tag],
    });
    const [layer = ''] = await layerDirectories(ground.server, tag);
    const id = await ground.wait({ mounts: [image({ image: { image: tag } })] });
    await ground.server.client.image.removeImage({ image: { image: tag } });
    const { images } = await ground.server.client.image.listImages({});
    expect(images?.flatMap(({ repoTags }) => repoTags)).not.toContain(tag);
    await ground.server.stopServing();
    await ground.server.serve();
    expect((await exec(ground.server, id, 'cat /image/kept')).stdout).toBe('kept\n');
    expect((await stat(layer)).isDirectory()).toBe(true);
    await ground.server.client.runtime.removeContainer({ containerId: id });
    await eventually(async () => {
      const left = await readdir(join(layer, '..')).catch(() => []);
      expect(left).not.toContain(layer.split('/').at(-1));
    });
  });

  it('leaves no mount on the host', async () => {
    const id = await ground.wait({ mounts: [image()] });
    const table = await exec(ground.server, id, 'grep -c " /image " /proc/self/mountinfo');
    expect(table.stdout).toBe('1\n');
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(ground.server.stateDir);
  });
});
