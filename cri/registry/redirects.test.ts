// Where credentials must not go: to hosts that a registry redirects to, and to its mirrors.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pullAuthOf } from './credentials.ts';
import { answerError, FakeRegistry } from './fake-registry.ts';
import { Bench } from './registry-bench.ts';

let bench: Bench;
/** Another host than the registry. */
let elsewhere: FakeRegistry;
const layer = Buffer.from('layer');

beforeEach(async () => {
  bench = await Bench.start();
  elsewhere = await FakeRegistry.start();
  bench.registries.unshift(elsewhere);
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

async function resolve(): Promise<unknown> {
  await using client = await bench.open();
  return await client.resolve().catch((error: unknown) => error);
}

describe('redirects', () => {
  test('to another host lose credentials and headers, to the same host keep them', async () => {
    const blob = bench.upstream.putBlob(layer);
    elsewhere.putBlob(layer);
    bench.credentials = { pullAuth: pullAuthOf({ registryToken: 'hunter2' }), files: [] };
    await bench.writeHosts(`server = "${bench.upstream.url}"\n[header]\nx-secret = "hunter2"`);
    const targets = ['/v2/moved/blobs/', `${elsewhere.url}/v2/cdn/blobs/`];
    bench.upstream.intercepts.push((_request, response) => {
      const target = targets.shift();
      if (target !== undefined) {
        response.writeHead(307, { location: `${target}${blob.digest}` }).end();
      }
      return target !== undefined;
    });
    await using client = await bench.open();
    expect(await client.fetchBlob({ ...blob, annotations: {} }, 100)).toEqual(layer);
    const own = bench.upstream.requests.map(({ headers }) => [
      headers.authorization,
      headers['x-secret'],
    ]);
    expect(own).toEqual([
      ['Bearer hunter2', 'hunter2'],
      ['Bearer hunter2', 'hunter2'],
    ]);
    expect(elsewhere.requests).toHaveLength(1);
    expect(JSON.stringify(elsewhere.requests[0]?.headers)).not.toContain('hunter2');
  });

  test('that end in a 401 elsewhere do not make us prove ourselves there', async () => {
    bench.upstream.putImage('1', [layer]);
    bench.credentials = {
      pullAuth: pullAuthOf({ username: 'me', password: 'hunter2' }),
      files: [],
    };
    bench.upstream.intercepts.push((request, response) => {
      response.writeHead(307, { location: `${elsewhere.url}${request.url}` }).end();
      return true;
    });
    elsewhere.intercepts.push((_request, response) => {
      answerError(response, 401, 'X', 'y', { 'www-authenticate': 'Basic realm="evil"' });
      return true;
    });
    expect(await resolve()).toMatchObject({ status: 401, host: elsewhere.host });
    expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

test('mirrors never see the credentials of the registry', async () => {
  bench.upstream.putImage('1', [layer]);
  await bench.writeHosts(`server = "${bench.upstream.url}"\n[host."${elsewhere.url}"]`);
  bench.credentials = { pullAuth: pullAuthOf({ username: 'me', password: 'hunter2' }), files: [] };
  elsewhere.intercepts.push((_request, response) => {
    answerError(response, 401, 'X', 'y', { 'www-authenticate': 'Basic realm="mirror"' });
    return true;
  });
  await resolve();
  expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  expect(bench.upstream.asked).toHaveLength(1);
});
