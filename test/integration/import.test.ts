// Images come in through the real command line, and a container sees exactly what the layers say.
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildImage,
  dockerContent,
  ociContent,
  packArchive,
  writeLayout,
  type ImageInput,
} from '../../hack/images/build-image.ts';
import { findBusybox } from '../../hack/images/busybox-layer.ts';
import { Fixture } from '../lib/fixture.ts';
import {
  attributesOf,
  baseLayer,
  estiba,
  importImage,
  importOnBusybox,
  layerDirectories,
} from '../lib/images.ts';
import { containerConfig } from '../lib/pods.ts';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const small: ImageInput = {
  layers: [
    [
      { name: 'etc/', type: 'directory' },
      { name: 'etc/small', content: 'small\n' },
    ],
  ],
  config: { Cmd: ['sh'] },
  tags: ['localhost/small:1'],
};

/** What the server knows of a name. */
async function known(image: string) {
  return (await ground.server.client.image.imageStatus({ image: { image } })).image ?? undefined;
}

/** Imports bytes from standard input. */
const fromStdin = (bytes: Buffer, ...options: string[]) =>
  estiba(ground.server, ['images', 'import', ...options, '-'], bytes);

describe('estiba images import', () => {
  it.each([
    ['OCI', 'none', (bytes: Buffer) => bytes],
    ['OCI', 'gzip', (bytes: Buffer) => bytes],
    ['OCI', 'zstd', (bytes: Buffer) => bytes],
    ['OCI, gzipped as a whole,', 'none', (bytes: Buffer) => gzipSync(bytes)],
    ['OCI, zstd as a whole,', 'gzip', (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const)(
    'reads an %s archive with layers in %s from stdin',
    async (kind, compression, wrap) => {
      const tag = `localhost/kind:${kind.replaceAll(/\W+/gu, '-')}${compression}`;
      const built = buildImage({ ...small, tags: [tag], compression, config: { Cmd: [tag] } });
      const result = await fromStdin(wrap(packArchive(ociContent([built]))));
      expect(result).toMatchObject({ exitCode: 0, stderr: '' });
      expect(result.stdout).toContain(`${tag}  ${built.id}  `);
      expect(await known(tag)).toMatchObject({ id: built.id, repoTags: [tag] });
      await expect(readdir(join(ground.server.stateDir, 'ingest'))).resolves.toEqual([]);
    },
  );

  it('reads a docker archive and a layout directory', async () => {
    const docker = buildImage({ ...small, tags: ['localhost/docker:1'], config: { Cmd: ['d'] } });
    const result = await fromStdin(packArchive(dockerContent([docker])));
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await known('localhost/docker:1'))?.id).toBe(docker.id);
    const layout = buildImage({ ...small, tags: ['localhost/layout:1'], config: { Cmd: ['l'] } });
    const directory = join(ground.server.stateDir, 'layout');
    await mkdir(directory);
    await writeLayout(directory, ociContent([layout]));
    const second = await estiba(ground.server, ['images', 'import', directory]);
    expect(second).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await known('localhost/layout:1'))?.id).toBe(layout.id);
  });

  it('names an image by --tag, and tells how many layers it had already', async () => {
    const bytes = packArchive(ociContent([buildImage({ ...small, tags: [] })]));
    const result = await fromStdin(bytes, '--tag', 'localhost/named:2');
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.stdout).toContain('0 layers unpacked, 1 already present');
    expect((await known('localhost/named:2'))?.repoTags).toContain('localhost/named:2');
  });

  it('takes an image without layers, which a container runs and another one mounts', async () => {
    const image = 'localhost/without-layers:1';
    const built = buildImage({ layers: [], tags: [image], config: { Cmd: ['none'] } });
    const result = await fromStdin(packArchive(ociContent([built])));
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const busybox = { hostPath: findBusybox(), containerPath: '/own/busybox', readonly: true };
    const script = 'cd /; /own/busybox touch written; echo *; /own/busybox stat -c %a /';
    const alone = containerConfig('', {
      image: { image },
      command: ['/own/busybox', 'sh', '-c', script],
      mounts: [busybox],
    });
    expect(await ground.outcome(alone)).toMatchObject({
      stderr: '',
      stdout: 'dev etc own proc sys written\n755\n',
    });
    const volume = { image: { image }, containerPath: '/volume', readonly: true };
    const found = await ground.outcome(containerConfig('ls -A /volume', { mounts: [volume] }));
    expect(found).toMatchObject({ status: { exitCode: 0 }, stdout: '', stderr: '' });
  });

  it('says what is wrong with a file, in one line', async () => {
    const nowhere = await estiba(ground.server, ['images', 'import', '/no/such/file']);
    expect(nowhere).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: 'error: cannot read image archive "/no/such/file": no such file\n',
    });
    const text = await fromStdin(Buffer.from('this is no archive\n'.repeat(100)));
    expect(text.exitCode).toBe(1);
    expect(text.stderr).toMatch(/^error: cannot [^\n]*\n$/u);
    const nothing = await fromStdin(Buffer.alloc(0));
    expect(nothing.stderr).toMatch(/^error: cannot [^\n]*\n$/u);
    const cut = packArchive(ociContent([buildImage({ ...small, config: { Cmd: ['cut'] } })]));
    const truncated = await fromStdin(cut.subarray(0, cut.length - 3000));
    expect(truncated.stderr).toMatch(/^error: cannot [^\n]*\n$/u);
    await expect(readdir(join(ground.server.stateDir, 'ingest'))).resolves.toEqual([]);
  });

  it('refuses wrong digests of layer, config and diff id', async () => {
    // A layer that is there already is not read again: this one must be new.
    const layers = [[{ name: 'wrong', content: 'right\n' }]];
    const built = buildImage({ layers, tags: ['localhost/wrong:1'] });
    for (const { digest } of [{ digest: built.id }, ...built.layers]) {
      const content = ociContent([built]);
      const name = `blobs/${digest.replace(':', '/')}`;
      const bytes = Buffer.from(content.get(name) as Buffer);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      content.set(name, bytes);
      const result = await fromStdin(packArchive(content));
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain(digest.slice('sha256:'.length));
    }
    expect(await known('localhost/wrong:1')).toBeUndefined();
  });
});

describe('what a container sees of its layers', () => {
  const seen = async (tag: string, script: string): Promise<string> => {
    const config = containerConfig(script, { image: { image: tag } });
    const found = await ground.outcome(config);
    expect(found).toMatchObject({ stderr: '', status: { exitCode: 0 } });
    return found.stdout;
  };

  it('is without what whiteouts removed, and opaque directories are new', async () => {
    const tag = 'localhost/whiteouts:1';
    await importOnBusybox(ground.server, tag, [
      [
        { name: 'd/', type: 'directory' },
        { name: 'd/sub/', type: 'directory' },
        { name: 'd/sub/lower', content: 'lower' },
        { name: 'd/gone', content: 'gone' },
        { name: 'd/was-a-dir/', type: 'directory' },
        { name: 'd/was-a-dir/x', content: 'x' },
        { name: 'd/was-a-file', content: 'file' },
      ],
      [
        { name: 'd/', type: 'directory' },
        { name: 'd/.wh.gone' },
        { name: 'd/sub/', type: 'directory', mode: 0o711 },
        { name: 'd/sub/.wh..wh..opq' },
        { name: 'd/sub/upper', content: 'upper' },
        { name: 'd/.wh.was-a-dir' },
        { name: 'd/was-a-dir', content: 'now a file\n' },
        { name: 'd/.wh.was-a-file' },
        { name: 'd/was-a-file/', type: 'directory' },
        { name: 'd/was-a-file/y', content: 'y' },
      ],
    ]);
    const script = 'cd /d; find . | sort; stat -c %a sub; cat was-a-dir';
    expect(await seen(tag, script)).toBe(
      '.\n./sub\n./sub/upper\n./was-a-dir\n./was-a-file\n./was-a-file/y\n711\nnow a file\n',
    );
  });

  it('has modes, owners, times, links, devices, pipes and xattrs as archived', async () => {
    const tag = 'localhost/kinds:1';
    const long = `long/${'n'.repeat(200)}`;
    await importOnBusybox(ground.server, tag, [
      [
        { name: 'k/', type: 'directory', mode: 0o1777, uid: 5, gid: 6, mtime: 86_400 },
        { name: 'k/suid', content: 'x', mode: 0o4755, uid: 7, gid: 8, mtime: 1_000_000_000 },
        { name: 'k/sgid', content: 'x', mode: 0o2711, uid: 7, gid: 8 },
        { name: 'k/hard', type: 'hardlink', linkName: 'k/suid' },
        { name: 'k/soft', type: 'symlink', linkName: '../k/suid', uid: 9 },
        { name: 'k/out', type: 'symlink', linkName: '/../../etc/hostname' },
        { name: 'k/null', type: 'char', devMajor: 1, devMinor: 3, mode: 0o666 },
        { name: 'k/disk', type: 'block', devMajor: 7, devMinor: 200, mode: 0o600 },
        { name: 'k/pipe', type: 'fifo', mode: 0o640 },
        { name: 'k/big-id', content: '', uid: 100_000, gid: 2_000_000 },
        { name: `${long}/`, type: 'directory' },
        { name: `${long}/${'f'.repeat(200)}`, content: 'pax\n' },
        { name: `${long}/${'g'.repeat(200)}`, content: 'gnu\n', gnuLongNames: true },
        { name: 'k/höhe ☃', content: 'unicode\n' },
        {
          name: 'k/attr',
          content: '',
          xattrs: { 'user.note': 'kept', 'user.bin': Buffer.from([0, 255]) },
        },
      ],
    ]);
    const script = [
      'cd /k; stat -c "%n %f %u %g %Y" . suid sgid',
      'stat -c "%n %u:%g %h" suid hard big-id',
      'test $(stat -c %i suid) = $(stat -c %i hard) && echo same',
      'readlink soft; readlink out; stat -c %u soft',
      'stat -c "%F %t %T %a" null disk pipe',
      'cat /long/*/fff* /long/*/ggg* "höhe ☃"',
    ].join('\n');
    expect((await seen(tag, script)).split('\n')).toEqual([
      '. 43ff 5 6 86400',
      'suid 89ed 7 8 1000000000',
      'sgid 85c9 7 8 0',
      'suid 7:8 2',
      'hard 7:8 2',
      'big-id 100000:2000000 1',
      'same',
      '../k/suid',
      '/../../etc/hostname',
      '9',
      'character special file 1 3 666',
      'block special file 7 c8 600',
      'fifo 0 0 640',
      'pax',
      'gnu',
      'unicode',
      '',
    ]);
    const [top = ''] = await layerDirectories(ground.server, tag);
    expect(await attributesOf(join(top, 'k/attr'))).toEqual([
      'user.bin=\0\u00FF',
      'user.note=kept',
    ]);
  });

  it('keeps links of the base when a layer only implies their directories', async () => {
    const tag = 'localhost/implied:1';
    const base = [
      ...baseLayer(),
      { name: 'opt/', type: 'directory' as const },
      { name: 'opt/real/', type: 'directory' as const, mode: 0o750 },
      { name: 'opt/real/file', content: 'of the base\n' },
      { name: 'opt/link', type: 'symlink' as const, linkName: 'real' },
    ];
    await importImage(ground.server, {
      layers: [
        base,
        // No directory entries, a hard link to the layer below, and a path through its symlink.
        [
          { name: 'tmp/implied', content: 'implied\n' },
          { name: 'opt/again', type: 'hardlink', linkName: 'opt/real/file' },
          { name: 'opt/link/through', content: 'through\n' },
        ],
      ],
      tags: [tag],
    });
    const script =
      'stat -c %a /tmp /opt/real; cat /tmp/implied /opt/again /opt/real/through; readlink /opt/link';
    expect(await seen(tag, script)).toBe('1777\n750\nimplied\nof the base\nthrough\nreal\n');
  });

  it('keeps holes and sizes of sparse files', async () => {
    const tag = 'localhost/sparse:1';
    const map = '0,5,1048576,5';
    const pax = { 'GNU.sparse.major': '0', 'GNU.sparse.minor': '1', 'GNU.sparse.map': map };
    const sparse = {
      name: 'GNUSparseFile.0/holes',
      content: 'startend!\n',
      pax: { ...pax, 'GNU.sparse.size': '2097152', 'GNU.sparse.name': 'holes' },
    };
    await importOnBusybox(ground.server, tag, [[sparse]]);
    const script =
      'stat -c %s /holes; head -c 5 /holes; tail -c +1048577 /holes | head -c 5; du -k /holes';
    const [size, text, used = ''] = (await seen(tag, script)).split('\n');
    expect([size, text]).toEqual(['2097152', 'startend!']);
    expect(Number.parseInt(used, 10)).toBeLessThan(64);
  });
});
