// Pulls from a real registry through the socket: names, ids, credentials, joined and canceled pulls.
import { execFile } from 'node:child_process';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BuiltImage } from '../../hack/images/build-image.ts';
import { eventually, runPod } from '../lib/pods.ts';
import { containerConfig, createContainer, exited, podConfig, readLog } from '../lib/pods.ts';
import { estiba } from '../lib/images.ts';
import { aroundPulls, noise, onBusybox, type PullGround } from '../lib/pulls.ts';
import { binaries } from '../lib/test-server.ts';
import { DockerRegistry, user } from '../registry/docker-registry.ts';

const run = promisify(execFile);
let ground: PullGround;

aroundPulls({
  made: (one) => {
    ground = one;
  },
});

/** Digests of an image's own layers, bottom to top; busybox may be there from a test before. */
function digests(image: BuiltImage): string[] {
  return image.layers.slice(1).map(({ digest }) => digest);
}

function layerBlobsAsked(...images: BuiltImage[]): string[] {
  const layers = new Set(images.flatMap(digests));
  return ground.blobsAsked.filter((digest) => layers.has(digest));
}

describe('a pull', () => {
  it('answers the image id, and a container runs from it', async () => {
    const image = onBusybox([[{ name: 'greeting', content: 'hello from afar\n' }]], {
      compression: 'gzip',
      config: { Cmd: ['cat', '/greeting'] },
    });
    const name = await ground.push('team/app', '1', image);
    const id = await ground.pull(name);
    expect(id).toBe(image.id);
    expect(await ground.status(name)).toMatchObject({
      id,
      repoTags: [name],
      repoDigests: [`${ground.proxy.host}/team/app@${image.manifestDigest}`],
    });
    const { server } = ground;
    const pod = podConfig({ logDirectory: join(server.stateDir, 'logs') });
    const sandboxId = await runPod(server, pod);
    const config = containerConfig([], { image: { image: id }, logPath: 'pulled.log' });
    const containerId = await createContainer(server, sandboxId, pod, config);
    await server.client.runtime.startContainer({ containerId });
    const status = await exited(server, containerId);
    expect(status).toMatchObject({ exitCode: 0, imageId: id });
    const lines = await readLog(status.logPath ?? '');
    expect(lines.map(({ text }) => text)).toEqual(['hello from afar']);
  });

  it('by digest gives no tag; by two tags gives one image with both', async () => {
    const image = onBusybox([[{ name: 'a', content: 'digest' }]]);
    const one = await ground.push('team/app', 'one', image);
    const two = await ground.push('team/app', 'two', image);
    const byDigest = `${ground.proxy.host}/team/app@${image.manifestDigest}`;
    expect(await ground.pull(byDigest)).toBe(image.id);
    expect(await ground.status(byDigest)).toMatchObject({ repoTags: [], repoDigests: [byDigest] });
    expect(await ground.pull(one)).toBe(image.id);
    expect(await ground.pull(two)).toBe(image.id);
    const status = await ground.status(image.id);
    expect(status).toMatchObject({ repoTags: [one, two], repoDigests: [byDigest] });
    expect(await ground.status(byDigest)).toEqual(status);
  });

  it('of an image that is there asks for nothing but the digest of its tag', async () => {
    const name = await ground.push('team/app', '1', onBusybox([[{ name: 'a', content: 'here' }]]));
    await ground.pull(name);
    ground.proxy.asked.length = 0;
    await ground.pull(name);
    expect(ground.proxy.asked).toEqual(['HEAD /v2/team/app/manifests/1']);
  });

  it('of a tag that has moved gives the tag to the new image', async () => {
    const old = onBusybox([[{ name: 'a', content: 'old' }]]);
    const next = onBusybox([[{ name: 'a', content: 'new' }]]);
    const name = await ground.push('team/app', 'moving', old);
    expect(await ground.pull(name)).toBe(old.id);
    await ground.push('team/app', 'moving', next);
    expect(await ground.pull(name)).toBe(next.id);
    expect(await ground.status(name)).toMatchObject({ id: next.id });
    expect(await ground.status(old.id)).toMatchObject({ id: old.id, repoTags: [] });
  });

  it('reads gzip, zstd and plain layers', async () => {
    for (const compression of ['none', 'gzip', 'zstd'] as const) {
      const image = onBusybox([[{ name: 'a', content: compression }]], { compression });
      const name = await ground.push('team/app', compression, image);
      expect(await ground.pull(name)).toBe(image.id);
    }
  });

  it('reads Docker’s form of all of them', async () => {
    for (const compression of ['none', 'gzip', 'zstd'] as const) {
      const image = onBusybox([[{ name: 'a', content: `docker ${compression}` }]], { compression });
      const name = await ground.push('team/docker', compression, inDockersForm(image));
      expect(await ground.pull(name)).toBe(image.id);
    }
  });

  it('of a layer that needs those below it fetches each blob once', async () => {
    // A hard link to a file of the layer below: unpacked alone first, then on top of it.
    const link = { name: 'bin/again', type: 'hardlink', linkName: 'bin/busybox' } as const;
    const image = onBusybox([[link], [{ name: 'tmp/implied/x', content: 'x' }]]);
    const name = await ground.push('team/app', 'links', image);
    expect(await ground.pull(name)).toBe(image.id);
    expect(layerBlobsAsked(image).sort()).toEqual(digests(image).sort());
  });
});

describe('pulls at the same time', () => {
  it('of one image are one pull', async () => {
    const image = onBusybox([noise(5_000_000)]);
    const name = await ground.push('team/app', 'same', image);
    const ids = await Promise.all(Array.from({ length: 5 }, () => ground.pull(name)));
    expect(ids).toEqual(Array.from({ length: 5 }, () => image.id));
    expect(layerBlobsAsked(image).sort()).toEqual(digests(image).sort());
  });

  it('of images that share layers fetch each layer once', async () => {
    const shared = noise(5_000_000);
    const images = ['x', 'y', 'z'].map((content) => onBusybox([shared, [{ name: 'a', content }]]));
    const names = await Promise.all(
      images.map((image, index) => ground.push(`team/app${index}`, '1', image)),
    );
    const ids = await Promise.all(names.map((name) => ground.pull(name)));
    expect(ids).toEqual(images.map(({ id }) => id));
    expect(layerBlobsAsked(...images).sort()).toEqual([...new Set(images.flatMap(digests))].sort());
  });
});

describe('a pull that its caller gives up', () => {
  const slowly = { kind: 'throttle', bytesPerSecond: 2_000_000 } as const;

  it('ends, leaves nothing that is listed, and the next one goes on where it was', async () => {
    const image = onBusybox([noise(8_000_000)]);
    const name = await ground.push('team/app', 'given-up', image);
    ground.proxy.plan = ({ path }) => (path.includes('/blobs/') ? slowly : undefined);
    const abort = new AbortController();
    const pulling = ground.pull(name, { signal: abort.signal });
    await eventually(async () => expect(ground.proxy.sentBytes).toBeGreaterThan(3_000_000));
    abort.abort();
    await expect(pulling).rejects.toThrow(/CANCELLED/u);
    expect(await ground.status(name)).toBeUndefined();
    ground.proxy.plan = () => undefined;
    await eventually(async () => {
      const { log } = ground.server;
      expect(log).toMatch(/"operation":"PullImage"[^\n]*"code":"Canceled"/u);
    });
    expect(await ground.pull(name)).toBe(image.id);
    const size = image.layers.reduce((sum, { blob }) => sum + blob.length, 0);
    // What was on its way when the pull ended is lost: the proxy's and the kernel's buffers.
    expect(ground.proxy.sentBytes).toBeLessThan(size * 1.5);
    expect(await partials()).toEqual([]);
  });

  it('goes on while somebody else waits for it', async () => {
    const image = onBusybox([noise(4_000_000)]);
    const name = await ground.push('team/app', 'shared', image);
    ground.proxy.plan = ({ path }) => (path.includes('/blobs/') ? slowly : undefined);
    const abort = new AbortController();
    const first = ground.pull(name, { signal: abort.signal });
    const second = ground.pull(name);
    await eventually(async () => expect(ground.proxy.sentBytes).toBeGreaterThan(1_000_000));
    abort.abort();
    await expect(first).rejects.toThrow(/CANCELLED/u);
    expect(await second).toBe(image.id);
    expect(layerBlobsAsked(image).sort()).toEqual(digests(image).sort());
  });

  it('by its deadline is told so', async () => {
    const name = await ground.push('team/app', 'late', onBusybox([[{ name: 'a', content: 'l' }]]));
    await expect(ground.pull(name, { deadlineMs: 1 })).rejects.toThrow(/DEADLINE_EXCEEDED/u);
  });
});

describe('a registry behind TLS and a password', () => {
  let secured: DockerRegistry | undefined;
  let name: string;
  let id: string;

  beforeAll(async () => {
    if (ground !== undefined) {
      const { certificates } = ground.ground;
      secured = await ground.ground.registry({ tls: certificates.server, auth: 'password' });
      const image = onBusybox([[{ name: 'a', content: 'secret' }]]);
      await ground.push('team/private', '1', image);
      name = `${secured.host}/team/private:1`;
      id = image.id;
    }
  });

  afterAll(async () => {
    await secured?.[Symbol.asyncDispose]();
  });

  beforeEach(async () => {
    const { ca } = ground.ground.certificates;
    const text = `server = "${secured?.url}"\nca = "${ca.certificateFile}"\n`;
    await ground.writeHosts(secured?.host ?? '', text);
    await rm(ground.authFile, { force: true });
  });

  it('gets the credentials of the pull', async () => {
    expect(await ground.pull(name, { auth: user })).toBe(id);
  });

  it('gets those of the auth file', async () => {
    const auth = Buffer.from(`${user.username}:${user.password}`).toString('base64');
    const auths = { [secured?.host ?? '']: { auth } };
    await writeFile(ground.authFile, JSON.stringify({ auths }));
    expect(await ground.pull(name)).toBe(id);
  });

  it('gets those of a credential helper, which the launcher runs', async () => {
    const helper = join(ground.ground.directory, 'docker-credential-test');
    const answer = JSON.stringify({ Username: user.username, Secret: user.password });
    await writeFile(helper, `#!/bin/sh\ncat >/dev/null\necho '${answer}'\n`);
    await chmod(helper, 0o755);
    await writeFile(ground.authFile, JSON.stringify({ credsStore: 'test' }));
    expect(await ground.pull(name)).toBe(id);
  });

  it('refuses others in words that hold no password', async () => {
    const auth = { username: user.username, password: 'wrong-password' };
    const refused = ground.pull(name, { auth });
    await expect(refused).rejects.toThrow(/UNAUTHENTICATED.*AuthConfig of the pull/u);
    await expect(refused).rejects.not.toThrow(/wrong-password/u);
    await expect(ground.pull(name)).rejects.toThrow(/UNAUTHENTICATED.*anonymous/u);
    expect(ground.server.log).not.toContain('wrong-password');
    expect(await ground.status(name)).toBeUndefined();
  });

  it('is not trusted without its CA', async () => {
    await ground.writeHosts(secured?.host ?? '', `server = "${secured?.url}"\n`);
    const pulling = ground.pull(name, { auth: user });
    await expect(pulling).rejects.toThrow(/FAILED_PRECONDITION.*CA that is not trusted/u);
  });

  it('with a broken hosts.toml fails that pull alone', async () => {
    await ground.writeHosts(secured?.host ?? '', 'server = \n');
    await expect(ground.pull(name, { auth: user })).rejects.toThrow(/hosts\.toml/u);
    const other = await ground.push(
      'team/app',
      'other',
      onBusybox([[{ name: 'a', content: 'o' }]]),
    );
    await expect(ground.pull(other)).resolves.toMatch(/^sha256:/u);
  });
});

describe('a pull that fails', () => {
  const cases = [
    ['not-there', { kind: 'none' }, /NOT_FOUND.*404/u],
    ['503', { kind: 'status', status: 503 }, /UNKNOWN: RegistryUnavailable: .*503/u],
    [
      'corrupt',
      { kind: 'corrupt' },
      /INVALID_ARGUMENT: cannot unpack layer "sha256:.*what the registry sent/u,
    ],
  ] as const;

  it.each(cases)('(%s) says why, and the next one succeeds', async (tag, fault, message) => {
    const image = onBusybox([[{ name: 'a', content: tag }], noise(100_000)]);
    const name = `${ground.proxy.host}/team/failing:${tag}`;
    const spoiled = tag === 'corrupt' ? '/blobs/' : '/manifests/';
    const layer = digests(image).at(-1) ?? '';
    ground.proxy.plan = ({ path }) =>
      path.includes(spoiled) && (tag !== 'corrupt' || path.endsWith(layer)) ? fault : undefined;
    if (tag !== 'not-there') {
      await ground.push('team/failing', tag, image);
    }
    await expect(ground.pull(name)).rejects.toThrow(message);
    expect(await ground.status(image.id)).toBeUndefined();
    ground.proxy.plan = () => undefined;
    await ground.push('team/failing', tag, image);
    expect(await ground.pull(name)).toBe(image.id);
    expect(await partials()).toEqual([]);
  });

  it('for want of a registry says RegistryUnavailable first', async () => {
    await expect(ground.pull('127.0.0.1:1/team/app:1')).rejects.toThrow(
      /^2 UNKNOWN: RegistryUnavailable: /u,
    );
  });
});

describe('on the command line', () => {
  it('pull prints what happens and one line at the end', async () => {
    const image = onBusybox([noise(2_000_000)]);
    const name = await ground.push('team/app', 'shown', image);
    const pulled = await estiba(ground.server, ['images', 'pull', name]);
    expect(pulled).toMatchObject({ exitCode: 0 });
    expect(pulled.stderr).toContain(`${name}: ${image.manifestDigest} at ${ground.proxy.host}\n`);
    expect(pulled.stderr).toMatch(/^[0-9a-f]{12}: pulling, 2\.0 MB$/mu);
    expect(pulled.stderr).toMatch(/^[0-9a-f]{12}: done, 2\.0 MB$/mu);
    expect(pulled.stdout).toMatch(
      new RegExp(`^${name}  ${image.id}  \\d+ bytes, \\d layers unpacked, .* fetched in`, 'u'),
    );
  });

  it('pull draws on a terminal: a bar for each layer, the sum with rate and time left', async () => {
    const image = onBusybox([noise(6_000_000), noise(3_000_000)]);
    const name = await ground.push('team/app', 'drawn', image);
    const [large = '', small = ''] = digests(image);
    ground.proxy.plan = ({ path }) =>
      path.endsWith(large) ? { kind: 'throttle', bytesPerSecond: 3_000_000 } : undefined;
    const command = [binaries.estiba, 'images', 'pull', '--config', ground.server.configPath, name];
    const { stdout } = await run('script', [
      '--quiet',
      '--return',
      '--command',
      command.join(' '),
      '/dev/null',
    ]);
    const shown = (digest: string): string => digest.slice('sha256:'.length).slice(0, 12);
    expect(stdout).toMatch(
      new RegExp(`${shown(large)} +6\\.0 MB  pulling +\\[=+ +\\] +\\d+ %`, 'u'),
    );
    expect(stdout).toMatch(new RegExp(`${shown(small)} +3\\.0 MB  done +\\[=+\\] 100 %`, 'u'));
    expect(stdout).toMatch(/\d MB of [\d.]+ MB, [\d.]+ [kM]B\/s, \d+ s left/u);
    // Each picture takes the place of the one before; the last one makes room for the result.
    const pictures = stdout.split(clearing);
    expect(pictures.length).toBeGreaterThan(3);
    expect(pictures.at(-1)).toMatch(new RegExp(`^${name}  ${image.id}  `, 'u'));
  });

  it('a pull that fails says why and ends with 1', async () => {
    const name = `${ground.proxy.host}/team/app:never`;
    const failed = await estiba(ground.server, ['images', 'pull', '--quiet', name]);
    expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
    expect(failed.stderr).toMatch(/^error: cannot fetch manifest .*404/u);
  });

  it('explain tells hosts, trust and credentials, and what a host answers', async () => {
    const image = onBusybox([]);
    await ground.push('team/app', 'explained', image);
    const mirror = `[host."${ground.proxy.url}"]\ncapabilities = ["pull", "resolve"]\n`;
    await ground.writeHosts('explained.test', `server = "https://127.0.0.1:1"\n${mirror}`);
    const args = [
      'images',
      'explain',
      '--probe',
      '--creds-stdin',
      'explained.test/team/app:explained',
    ];
    const told = await estiba(ground.server, args, Buffer.from('me:secret-word\n'));
    expect(told).toMatchObject({ exitCode: 0, stderr: '' });
    expect(told.stdout).toContain('explained.test/team/app:explained\n');
    expect(told.stdout).toContain(`1. ${ground.proxy.url}/v2 (mirror)`);
    expect(told.stdout).toContain(`${image.manifestDigest} (application/vnd.oci.image.manifest`);
    expect(told.stdout).toContain('2. https://127.0.0.1:1/v2');
    expect(told.stdout).toContain('credentials:  password from AuthConfig');
    expect(told.stdout).not.toContain('secret-word');
  });
});

// Up some lines, and everything below goes.
const clearing = new RegExp(
  `${String.fromCodePoint(27)}\\[\\d+A${String.fromCodePoint(27)}\\[J`,
  'u',
);

/** The same image as docker push writes its manifest. */
function inDockersForm(image: BuiltImage): BuiltImage {
  const manifest = JSON.parse(image.manifest.toString('utf8')) as {
    config: object;
    layers: { mediaType: string }[];
  };
  const docker = {
    ...manifest,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config: { ...manifest.config, mediaType: 'application/vnd.docker.container.image.v1+json' },
    layers: manifest.layers.map((layer) => {
      const [, compression = ''] = layer.mediaType.split('+');
      const end = compression === '' ? '' : `.${compression}`;
      return { ...layer, mediaType: `application/vnd.docker.image.rootfs.diff.tar${end}` };
    }),
  };
  return { ...image, manifest: Buffer.from(JSON.stringify(docker)) };
}

/** Names of what is left of broken pulls. */
async function partials(): Promise<string[]> {
  return (await readdir(join(ground.server.stateDir, 'ingest'))).filter((name) =>
    name.endsWith('.partial'),
  );
}
