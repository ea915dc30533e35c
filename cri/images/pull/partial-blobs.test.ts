import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isPartialName, PartialBlobs } from './partial-blobs.ts';
import type { PartialBlob } from './partial-blobs.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const fileName = `sha256-${'ab'.repeat(32)}.partial`;

let directory: string;
let partials: PartialBlobs;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-partial-'));
  partials = new PartialBlobs(directory);
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function content(partial: PartialBlob): Promise<string> {
  let text = '';
  for await (const chunk of partial.replay()) {
    text += chunk.toString('latin1');
  }
  return text;
}

function use<T>(work: (partial: PartialBlob) => Promise<T>, size = 1e9): Promise<T> {
  return partials.use(digest, size, undefined, work);
}

test('what was appended is there for the next user, in order', async () => {
  const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(50_000, 65 + index));
  await use(async (partial) => {
    for (const piece of pieces) {
      await partial.append(Buffer.from(piece));
    }
    expect(partial.size).toBe(2_000_000);
  });
  await use(async (partial) => {
    expect(partial.size).toBe(2_000_000);
    expect(await content(partial)).toBe(Buffer.concat(pieces).toString('latin1'));
    await partial.append(Buffer.from('end'));
  });
  const all = await readFile(join(directory, fileName), 'latin1');
  expect(all).toBe(`${Buffer.concat(pieces).toString('latin1')}end`);
});

test('others see how much is written and find it in the file', async () => {
  await use(async (partial) => {
    const seen: number[] = [];
    partial.onWritten = () => seen.push(partial.written);
    await partial.append(Buffer.alloc(300_000, 'a'));
    await partial.append(Buffer.alloc(10, 'b'));
    expect(partial.size).toBe(300_010);
    await partial.flush();
    expect(seen.at(-1)).toBe(300_010);
    expect((await readFile(partial.path)).length).toBe(300_010);
  });
});

test('memory that belongs to a chunk alone is given back, any other is left alone', async () => {
  const own = Buffer.alloc(50_000, 'o');
  const { buffer } = own;
  const front = Buffer.alloc(50_000, 'f').subarray(0, 40_000);
  const pooled = Buffer.from('pooled');
  await use(async (partial) => {
    for (const piece of [own, front, pooled]) {
      await partial.append(piece);
    }
    await partial.flush();
    expect(await content(partial)).toBe(`${'o'.repeat(50_000)}${'f'.repeat(40_000)}pooled`);
  });
  expect(buffer.byteLength).toBe(0);
  expect([front.length, pooled.toString()]).toEqual([40_000, 'pooled']);
});

test('what was appended is there also when its user fails', async () => {
  const failing = use(async (partial) => {
    await partial.append(Buffer.from('kept'));
    throw new Error('cut');
  });
  await expect(failing).rejects.toThrow('cut');
  expect(await use(content)).toBe('kept');
});

test('one that is longer than the blob is begun anew', async () => {
  await writeFile(join(directory, fileName), 'too much');
  expect(await use(async (partial) => partial.size, 4)).toBe(0);
});

test('a cleared one is empty and leaves no file', async () => {
  await use(async (partial) => {
    await partial.append(Buffer.from('wrong'));
    await partial.clear();
    expect(partial.size).toBe(0);
    expect(await content(partial)).toBe('');
  });
  expect(await readdir(directory)).toEqual([]);
});

test('two users of one blob come one after the other, and a discard behind them', async () => {
  const order: string[] = [];
  const first = use(async (partial) => {
    await partial.append(Buffer.from('x'));
    order.push('first');
  });
  const second = use(async (partial) => {
    order.push(`second finds ${partial.size}`);
  });
  const discarded = partials.discard(digest).then(() => order.push('discarded'));
  await Promise.all([first, second, discarded]);
  expect(order).toEqual(['first', 'second finds 1', 'discarded']);
  expect(await readdir(directory)).toEqual([]);
});

test('a directory or file that cannot be had is named', async () => {
  const gone = new PartialBlobs(join(directory, 'file', 'ingest'));
  await writeFile(join(directory, 'file'), '');
  await expect(gone.use(digest, 1, undefined, async () => {})).rejects.toMatchObject({
    code: 'Internal',
    message: expect.stringMatching(`^cannot keep what was fetched in "${directory}/file/ingest/`),
    errno: 20,
  });
});

test('a symlink in its place is not followed', async () => {
  const target = join(directory, 'target');
  await writeFile(target, 'safe');
  await symlink(target, join(directory, fileName));
  await expect(use(async (partial) => partial.append(Buffer.from('evil')))).rejects.toThrow();
  expect(await readFile(target, 'utf8')).toBe('safe');
});

describe('a sweep', () => {
  const now = 1_000_000_000_000;
  const ages = { new: 10, old: 1000, older: 5000 };
  const names: Record<string, string> = {};

  beforeEach(async () => {
    for (const [index, [name, seconds]] of Object.entries(ages).entries()) {
      const file = `sha256-${String(index).repeat(64)}.partial`;
      names[name] = file;
      await writeFile(join(directory, file), 'x'.repeat(100));
      const time = now / 1000 - seconds;
      await utimes(join(directory, file), time, time);
    }
    await writeFile(join(directory, 'stdin-1.tar'), 'an upload');
  });

  async function leftOf(limits: { maxBytes: number; maxAgeMs: number }, kept: string[] = []) {
    await partials.sweep(limits, new Set(kept), now);
    const left = (await readdir(directory)).filter(isPartialName);
    return Object.keys(names).filter((name) => left.includes(names[name] ?? ''));
  }

  test('takes what is too old and nothing that is not its own', async () => {
    expect(await leftOf({ maxBytes: 1e9, maxAgeMs: 2_000_000 })).toEqual(['new', 'old']);
    expect(await readdir(directory)).toContain('stdin-1.tar');
  });

  test('takes the oldest until the rest is small enough', async () => {
    expect(await leftOf({ maxBytes: 250, maxAgeMs: 1e9 })).toEqual(['new', 'old']);
    expect(await leftOf({ maxBytes: 0, maxAgeMs: 1e9 })).toEqual([]);
  });

  test('spares what is in use although nobody has said so', async () => {
    const inUse = `sha256:${'0'.repeat(64)}`;
    const path = join(directory, names['new'] ?? '');
    await partials.use(inUse, 1e9, undefined, async () => {
      expect(await leftOf({ maxBytes: 0, maxAgeMs: 0 })).toEqual(['new']);
      expect(await readFile(path, 'utf8')).toHaveLength(100);
    });
    expect(await leftOf({ maxBytes: 0, maxAgeMs: 0 })).toEqual([]);
  });

  test('spares what a pull uses', async () => {
    const kept = `sha256:${'2'.repeat(64)}`;
    expect(await leftOf({ maxBytes: 0, maxAgeMs: 0 }, [kept])).toEqual(['older']);
  });
});
