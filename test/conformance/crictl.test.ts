// crictl, unchanged, against a real server: the life of a pod as an operator drives it. The tests
// are steps of one life and run in order.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { buildImage } from '../../hack/images/build-image.ts';
import { importOnBusybox } from '../lib/images.ts';
import { pushBuilt } from '../lib/pulls.ts';
import { skip } from '../lib/skip.ts';
import { TestServer } from '../lib/test-server.ts';
import { limitMs } from '../lib/time.ts';
import { DockerRegistry } from '../registry/docker-registry.ts';
import { needDockerRegistry } from '../registry/registry-ground.ts';
import { Crictl, findCrictl, manifest, runProgram, type Ran } from './crictl.ts';
import { importBusybox, imageName } from './busybox.ts';

const idPattern = /^[0-9a-f]{64}$/u;

let found: Awaited<ReturnType<typeof findCrictl>>;
let server: TestServer | undefined;
let scratch = '';
let crictl: Crictl;
let podId = '';
let webId = '';
let clientId = '';

beforeAll(async () => {
  found = await findCrictl();
  if ('reason' in found) {
    return;
  }
  scratch = await mkdtemp(join(tmpdir(), 'estiba-crictl-'));
  server = await TestServer.start({ config: { images: ['pinned = ["localhost/kept/*"]'] } });
  crictl = new Crictl(found.path, server.socketPath);
  await importBusybox(server.configPath, scratch);
});

afterAll(async () => {
  const left = await server?.stop();
  if (scratch !== '') {
    await rm(scratch, { recursive: true, force: true });
  }
  expect(left ?? []).toEqual([]);
});

/** Skips the test where crictl cannot be built. */
function needCrictl(context: TestContext): void {
  if ('reason' in found) {
    skip(context, found.reason);
  }
}

/** The pod of manifests/example-pod with its logs in this test's own directory. */
async function podConfig(): Promise<string> {
  const path = join(scratch, 'pod.json');
  const config = JSON.parse(await readFile(manifest('example-pod/pod.json'), 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...config, log_directory: join(scratch, 'logs') }));
  return path;
}

/** Repeats until `done` accepts the answer; the last answer is returned at the deadline. */
async function until(ask: () => Promise<Ran>, done: (ran: Ran) => boolean): Promise<Ran> {
  const deadline = performance.now() + limitMs(60_000);
  for (;;) {
    const ran = await ask();
    if (done(ran) || performance.now() > deadline) {
      return ran;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('crictl', () => {
  test('info shows a ready runtime and a ready network', async (context) => {
    needCrictl(context);
    const info = (await crictl.json('info')) as {
      status: { conditions: { type: string; status: boolean }[] };
    };
    const conditions = info.status.conditions.map(({ type, status }) => [type, status]);
    expect(conditions).toContainEqual(['RuntimeReady', true]);
    expect(conditions).toContainEqual(['NetworkReady', true]);
    await expect(crictl.text('version')).resolves.toMatch(/RuntimeName: *estiba/u);
  });

  test('images and inspecti show the imported image', async (context) => {
    needCrictl(context);
    await expect(crictl.text('images')).resolves.toMatch(/localhost\/estiba\/busybox +latest/u);
    const { images } = (await crictl.json('images', '-o', 'json')) as {
      images: { id: string; repoTags: string[]; size: string }[];
    };
    const image = images.find(({ repoTags }) => repoTags.includes(imageName));
    expect(Number(image?.size)).toBeGreaterThan(100_000);
    await expect(crictl.json('inspecti', imageName)).resolves.toMatchObject({
      status: { id: image?.id, repoTags: [imageName] },
    });
    const unknown = await crictl.run('inspecti', 'localhost/none:1');
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/no such image/u);
  });

  test('runp starts a pod that pods lists as Ready', async (context) => {
    needCrictl(context);
    podId = await crictl.text('runp', await podConfig());
    expect(podId).toMatch(idPattern);
    await expect(crictl.text('pods')).resolves.toMatch(
      new RegExp(`^${podId.slice(0, 13)} .*Ready +example +default +0`, 'mu'),
    );
    await expect(crictl.text('pods', '-q', '--label', 'app=example')).resolves.toBe(podId);
    await expect(crictl.text('pods', '-q', '--state', 'notready')).resolves.toBe('');
  });

  test('runp again with the same configuration answers the same pod', async (context) => {
    needCrictl(context);
    await expect(crictl.text('runp', await podConfig())).resolves.toBe(podId);
  });

  test('inspectp shows the address, the network namespace and the labels', async (context) => {
    needCrictl(context);
    await expect(crictl.json('inspectp', podId)).resolves.toMatchObject({
      status: {
        id: podId,
        state: 'SANDBOX_READY',
        metadata: { name: 'example', namespace: 'default', uid: 'example-0001' },
        network: { ip: expect.stringMatching(/^10\./u) },
        labels: { app: 'example' },
      },
    });
  });

  test('create and start run both containers, which ps lists', async (context) => {
    needCrictl(context);
    const pod = await podConfig();
    webId = await crictl.text('create', podId, manifest('example-pod/web.json'), pod);
    clientId = await crictl.text('create', podId, manifest('example-pod/client.json'), pod);
    expect([webId, clientId]).toEqual([
      expect.stringMatching(idPattern),
      expect.stringMatching(idPattern),
    ]);
    await expect(crictl.text('ps', '-q')).resolves.toBe('');
    await expect(crictl.text('start', webId, clientId)).resolves.toBe(`${webId}\n${clientId}`);
    const table = await crictl.text('ps');
    expect(table).toMatch(new RegExp(`^${webId.slice(0, 13)} .*Running +web +0`, 'mu'));
    expect(table).toMatch(new RegExp(`^${clientId.slice(0, 13)} .*Running +client +0`, 'mu'));
    await expect(crictl.text('ps', '-q', '--name', '^web$')).resolves.toBe(webId);
  });

  test('logs show that one container serves what the other fetches', async (context) => {
    needCrictl(context);
    const client = await until(
      () => crictl.run('logs', clientId),
      ({ stdout }) => stdout.includes('hello from example'),
    );
    expect(client).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('hello from example'),
    });
    await expect(crictl.text('logs', webId)).resolves.toMatch(/^serving port 8080$/mu);
  });

  test('exec -s runs a program in the container and hands on its exit code', async (context) => {
    needCrictl(context);
    await expect(crictl.text('exec', '-s', webId, 'hostname')).resolves.toBe('example');
    const failing = await crictl.run('exec', '-s', webId, 'sh', '-c', 'echo why >&2; exit 3');
    expect(failing.code).not.toBe(0);
    expect(failing.stderr).toMatch(/exited with 3: why/u);
    const missing = await crictl.run('exec', '-s', webId, '/no/such/program');
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toMatch(/\/no\/such\/program/u);
  });

  test('inspect shows state, pid, image, log path and the limits', async (context) => {
    needCrictl(context);
    await expect(crictl.json('inspect', webId)).resolves.toMatchObject({
      status: {
        id: webId,
        state: 'CONTAINER_RUNNING',
        image: { image: imageName },
        imageRef: expect.stringMatching(/@sha256:[0-9a-f]{64}$/u),
        logPath: join(scratch, 'logs', 'web', '0.log'),
        resources: { linux: { memoryLimitInBytes: '33554432', cpuQuota: '20000' } },
      },
      info: expect.objectContaining({ pid: expect.anything() }),
    });
  });

  test('stop ends the containers and ps -a shows them as Exited', async (context) => {
    needCrictl(context);
    await expect(crictl.text('stop', '-t', '1', webId)).resolves.toBe(webId);
    await expect(crictl.text('stop', '-t', '0', clientId)).resolves.toBe(clientId);
    await expect(crictl.text('ps', '-q')).resolves.toBe('');
    const all = await crictl.text('ps', '-a');
    expect(all).toMatch(new RegExp(`^${webId.slice(0, 13)} .*Exited +web`, 'mu'));
    await expect(crictl.json('inspect', clientId)).resolves.toMatchObject({
      status: { state: 'CONTAINER_EXITED', exitCode: 137 },
    });
    // Logs outlive the container. The last line is a page, or wget's word that the server is gone.
    const { stdout, stderr } = await crictl.run('logs', '--tail', '1', clientId);
    expect(`${stdout}${stderr}`).toMatch(/hello|wget/u);
  });

  test('rm removes the containers, a removed one is unknown to inspect', async (context) => {
    needCrictl(context);
    // It removes them at the same time and names each when it is done.
    const removed = await crictl.text('rm', webId, clientId);
    expect(removed.split('\n').toSorted()).toEqual([webId, clientId].toSorted());
    await expect(crictl.text('ps', '-a', '-q')).resolves.toBe('');
    const gone = await crictl.run('inspect', webId);
    expect(gone.code).toBe(1);
    expect(gone.stderr).toMatch(/NotFound|not found/u);
  });

  test('stopp and rmp take the pod away', async (context) => {
    needCrictl(context);
    await expect(crictl.text('stopp', podId)).resolves.toBe(`Stopped sandbox ${podId}`);
    await expect(crictl.text('pods', '-q', '--state', 'notready')).resolves.toBe(podId);
    await expect(crictl.text('rmp', podId)).resolves.toBe(`Removed sandbox ${podId}`);
    await expect(crictl.text('pods', '-q')).resolves.toBe('');
    const gone = await crictl.run('inspectp', podId);
    expect(gone.code).toBe(1);
  });

  test('a pod in the host network runs without an address of its own', async (context) => {
    needCrictl(context);
    const pod = manifest('example-host-network/pod.json');
    const id = await crictl.text('runp', pod);
    const shell = await crictl.text('create', id, manifest('example-host-network/shell.json'), pod);
    await crictl.text('start', shell);
    const own = await runProgram('readlink', ['/proc/self/ns/net']);
    await expect(crictl.text('exec', '-s', shell, 'readlink', '/proc/self/ns/net')).resolves.toBe(
      own.stdout.trim(),
    );
    // -f stops and removes what still runs.
    await crictl.text('rmp', '-f', id);
    await expect(crictl.text('ps', '-a', '-q')).resolves.toBe('');
    await rm('/var/log/pods/default_on-host_on-host-0001', { recursive: true, force: true });
  });

  test('imagefsinfo counts the image, rmi removes it', async (context) => {
    needCrictl(context);
    const info = (await crictl.json('imagefsinfo')) as {
      status: {
        imageFilesystems: { usedBytes: { value: string }; fsId: { mountpoint: string } }[];
      };
    };
    const [images] = info.status.imageFilesystems;
    expect(Number(images?.usedBytes.value)).toBeGreaterThan(100_000);
    expect(images?.fsId.mountpoint).toContain(server?.stateDir);
    await expect(crictl.text('rmi', imageName)).resolves.toMatch(/^Deleted: /mu);
    await expect(crictl.text('images', '-q')).resolves.toBe('');
    expect((await crictl.run('rmi', imageName)).code).not.toBe(0);
  });

  test('pull fetches an image from a registry', async (context) => {
    needCrictl(context);
    await needDockerRegistry(context);
    await using registry = await DockerRegistry.start({ directory: join(scratch, 'registry') });
    const image = buildImage({ layers: [[{ name: 'a', content: 'pulled' }]] });
    await pushBuilt(registry.url, 'team/app', '1', image);
    const name = `${registry.host}/team/app:1`;
    await expect(crictl.text('pull', name)).resolves.toMatch(
      new RegExp(`^Image is up to date for ${image.id}$`, 'mu'),
    );
    await expect(crictl.text('images', '-q', '--no-trunc')).resolves.toMatch(image.id);
    const missing = await crictl.run('pull', `${registry.host}/team/app:none`);
    expect(missing.code).not.toBe(0);
    expect(missing.stderr).toMatch(/NotFound/u);
  });

  test('rmi --prune keeps what the configuration pins', async (context) => {
    needCrictl(context);
    const started = server as TestServer;
    const kept = await importOnBusybox(started, 'localhost/kept/app:1', [[{ name: 'a' }]]);
    const other = await importOnBusybox(started, 'localhost/other/app:1', [[{ name: 'b' }]]);
    await expect(crictl.json('inspecti', kept.id)).resolves.toMatchObject({
      status: { pinned: true },
    });
    const pruned = await crictl.text('rmi', '--prune');
    expect(pruned).toContain('localhost/other/app:1');
    expect(pruned).not.toContain('localhost/kept');
    await expect(crictl.text('images', '-q', '--no-trunc')).resolves.toBe(kept.id);
    expect((await crictl.run('inspecti', other.id)).code).toBe(1);
    await crictl.text('rmi', kept.id);
    await expect(crictl.text('images', '-q')).resolves.toBe('');
  });

  test('what is not built yet says so by name', async (context) => {
    needCrictl(context);
    const asked = await crictl.run('stats');
    expect(asked.code).not.toBe(0);
    expect(asked.stderr).toMatch(/Unimplemented/u);
  });
});
