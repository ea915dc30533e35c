import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobOptions } from './blob-stream.ts';
import { answerError } from './fake-registry.ts';
import type { FakeDescriptor, Intercept } from './fake-registry.ts';
import { Bench } from './registry-bench.ts';

let bench: Bench;
let bytes: Buffer;
let blob: FakeDescriptor;
let fetched: number;

beforeEach(async () => {
  bench = await Bench.start();
  bytes = randomBytes(300_000);
  blob = bench.upstream.putBlob(bytes);
  fetched = 0;
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

/** Reads the blob to its end; returns what came. */
async function read(change: Partial<BlobOptions> = {}): Promise<Buffer> {
  await using client = await bench.open();
  const chunks: Buffer[] = [];
  const options = {
    ...blob,
    onFetched: (count: number): void => {
      fetched += count;
    },
    ...change,
  };
  for await (const chunk of client.readBlob(options)) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function failure(change: Partial<BlobOptions> = {}): Promise<unknown> {
  return await read(change).then(
    () => 'it was read',
    (error: unknown) => error,
  );
}

function rangeStart(header: string | undefined): number {
  return Number(/^bytes=(\d+)-$/u.exec(header ?? '')?.[1] ?? 0);
}

/** Sends the right headers and `count` bytes, then cuts the connection. */
function cutAfter(count: number, times: number): Intercept {
  let left = times;
  return (request, response) => {
    left -= 1;
    if (left < 0) {
      return false;
    }
    const from = rangeStart(request.headers.range);
    const isPart = request.headers.range !== undefined;
    response.writeHead(isPart ? 206 : 200, {
      'content-length': bytes.length - from,
      ...(isPart && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.write(bytes.subarray(from, from + count), () => request.socket.destroy());
    return true;
  };
}

/** Answers as it is told, whatever is asked. */
function answering(
  status: number,
  headers: Record<string, string | number>,
  body: Buffer,
): Intercept {
  return (_request, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };
}

describe('readBlob', () => {
  test('gives the bytes of a blob', async () => {
    expect((await read()).equals(bytes)).toBe(true);
    expect(fetched).toBe(bytes.length);
    expect(bench.upstream.asked).toEqual([`GET /v2/team/app/blobs/${blob.digest}?ns=r.example`]);
  });

  test('asks nobody for a blob without bytes', async () => {
    const empty = bench.upstream.putBlob(Buffer.alloc(0));
    expect(await read(empty)).toHaveLength(0);
    expect(bench.upstream.asked).toEqual([]);
  });

  test('goes on behind the last byte after cuts, and fetches nothing twice', async () => {
    bench.upstream.intercepts.push(cutAfter(20_000, 10));
    expect((await read()).equals(bytes)).toBe(true);
    expect(bench.upstream.asked).toHaveLength(11);
    expect(fetched).toBe(bytes.length);
    const starts = bench.upstream.requests.map(({ headers }) => rangeStart(headers.range));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(new Set(starts).size).toBe(11);
  });

  test('gives up when connections bring nothing', async () => {
    bench.upstream.intercepts.push(cutAfter(0, 100));
    expect(await failure()).toMatchObject({
      code: 'Unavailable',
      reason: 'RegistryUnavailable',
      message: expect.stringMatching(/^RegistryUnavailable: cannot fetch blob "sha256:.*closed$/u),
    });
    expect(bench.upstream.asked).toHaveLength(3);
  });

  test('starts where an earlier pull ended, its digest going on too', async () => {
    const offset = 123_456;
    const hash = createHash('sha256').update(bytes.subarray(0, offset));
    const rest = await read({ offset, hash });
    expect(rest.equals(bytes.subarray(offset))).toBe(true);
    expect(fetched).toBe(bytes.length - offset);
  });

  test('notices that an earlier pull left other bytes', async () => {
    const offset = 10;
    const hash = createHash('sha256').update(Buffer.alloc(offset));
    expect(await failure({ offset, hash })).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining('sent has the digest "sha256:'),
    });
  });

  test('skips what it has when the registry has no ranges', async () => {
    bench.upstream.ranges = false;
    bench.upstream.intercepts.push(cutAfter(50_000, 1));
    const cutAt = await read().then((all) => {
      expect(all.equals(bytes)).toBe(true);
      return rangeStart(bench.upstream.requests[1]?.headers.range);
    });
    expect(fetched).toBe(bytes.length + cutAt);
  });

  test('leaves the digest to somebody else if asked to', async () => {
    bench.upstream.intercepts.push(
      answering(200, { 'content-length': bytes.length }, Buffer.alloc(bytes.length)),
    );
    expect(await read({ hash: null })).toHaveLength(bytes.length);
  });

  test('ends its connection when the reader stops reading', async () => {
    await using client = await bench.open();
    const ended = new Promise<void>((resolve) => {
      bench.upstream.intercepts.push((_request, response) => {
        response.on('close', resolve);
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 1000));
        return true;
      });
    });
    for await (const chunk of client.readBlob(blob)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await ended;
  });

  test('ends with Canceled when the caller gives up', async () => {
    const controller = new AbortController();
    bench.upstream.intercepts.push((_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 1000), () => setImmediate(() => controller.abort()));
      return true;
    });
    expect(await failure({ signal: controller.signal })).toMatchObject({ code: 'Canceled' });
    expect(bench.upstream.asked).toHaveLength(1);
  });
});

describe('a registry that lies', () => {
  test.each([
    [
      'about the length',
      200,
      (): object => ({ 'content-length': 10 }),
      'has 10 bytes, the manifest says 300000',
    ],
    [
      'about the range',
      206,
      (): object => ({ 'content-range': 'bytes 5-299999/300000' }),
      'was asked for bytes from 20000 and answers with the range "bytes 5-299999/300000"',
    ],
    [
      'about the total',
      206,
      (): object => ({ 'content-range': 'bytes 20000-299999/400000' }),
      'has 400000 bytes, the manifest says 300000',
    ],
    [
      'about the end',
      206,
      (): object => ({ 'content-range': 'bytes 20000-300000/*' }),
      'answers with the range "bytes 20000-300000/*"',
    ],
    ['without a range', 206, (): object => ({}), 'answers with the range ""'],
  ])('%s is found out before a byte is used', async (_what, status, headers, why) => {
    bench.upstream.intercepts.push(
      answering(status, headers() as Record<string, string>, Buffer.alloc(10)),
    );
    const hash = createHash('sha256').update(bytes.subarray(0, 20_000));
    const error = await failure(status === 206 ? { offset: 20_000, hash } : {});
    expect(error).toMatchObject({ code: 'FailedPrecondition', reason: 'ErrImagePull' });
    expect(String(error)).toContain(why);
    expect(fetched).toBe(0);
  });

  test('about content is found out after the last byte', async () => {
    bench.upstream.intercepts.push(
      answering(200, { 'content-length': bytes.length }, Buffer.alloc(bytes.length)),
    );
    const actual = createHash('sha256').update(Buffer.alloc(bytes.length)).digest('hex');
    expect(await failure()).toMatchObject({
      code: 'FailedPrecondition',
      message: `cannot fetch blob "${blob.digest}": what "${bench.upstream.host}" sent has the digest "sha256:${actual}"`,
    });
  });

  test('by sending more than it should is stopped', async () => {
    bench.upstream.intercepts.push((_request, response) => {
      response.writeHead(200);
      response.end(Buffer.concat([bytes, Buffer.from('more')]));
      return true;
    });
    expect(await failure()).toMatchObject({
      message: expect.stringContaining('sends more bytes than the manifest says'),
    });
  });

  test('by ending an answer early is asked for the rest', async () => {
    let isFirst = true;
    bench.upstream.intercepts.push((_request, response) => {
      if (isFirst) {
        isFirst = false;
        response.writeHead(200);
        response.end(bytes.subarray(0, 100_000));
        return true;
      }
      return false;
    });
    expect((await read()).equals(bytes)).toBe(true);
    expect(fetched).toBe(bytes.length);
  });
});

describe('a registry that is slow', () => {
  const stall = { windowMs: 40, minBytesPerSecond: 10_000 };

  test('is cut off and asked for the rest', async () => {
    bench.more = { stall };
    let isFirst = true;
    bench.upstream.intercepts.push((_request, response) => {
      if (isFirst) {
        isFirst = false;
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 100_000)); // and no more
        return true;
      }
      return false;
    });
    const retries: string[] = [];
    bench.more = { ...bench.more, onRetry: (_host, error) => retries.push(error.message) };
    const all = await read();
    expect(all.equals(bytes)).toBe(true);
    expect(fetched).toBe(bytes.length);
    expect(retries).toEqual([expect.stringMatching(/stalls: \d+ bytes\/s over 0.04 s$/u)]);
  });

  test('for ever fails with what it stalls at', async () => {
    bench.more = { stall };
    bench.upstream.intercepts.push((_request, response) => {
      response.writeHead(206, {
        'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}`,
      });
      response.write('');
      return true;
    });
    bench.upstream.intercepts.unshift((_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.flushHeaders();
      return true;
    });
    expect(await failure()).toMatchObject({
      code: 'Unavailable',
      reason: 'RegistryUnavailable',
      message: expect.stringContaining('stalls: 0 bytes/s'),
    });
  });

  test('because its reader is slow is not cut off', async () => {
    bench.more = { stall };
    await using client = await bench.open();
    let total = 0;
    let hasPaused = false;
    for await (const chunk of client.readBlob(blob)) {
      total += chunk.length;
      if (!hasPaused) {
        hasPaused = true;
        await new Promise((resolve) => setTimeout(resolve, 3 * stall.windowMs));
      }
    }
    expect(total).toBe(bytes.length);
    expect(bench.upstream.asked).toHaveLength(1);
  });
});

describe('with a mirror', () => {
  beforeEach(async () => {
    await bench[Symbol.asyncDispose]();
    bench = await Bench.start(2);
    bench.upstream.putBlob(bytes);
  });

  test('a blob that it lacks comes from the registry', async () => {
    expect((await read()).equals(bytes)).toBe(true);
    expect(bench.registry(0).asked).toHaveLength(1);
  });

  test('that dies in the middle the rest comes from the registry', async () => {
    bench.registry(0).putBlob(bytes);
    bench.registry(0).intercepts.push(cutAfter(100_000, 1), (_request, response) => {
      answerError(response, 404, 'BLOB_UNKNOWN', 'gone');
      return true;
    });
    expect((await read()).equals(bytes)).toBe(true);
    expect(fetched).toBe(bytes.length);
    expect(rangeStart(bench.upstream.requests[0]?.headers.range)).toBeGreaterThan(0);
  });

  test('that lacks it too, the error is the registry’s own, with what both said', async () => {
    bench.upstream.intercepts.push((_request, response) => {
      answerError(response, 503, 'DOWN', 'for repair');
      return true;
    });
    const error = await failure();
    expect(error).toMatchObject({
      code: 'Unavailable',
      status: 503,
      reason: 'RegistryUnavailable',
      registryCode: 'DOWN',
      host: bench.upstream.host,
    });
    expect(String(error)).toContain(`"${bench.registry(0).host}" answered status 404`);
    expect(String(error)).toContain(`"${bench.upstream.host}" answered status 503`);
    expect(bench.upstream.asked).toHaveLength(3);
  });

  test('that had the manifest, it is asked for blobs first', async () => {
    bench.upstream.putImage('1', [bytes]);
    await using client = await bench.open();
    await client.resolve();
    bench.registry(0).asked.length = 0;
    for await (const chunk of client.readBlob(blob)) {
      expect(chunk.length).toBeGreaterThan(0);
    }
    expect(bench.registry(0).asked).toEqual([]);
  });
});
