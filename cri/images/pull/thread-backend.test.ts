// The images thread as it runs in the server: a real Worker from its own first module.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CriError } from '../../core/error.ts';
import { FakeRegistry } from '../../registry/fake-registry.ts';
import { parseImageReference } from '../../core/image-reference.ts';
import { RegistryError } from '../../registry/registry-error.ts';
import { ThreadBackend } from './thread-backend.ts';

const program = new URL('images-thread.ts', import.meta.url);
let root: string;
let registry: FakeRegistry;
let backend: ThreadBackend;
let logged: string[];
let revivals: number;

function newBackend(url = program, idleMs?: number): ThreadBackend {
  return new ThreadBackend({
    idleMs,
    program: url,
    settings: {
      userAgent: 'estiba-test/1',
      launcherSocket: join(root, 'launcher.sock'),
      ingestDir: join(root, 'ingest'),
      hostsDirs: [],
      authFiles: [],
      helperDirs: [],
      stall: { windowMs: 1000, minBytesPerSecond: 1 },
      partials: { maxBytes: 1e9, maxAgeMs: 1e9 },
      maxUnpackBytes: 1e9,
      layerLabel: '',
      unpackDeadlineMs: 10_000,
    },
    revive: async () => {
      revivals += 1;
      throw new CriError('Unavailable', 'cannot start the launcher: it is a test');
    },
    log: (message, reason) => logged.push(`${message}: ${reason}`),
  });
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'estiba-thread-'));
  registry = await FakeRegistry.start();
  logged = [];
  revivals = 0;
  backend = newBackend();
});

afterEach(async () => {
  await backend.close();
  await registry[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

function reference(tag: string) {
  return parseImageReference(`${registry.host}/team/app:${tag}`);
}

test('documents come over as they are, errors keep their kind', async () => {
  const { digest } = registry.putImage('1', [Buffer.from('some layer')]);
  const session = await backend.open(reference('1'), undefined);
  expect(await session.resolve()).toEqual({ digest, host: registry.host });
  const { manifest, config, configBytes } = await session.documents();
  expect(manifest.layers.length).toBe(1);
  expect(JSON.parse(Buffer.from(configBytes).toString('utf8'))).toMatchObject({
    architecture: config.architecture,
  });
  await session.close();
  const missing = await backend.open(reference('none'), undefined);
  const error = await missing.resolve().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RegistryError);
  expect(error).toMatchObject({ code: 'NotFound', status: 404, host: registry.host });
  await missing.close();
});

test('a call that is given up ends as its signal says', async () => {
  registry.intercepts.push(() => true); // never answers
  const session = await backend.open(reference('1'), undefined);
  const abort = new AbortController();
  const resolving = session.resolve(abort.signal);
  abort.abort(new CriError('DeadlineExceeded', 'cannot pull image: the deadline has passed'));
  await expect(resolving).rejects.toMatchObject({ code: 'DeadlineExceeded' });
});

test('a launcher that is gone is asked for once, and its failure is the job’s', async () => {
  const bytes = Buffer.from('some layer');
  registry.putImage('1', [bytes]);
  const session = await backend.open(reference('1'), undefined);
  await session.resolve();
  const { manifest } = await session.documents();
  const [blob = { digest: '', size: 0 }] = manifest.layers;
  const order = { targetDir: join(root, 'layer'), expectedDiffId: '' };
  await expect(session.unpack(blob, order, {})).rejects.toMatchObject({
    code: 'Unavailable',
    message: expect.stringContaining('it is a test'),
  });
  expect(revivals).toBe(1);
});

test('a thread that dies fails its calls, says so, and the next call starts another', async () => {
  await backend.close();
  const dying = `import { workerData } from 'node:worker_threads';
    setTimeout(() => { throw new Error('out of luck'); }, 20);`;
  backend = newBackend(new URL(`data:text/javascript,${encodeURIComponent(dying)}`));
  for (const _ of [1, 2]) {
    await expect(backend.open(reference('1'), undefined)).rejects.toMatchObject({
      code: 'Unavailable',
      message: 'cannot pull image: the images thread died: out of luck',
    });
  }
  expect(logged).toEqual(
    [1, 2].map(() => 'the images thread died; the next pull starts another: out of luck'),
  );
});

test('a pull whose thread dies between two calls is told so, and no other is started for it', async () => {
  await backend.close();
  const dying = `import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ id }) => {
      parentPort.postMessage({ kind: 'result', id });
      setTimeout(() => { throw new Error('out of luck'); }, 20);
    });`;
  backend = newBackend(new URL(`data:text/javascript,${encodeURIComponent(dying)}`));
  const session = await backend.open(reference('1'), undefined);
  await vi.waitFor(() => expect(logged).toHaveLength(1));
  for (const call of [session.resolve(), session.discard('sha256:a'), session.close()]) {
    await expect(call).rejects.toMatchObject({
      code: 'Unavailable',
      message: 'cannot pull image: the images thread died: out of luck',
    });
  }
  expect(logged).toHaveLength(1);
});

test('closing ends what runs, and nothing is started afterwards', async () => {
  registry.intercepts.push(() => true); // never answers
  const session = await backend.open(reference('1'), undefined);
  const resolving = session.resolve().catch((error: unknown) => error);
  await backend.close();
  expect(await resolving).toMatchObject({ message: 'cannot pull image: the server stops' });
  await expect(backend.open(reference('1'), undefined)).rejects.toMatchObject({
    code: 'Unavailable',
  });
  expect(logged).toEqual([]);
});

test('a thread with an open pull stays, however idle', async () => {
  await backend.close();
  backend = newBackend(program, 1);
  registry.putImage('1', [Buffer.from('some layer')]);
  const session = await backend.open(reference('1'), undefined);
  // Each takes longer than idleMs, and an ended thread would not know the session any more.
  for (const _ of [1, 2, 3]) {
    await session.resolve();
  }
  await session.close();
});

test('an idle thread ends without a word, and the next call starts another', async () => {
  await backend.close();
  const telling = `import { parentPort, threadId } from 'node:worker_threads';
    parentPort.on('message', ({ id }) =>
      parentPort.postMessage({ kind: 'result', id, value: { reference: String(threadId) } }));`;
  backend = newBackend(new URL(`data:text/javascript,${encodeURIComponent(telling)}`), 1);
  const threadOf = async () => (await backend.explain('a', undefined, false)).reference;
  const first = await threadOf();
  await vi.waitFor(async () => expect(await threadOf()).not.toBe(first));
  expect(logged).toEqual([]);
});

test('explains in the thread', async () => {
  const explained = await backend.explain(`${registry.host}/team/app:1`, undefined, false);
  expect(explained.hosts).toMatchObject([{ host: registry.host, isUpstream: true }]);
});
