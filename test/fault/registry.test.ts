// Every way in which a registry and the network before it can fail a pull: the error is clear, and
// the next pull succeeds.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveImage } from '../../cri/registry/resolve-image.ts';
import { DockerRegistry, hasDockerRegistry } from '../registry/docker-registry.ts';
import { FaultProxy } from '../registry/fault-proxy.ts';
import type { Fault, FaultPlan } from '../registry/fault-proxy.ts';
import { pushImage } from '../registry/push.ts';
import type { Pushed } from '../registry/push.ts';
import { needDockerRegistry, RegistryGround } from '../registry/registry-ground.ts';
import type { ClientChoice } from '../registry/registry-ground.ts';

const amd64 = { os: 'linux', architecture: 'amd64', variants: ['', 'v1'] };
const layer = randomBytes(3_000_000);
const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
const name = 'registry.test/team/app:1';

let ground: RegistryGround;
let registry: DockerRegistry | undefined;
let proxy: FaultProxy;
let image: Pushed;

beforeAll(async () => {
  ground = await RegistryGround.make();
  if (await hasDockerRegistry()) {
    await ground.push(async (url) => {
      image = await pushImage(url, 'team/app', '1', [layer]);
    });
    const { ca, server } = ground.certificates;
    registry = await ground.registry({ tls: server });
    const tls = { ca: ca.certificate, server };
    proxy = await FaultProxy.start({ upstream: registry.url, tls });
  }
});

afterAll(async () => {
  if (registry !== undefined) {
    await proxy[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  }
  await ground[Symbol.asyncDispose]();
});

beforeEach(async (context) => {
  await needDockerRegistry(context);
  proxy.plan = () => undefined;
  proxy.asked.length = 0;
  proxy.sentBytes = 0;
});

interface PullResult {
  readonly blob: Buffer;
  readonly fetchedBytes: number;
  readonly elapsedMs: number;
}

async function pull(choice: ClientChoice = {}): Promise<PullResult> {
  const started = performance.now();
  const hosts = `server = "${proxy.url}"\nca = "${ground.certificates.ca.certificateFile}"`;
  await using client = await ground.client(name, { hosts, ...choice });
  const remote = await resolveImage(client, await client.resolve(), amd64);
  const chunks: Buffer[] = [];
  let fetchedBytes = 0;
  for (const descriptor of remote.manifest.layers) {
    const onFetched = (count: number): void => {
      fetchedBytes += count;
    };
    for await (const chunk of client.readBlob({ ...descriptor, onFetched })) {
      chunks.push(chunk);
    }
  }
  return { blob: Buffer.concat(chunks), fetchedBytes, elapsedMs: performance.now() - started };
}

async function failure(): Promise<unknown> {
  return await pull().then(
    () => 'it was pulled',
    (error: unknown) => error,
  );
}

/** Spoils all answers whose path fits, or only the first `times`. */
function spoil(path: RegExp, fault: Fault, times = Number.POSITIVE_INFINITY): FaultPlan {
  let left = times;
  return (request) => {
    if (!path.test(request.path) || left <= 0) {
      return undefined;
    }
    left -= 1;
    return fault;
  };
}

const layerPath = new RegExp(`blobs/${digest}`, 'u');
const manifestPath = /\/manifests\//u;

async function expectNextPullSucceeds(): Promise<void> {
  proxy.plan = () => undefined;
  const { blob } = await pull();
  expect(blob.equals(layer)).toBe(true);
}

describe('answers with an error', () => {
  const words = '{"errors":[{"code":"DENIED","message":"not for you"}]}';
  const cases: [status: number, code: string, reason: string][] = [
    [401, 'Unauthenticated', 'ErrImagePull'],
    [403, 'PermissionDenied', 'ErrImagePull'],
    [404, 'NotFound', 'ErrImagePull'],
    [429, 'ResourceExhausted', 'RegistryUnavailable'],
    [500, 'Unavailable', 'RegistryUnavailable'],
    [502, 'Unavailable', 'RegistryUnavailable'],
    [503, 'Unavailable', 'RegistryUnavailable'],
  ];
  it.each(cases)('%i for the manifest is %s, %s', async (status, code, reason) => {
    proxy.plan = spoil(manifestPath, { kind: 'status', status, body: words });
    const error = await failure();
    expect(error).toMatchObject({ code, reason, status, host: proxy.host });
    const startsWithWord = (error as Error).message.startsWith('RegistryUnavailable: ');
    expect(startsWithWord).toBe(reason === 'RegistryUnavailable');
    await expectNextPullSucceeds();
  });

  it.each(cases)('%i for a layer is %s, %s, with its words', async (status, code, reason) => {
    proxy.plan = spoil(layerPath, { kind: 'status', status, body: words });
    const error = await failure();
    expect(error).toMatchObject({ code, reason, status, registryCode: 'DENIED' });
    expect(String(error)).toContain(`cannot fetch blob "${digest}": "${proxy.host}" answered`);
    expect(String(error)).toContain('"not for you"');
    await expectNextPullSucceeds();
  });

  it('429 for a while is waited out', async () => {
    const headers = { 'retry-after': '0' };
    proxy.plan = spoil(/./u, { kind: 'status', status: 429, headers }, 2);
    expect((await pull()).blob.equals(layer)).toBe(true);
  });

  it('503 for a while is waited out', async () => {
    proxy.plan = spoil(layerPath, { kind: 'status', status: 503 }, 2);
    expect((await pull()).blob.equals(layer)).toBe(true);
  });
});

describe('connections', () => {
  it('cut twenty times at random cost no byte twice', async () => {
    const cuts = Array.from({ length: 20 }, () => Math.floor(Math.random() * 140_000));
    proxy.plan = ({ path }) => {
      const afterBytes = layerPath.test(path) ? cuts.shift() : undefined;
      return afterBytes === undefined ? undefined : { kind: 'cut', afterBytes };
    };
    const { blob, fetchedBytes } = await pull({
      more: { retry: { attempts: 5, baseMs: 1, maxMs: 2, maxRetryAfterMs: 1 } },
    });
    expect(blob.equals(layer)).toBe(true);
    expect(cuts).toEqual([]);
    expect(fetchedBytes).toBe(layer.length);
    // What the other end has sent and nobody received is the network's loss.
    expect(proxy.sentBytes).toBeLessThanOrEqual(layer.length * 1.05 + 10_000);
  });

  it('cut before the first byte each time end the pull', async () => {
    proxy.plan = spoil(layerPath, { kind: 'cut', afterBytes: 0 });
    expect(await failure()).toMatchObject({ code: 'Unavailable', reason: 'RegistryUnavailable' });
    expect(proxy.asked.filter((asked) => layerPath.test(asked))).toHaveLength(3);
    await expectNextPullSucceeds();
  });

  it('that stall are cut and gone on with', async () => {
    proxy.plan = spoil(layerPath, { kind: 'stall', afterBytes: 1_000_000 }, 2);
    const { blob, fetchedBytes } = await pull();
    expect(blob.equals(layer)).toBe(true);
    expect(fetchedBytes).toBe(layer.length);
    const ranges = proxy.asked.flatMap((asked) => /bytes=\d+-/u.exec(asked)?.[0] ?? []);
    expect(ranges).toEqual(['bytes=1000000-', 'bytes=2000000-']);
  });

  it('that stall for ever end the pull, and soon', async () => {
    proxy.plan = spoil(layerPath, { kind: 'stall', afterBytes: 0 });
    const started = performance.now();
    expect(await failure()).toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('stalls: 0 bytes/s over 0.3 s'),
    });
    expect(performance.now() - started).toBeLessThan(10_000);
    await expectNextPullSucceeds();
  });

  it('that are slow but steady are left alone', async () => {
    proxy.plan = spoil(layerPath, { kind: 'throttle', bytesPerSecond: 3_000_000 });
    const { blob, elapsedMs } = await pull();
    expect(blob.equals(layer)).toBe(true);
    expect(elapsedMs).toBeGreaterThan(600);
    expect(proxy.asked.filter((asked) => layerPath.test(asked))).toHaveLength(1);
  });

  it('whose registry is gone in the middle end the pull', async () => {
    const { server, ca } = ground.certificates;
    const mortal = await ground.registry({ tls: server });
    await using through = await FaultProxy.start({
      upstream: mortal.url,
      tls: { ca: ca.certificate, server },
    });
    through.plan = spoil(layerPath, { kind: 'cut', afterBytes: 1_000_000 }, 1);
    const hosts = `server = "${through.url}"\nca = "${ca.certificateFile}"`;
    await using client = await ground.client(name, { hosts });
    const remote = await resolveImage(client, await client.resolve(), amd64);
    const [descriptor] = remote.manifest.layers;
    if (descriptor === undefined) {
      throw new Error('the image has no layer');
    }
    const readAll = async (): Promise<void> => {
      for await (const chunk of client.readBlob(descriptor)) {
        expect(chunk.length).toBeGreaterThan(0);
        await mortal[Symbol.asyncDispose]();
      }
    };
    await expect(readAll()).rejects.toMatchObject({ reason: 'RegistryUnavailable' });
  });
});

describe('lies', () => {
  it.each<[string, Fault, string]>([
    ['a length', { kind: 'length', contentLength: 2_999_999 }, 'has 2999999 bytes'],
    ['content', { kind: 'corrupt' }, 'sent has the digest "sha256:'],
  ])('about %s are found out', async (_what, fault, why) => {
    proxy.plan = spoil(layerPath, fault);
    const error = await failure();
    expect(error).toMatchObject({ code: 'FailedPrecondition', reason: 'ErrImagePull' });
    expect(String(error)).toContain(`cannot fetch blob "${digest}"`);
    expect(String(error)).toContain(why);
    await expectNextPullSucceeds();
  });

  it('about a range are found out', async () => {
    proxy.plan = (request) => {
      if (!layerPath.test(request.path)) {
        return undefined;
      }
      return request.range === ''
        ? { kind: 'cut', afterBytes: 1_000_000 }
        : { kind: 'range', contentRange: 'bytes 999999-2999999/3000000' };
    };
    expect(await failure()).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining('answers with the range "bytes 999999-2999999/3000000"'),
    });
    await expectNextPullSucceeds();
  });

  it('by leaving ranges out cost bytes, not the pull', async () => {
    proxy.plan = (request) => {
      if (!layerPath.test(request.path)) {
        return undefined;
      }
      return request.range === ''
        ? { kind: 'cut', afterBytes: 1_000_000 }
        : { kind: 'ignore-range' };
    };
    const { blob, fetchedBytes } = await pull();
    expect(blob.equals(layer)).toBe(true);
    expect(fetchedBytes).toBe(layer.length + 1_000_000);
  });

  it('by ending answers early are asked for the rest', async () => {
    proxy.plan = spoil(layerPath, { kind: 'truncate', afterBytes: 1_000_000 }, 2);
    const { blob, fetchedBytes } = await pull();
    expect(blob.equals(layer)).toBe(true);
    expect(fetchedBytes).toBe(layer.length);
  });

  it('about a manifest’s digest are found out', async () => {
    proxy.plan = spoil(manifestPath, { kind: 'digest', digest: `sha256:${'a'.repeat(64)}` });
    expect(await failure()).toMatchObject({ code: 'NotFound' }); // nobody has that manifest
    proxy.plan = spoil(manifestPath, { kind: 'corrupt' });
    expect(await failure()).toMatchObject({ code: 'FailedPrecondition' });
    await expectNextPullSucceeds();
  });

  it('about a manifest do not matter when a mirror is asked first', async () => {
    proxy.plan = spoil(manifestPath, { kind: 'corrupt' });
    const ca = `ca = "${ground.certificates.ca.certificateFile}"`;
    const hosts = `server = "${registry?.url}"\n${ca}\n[host."${proxy.url}"]\n${ca}`;
    expect((await pull({ hosts })).blob.equals(layer)).toBe(true);
    expect(image.digest).toContain('sha256:');
  });
});
