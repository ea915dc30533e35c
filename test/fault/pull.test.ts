// Every way in which a registry and the network before it can fail a pull, seen from the kubelet's side
// of the socket: the status code and its word, nothing half made, and the next pull succeeds.
import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { BuiltImage } from '../../hack/images/build-image.ts';
import { eventually } from '../lib/pods.ts';
import { aroundPulls, noise, onBusybox, type PullGround } from '../lib/pulls.ts';
import type { Fault } from '../registry/fault-proxy.ts';

let ground: PullGround;
let image: BuiltImage;
let name = '';
let count = 0;

aroundPulls({
  made: (one) => {
    ground = one;
  },
  beforeEach: async () => {
    count += 1;
    image = onBusybox([noise(300_000), [{ name: 'a', content: `fault ${count}` }]]);
    name = await ground.push('team/fault', String(count), image);
  },
});

/** What a fault is about: part of the path of its requests. */
type Part = 'manifests' | 'config' | 'layer';

function pathOf(part: Part): string {
  const digest = part === 'config' ? image.id : image.layers[1]?.digest;
  return part === 'manifests' ? '/manifests/' : `/blobs/${digest ?? ''}`;
}

function spoil(part: Part, fault: Fault): void {
  const wanted = pathOf(part);
  ground.proxy.plan = ({ path }) => (path.includes(wanted) ? fault : undefined);
}

/** Names of layers and of what is being made; broken pulls may leave partial blobs alone. */
async function made(): Promise<string[]> {
  const { stateDir } = ground.server;
  const layers = await readdir(join(stateDir, 'layers'), { recursive: true });
  const ingest = await readdir(join(stateDir, 'ingest'));
  return [
    ...layers.filter((path) => path.split('/').length <= 2).map((path) => `layers/${path}`),
    ...ingest.filter((path) => !path.endsWith('.partial')).map((path) => `ingest/${path}`),
  ].sort();
}

async function failures(reason: string): Promise<number> {
  const metrics = await ground.server.metrics();
  const line = `estiba_image_pull_failures_total{reason="${reason}"} `;
  const found = metrics.split('\n').find((each) => each.startsWith(line));
  return Number(found?.slice(line.length) ?? 0);
}

/** Pulls with the fault in force, which must fail as said; then without it. */
async function expectFailure(code: string, reason: string, words: RegExp): Promise<void> {
  const counted = await failures(reason);
  const failed = ground.pull(name, { deadlineMs: 60_000 });
  await expect(failed).rejects.toThrow(new RegExp(`^\\d+ ${code}: `, 'u'));
  await expect(failed).rejects.toThrow(words);
  expect(await failures(reason)).toBe(counted + 1);
  expect(await ground.status(name)).toBeUndefined();
  expect(await ground.status(image.id)).toBeUndefined();
  expect((await ground.server.client.image.listImages({})).images ?? []).toEqual([]);
  await eventually(async () => expect(await made()).toEqual(['layers/.staging']));
  ground.proxy.plan = () => undefined;
  expect(await ground.pull(name)).toBe(image.id);
  expect(await ground.status(name)).toMatchObject({ id: image.id, repoTags: [name] });
}

const parts: readonly Part[] = ['manifests', 'config', 'layer'];

describe.each(parts)('for the %s a registry that', (part) => {
  it.each([
    [401, 'UNAUTHENTICATED', 'Unauthenticated'],
    [403, 'PERMISSION_DENIED', 'PermissionDenied'],
    [404, 'NOT_FOUND', 'NotFound'],
    [429, 'UNKNOWN', 'RegistryUnavailable'],
    [500, 'UNKNOWN', 'RegistryUnavailable'],
    [503, 'UNKNOWN', 'RegistryUnavailable'],
  ])('answers %i fails the pull: %s', async (status, code, reason) => {
    const body = '{"errors":[{"code":"DENIED","message":"not for you"}]}';
    spoil(part, { kind: 'status', status, body, headers: { 'retry-after': '0' } });
    const word = reason === 'RegistryUnavailable' ? `${reason}: cannot ` : 'cannot ';
    await expectFailure(code, reason, new RegExp(`^\\d+ ${code}: ${word}.*${status}`, 'u'));
  });

  it('closes every connection fails the pull: RegistryUnavailable', async () => {
    spoil(part, { kind: 'cut', afterBytes: 0 });
    await expectFailure('UNKNOWN', 'RegistryUnavailable', /RegistryUnavailable: .*closed|reset/u);
  });

  it('sends other bytes than its digest says fails the pull', async () => {
    spoil(part, { kind: 'corrupt' });
    const code = part === 'layer' ? 'INVALID_ARGUMENT' : 'FAILED_PRECONDITION';
    const reason = part === 'layer' ? 'InvalidArgument' : 'FailedPrecondition';
    await expectFailure(
      code,
      reason,
      /has the digest|announces the digest|what the registry sent/u,
    );
  });

  it('asks for more patience than the kubelet has fails the pull at once', async () => {
    spoil(part, { kind: 'status', status: 429, headers: { 'retry-after': '3600' } });
    await expectFailure('UNKNOWN', 'RegistryUnavailable', /asks to wait 3600 s/u);
  });
});

describe('for a layer a registry that', () => {
  it('stalls for ever fails the pull: RegistryUnavailable', async () => {
    spoil('layer', { kind: 'stall', afterBytes: 0 });
    await expectFailure('UNKNOWN', 'RegistryUnavailable', /stalls: 0 bytes\/s over 2 s/u);
  });

  it('tells another length fails the pull', async () => {
    spoil('layer', { kind: 'length', contentLength: 5 });
    await expectFailure(
      'FAILED_PRECONDITION',
      'FailedPrecondition',
      /has 5 bytes, the manifest says/u,
    );
  });

  it('answers with another range than was asked for fails the pull', async () => {
    const wanted = pathOf('layer');
    ground.proxy.plan = ({ path, range }) => {
      if (!path.includes(wanted)) {
        return undefined;
      }
      return range === ''
        ? { kind: 'cut', afterBytes: 100_000 }
        : { kind: 'range', contentRange: 'bytes 5-99/100' };
    };
    await expectFailure(
      'FAILED_PRECONDITION',
      'FailedPrecondition',
      /the range "bytes 5-99\/100"/u,
    );
  });
});

describe('a disk that is full', () => {
  /** Gives the directory of the server's state a disk of its own while `work` runs. */
  async function onSmallDisk(
    directory: 'layers' | 'ingest',
    megabytes: number,
    work: () => Promise<void>,
  ): Promise<void> {
    const path = join(ground.server.stateDir, directory);
    const size = `size=${megabytes}m`;
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', size, 'none', path]);
    try {
      await mkdir(join(path, '.staging'));
      await work();
      await ground.clear();
      await eventually(async () => expect(await readdir(join(path, '.staging'))).toEqual([]));
    } finally {
      await promisify(execFile)('umount', [path]);
    }
  }

  it('fails the pull by name and leaves nothing on it; a smaller image fits', async () => {
    const large = onBusybox([noise(50_000_000)]);
    const name = await ground.push('team/fault', 'large', large);
    await onSmallDisk('layers', 40, async () => {
      const failed = ground.pull(name);
      await expect(failed).rejects.toThrow(/^8 RESOURCE_EXHAUSTED: cannot unpack layer "sha256:/u);
      await expect(failed).rejects.toThrow(/No space left on device/u);
      expect(await ground.status(large.id)).toBeUndefined();
      const path = join(ground.server.stateDir, 'layers');
      await eventually(async () => {
        expect(await readdir(path)).toEqual(['.staging']);
        expect(await readdir(join(path, '.staging'))).toEqual([]);
      });
      await ground.clear();
      expect(await ground.pull(`${ground.proxy.host}/team/fault:${count}`)).toBe(image.id);
    });
    // With room again what has come is not fetched again.
    expect(await ground.pull(name)).toBe(large.id);
    expect(ground.proxy.sentBytes).toBeLessThan(30_000_000);
  });

  it('for blobs on their way in fails the pull by name and leaves nothing on it', async () => {
    const large = onBusybox([noise(20_000_000)]);
    const name = await ground.push('team/fault', 'larger', large);
    // The layer below is here already: a part of it, cut off by the other's end, would rightly stay.
    await ground.pull(await ground.push('team/fault', 'base', onBusybox([])));
    await onSmallDisk('ingest', 1, async () => {
      const failed = ground.pull(name);
      await expect(failed).rejects.toThrow(
        /^8 RESOURCE_EXHAUSTED: .*cannot keep what was fetched in ".*\.partial": ENOSPC: no space/u,
      );
      const path = join(ground.server.stateDir, 'ingest');
      await eventually(async () => expect(await readdir(path)).toEqual(['.staging']));
    });
    expect(await ground.status(name)).toBeUndefined();
    expect(await ground.pull(name)).toBe(large.id);
  });
});
