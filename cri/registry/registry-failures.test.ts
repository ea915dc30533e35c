// How registries and the network before them fail, and what is said and tried then.
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { says } from './fake-registry.ts';
import { Bench } from './registry-bench.ts';
import { RegistryError } from './registry-error.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.start(2);
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const layer = Buffer.from('layer');

describe('failures', () => {
  beforeEach(async () => {
    await bench.writeHosts(`server = "${bench.upstream.url}"`);
  });

  async function failure(name?: string): Promise<unknown> {
    await using client = await bench.open(name);
    return await client.resolve().catch((caught: unknown) => caught);
  }

  test.each([
    [400, 'InvalidArgument', 'ErrImagePull', 1],
    [401, 'Unauthenticated', 'ErrImagePull', 1],
    [403, 'PermissionDenied', 'ErrImagePull', 1],
    [404, 'NotFound', 'ErrImagePull', 1],
    [408, 'Unavailable', 'RegistryUnavailable', 3],
    [418, 'FailedPrecondition', 'ErrImagePull', 1],
    [429, 'ResourceExhausted', 'RegistryUnavailable', 3],
    [500, 'Unavailable', 'RegistryUnavailable', 3],
    [501, 'Unavailable', 'RegistryUnavailable', 1],
    [502, 'Unavailable', 'RegistryUnavailable', 3],
    [503, 'Unavailable', 'RegistryUnavailable', 3],
    [504, 'Unavailable', 'RegistryUnavailable', 3],
  ])('status %i is %s, %s, after %i tries', async (status, code, reason, tries) => {
    bench.upstream.intercepts.push((request, response) => {
      // HEAD answers have no body, so that the words can be seen.
      Object.defineProperty(request, 'method', { value: 'GET' });
      return says(status)(request, response);
    });
    const error = await failure();
    expect(error).toBeInstanceOf(RegistryError);
    expect(error).toMatchObject({ code, reason, status, host: bench.upstream.host });
    expect(bench.upstream.asked).toHaveLength(tries);
    const isMarked = (error as Error).message.startsWith('RegistryUnavailable: ');
    expect(isMarked).toBe(reason === 'RegistryUnavailable');
  });

  test('the registry’s own code and words are kept', async () => {
    bench.upstream.intercepts.push(says(403));
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(await failure(`r.example/team/app@${digest}`)).toMatchObject({
      registryCode: 'SOME_CODE',
      registryMessage: 'its own words',
      message: `cannot fetch manifest "r.example/team/app@${digest}": "${bench.upstream.host}" answered status 403 (SOME_CODE: "its own words"); credentials: none: anonymous`,
    });
  });

  test('a pause that the registry asks for is made', async () => {
    bench.upstream.putImage('1', [layer]);
    const busy = [{ 'retry-after': '2' }, { 'retry-after': new Date(0).toUTCString() }];
    bench.upstream.intercepts.push((request, response) => {
      const headers = busy.shift();
      return headers !== undefined && says(429, headers)(request, response);
    });
    expect(await failure()).toMatchObject({ mediaType: expect.any(String) });
    expect(bench.pauses).toEqual([2000, 0]);
  });

  test('a pause that is too long fails the pull at once', async () => {
    bench.upstream.intercepts.push(says(429, { 'retry-after': '3600' }));
    expect(await failure()).toMatchObject({
      status: 429,
      retryAfterMs: 3_600_000,
      message: expect.stringContaining('it asks to wait 3600 s'),
    });
    expect(bench.pauses).toEqual([]);
  });

  test('pauses grow from try to try', async () => {
    bench.upstream.intercepts.push(says(503));
    await failure();
    const [first = 0, second = 0, ...more] = bench.pauses;
    expect(more).toEqual([]);
    expect(first).toBeGreaterThanOrEqual(50);
    expect(first).toBeLessThanOrEqual(100);
    expect(second).toBeGreaterThanOrEqual(100);
    expect(second).toBeLessThanOrEqual(200);
  });

  test('a connection that is cut before the answer is tried again', async () => {
    bench.upstream.putImage('1', [layer]);
    let cuts = 2;
    bench.upstream.intercepts.push((request) => {
      cuts -= 1;
      if (cuts >= 0) {
        request.socket.destroy();
      }
      return cuts >= 0;
    });
    expect(await failure()).toMatchObject({ digest: expect.stringContaining('sha256:') });
  });

  test('a document that is cut half-way is asked of the same host again', async () => {
    const { digest } = bench.upstream.putImage('1', [layer]);
    let cuts = 2;
    bench.upstream.intercepts.push((_request, response) => {
      cuts -= 1;
      if (cuts >= 0) {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('{', () => response.destroy());
      }
      return cuts >= 0;
    });
    expect(await failure(`r.example/team/app@${digest}`)).toMatchObject({ digest });
    expect(bench.pauses).toHaveLength(2);
  });

  test('a registry that is not there is RegistryUnavailable at once', async () => {
    await bench.upstream[Symbol.asyncDispose]();
    bench.registries.pop();
    expect(await failure()).toMatchObject({ code: 'Unavailable', reason: 'RegistryUnavailable' });
    expect(bench.pauses).toEqual([]);
  });

  test('an answer that never comes ends with the time-out', async () => {
    bench.upstream.intercepts.push(() => true);
    const { network } = bench.options;
    bench.more = {
      network: { ...network, answerTimeoutMs: 20 },
      retry: { attempts: 1, baseMs: 1, maxMs: 1, maxRetryAfterMs: 1 },
    };
    expect(await failure()).toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('no answer in time'),
    });
  });

  test.each([
    [200, 'application/vnd.oci.image.manifest.v1+json', 'did not send all of its answer in time'],
    [403, 'application/json', 'answered status 403'],
  ])(
    'a body of status %i that stops half-way ends with the time-out',
    async (status, type, why) => {
      let isClosed = Promise.withResolvers<void>();
      bench.upstream.intercepts.push((_request, response) => {
        isClosed = Promise.withResolvers<void>();
        response.once('close', isClosed.resolve);
        response.writeHead(status, { 'content-type': type, 'content-length': 1000 });
        response.write('{');
        return true;
      });
      const { network } = bench.options;
      bench.more = { network: { ...network, answerTimeoutMs: 50 } };
      expect(await failure(`r.example/team/app@sha256:${'a'.repeat(64)}`)).toMatchObject({
        code: status === 200 ? 'Unavailable' : 'PermissionDenied',
        reason: status === 200 ? 'RegistryUnavailable' : 'ErrImagePull',
        isTransient: status === 200,
        message: expect.stringContaining(why),
      });
      await isClosed.promise;
    },
  );

  test('a caller that gives up while a body stops half-way is told so', async () => {
    const controller = new AbortController();
    bench.upstream.intercepts.push((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{', () => setImmediate(() => controller.abort()));
      return true;
    });
    await using client = await bench.open(`r.example/team/app@sha256:${'a'.repeat(64)}`);
    await expect(client.resolve(controller.signal)).rejects.toMatchObject({ code: 'Canceled' });
  });

  test('a caller that gives up ends the wait', async () => {
    const controller = new AbortController();
    bench.upstream.intercepts.push(() => {
      controller.abort();
      return true;
    });
    await using client = await bench.open();
    await expect(client.resolve(controller.signal)).rejects.toMatchObject({ code: 'Canceled' });
  });

  test.each(['ftp://x/y', 'https://['])('a redirect to %j is refused', async (location) => {
    bench.upstream.intercepts.push((_request, response) => {
      response.writeHead(307, { location }).end();
      return true;
    });
    expect(await failure()).toMatchObject({
      code: 'FailedPrecondition',
      message: expect.stringContaining('redirects to'),
    });
  });

  test('redirects without end are refused', async () => {
    bench.upstream.intercepts.push((_request, response) => {
      response.writeHead(302, { location: '/again' }).end();
      return true;
    });
    expect(await failure()).toMatchObject({
      message: expect.stringContaining('redirects more than 10 times'),
    });
  });

  test('a manifest that is not what its digest says is refused', async () => {
    bench.upstream.putImage('1', [layer]);
    bench.upstream.intercepts.push((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' });
      response.end('{"schemaVersion":2}');
      return true;
    });
    const error = await failure(`r.example/team/app@sha256:${'a'.repeat(64)}`);
    expect(error).toMatchObject({ code: 'FailedPrecondition' });
    expect(String(error)).toMatch(/what "127.0.0.1:\d+" sent has the digest "sha256:/u);
  });

  test('a manifest that is too long is refused', async () => {
    bench.upstream.intercepts.push((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(request.method === 'GET' ? Buffer.alloc(5 * 1024 * 1024, ' ') : undefined);
      return true;
    });
    expect(await failure()).toMatchObject({
      message: expect.stringMatching(/the answer of ".*" is longer than 4194304 bytes/u),
    });
  });

  test('an announced digest that is not the document’s is refused', async () => {
    const image = bench.upstream.putImage('1', [layer]);
    bench.upstream.intercepts.push((request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(405).end();
      } else {
        response.writeHead(200, {
          'content-type': image.mediaType,
          'docker-content-digest': `sha256:${'b'.repeat(64)}`,
        });
        response.end('{}');
      }
      return true;
    });
    expect(await failure()).toMatchObject({
      message: expect.stringContaining(`announces the digest "sha256:${'b'.repeat(64)}"`),
    });
  });

  test('no error shows what a request carried', async () => {
    await bench.writeHosts(
      `server = "${bench.upstream.url}"\n[header]\nauthorization = "Bearer hunter2"`,
    );
    bench.upstream.intercepts.push(says(403));
    const shown = inspect(await failure(), { depth: 10, showHidden: true });
    expect(bench.upstream.requests[0]?.headers.authorization).toBe('Bearer hunter2');
    expect(shown).not.toContain('hunter2');
  });
});
