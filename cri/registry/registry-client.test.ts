import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { says } from './fake-registry.ts';
import { ProxyChoice } from './proxy.ts';
import { Bench } from './registry-bench.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.start(2);
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

const layer = Buffer.from('layer');

describe('resolve', () => {
  test('asks with HEAD, at the mirror first, telling whose image is meant', async () => {
    const image = bench.registry(0).putImage('1', [layer]);
    await using client = await bench.open();
    expect(await client.resolve()).toEqual({
      ...image,
      bytes: undefined,
      host: bench.registry(0).host,
    });
    expect(bench.registry(0).asked).toEqual(['HEAD /v2/team/app/manifests/1?ns=r.example']);
    expect(bench.registry(0).requests[0]?.headers).toMatchObject({
      'user-agent': 'estiba-test/1',
      accept: expect.stringContaining('application/vnd.oci.image.index.v1+json'),
    });
    expect(bench.upstream.asked).toEqual([]);
  });

  test.each([404, 401, 403, 500])(
    'asks the registry itself when the mirror answers %i',
    async (status) => {
      bench.registry(0).intercepts.push(says(status));
      const image = bench.upstream.putImage('1', [layer]);
      await using client = await bench.open();
      expect(await client.resolve()).toMatchObject({ ...image, host: bench.upstream.host });
      expect(bench.upstream.asked).toEqual(['HEAD /v2/team/app/manifests/1?ns=r.example']);
      expect(bench.fallbacks).toHaveLength(1);
      expect(bench.fallbacks[0]).toContain(`answered status ${status}`);
    },
  );

  test('asks the registry itself at once when the mirror wants to be waited for', async () => {
    const image = bench.upstream.putImage('1', [layer]);
    bench.registry(0).intercepts.push(says(429, { 'retry-after': '4' }));
    await using client = await bench.open();
    expect(await client.resolve()).toMatchObject({ digest: image.digest });
    expect(bench.pauses).toEqual([]);
  });

  test('asks the registry itself when the mirror is not there', async () => {
    bench.upstream.putImage('1', [layer]);
    const gone = bench.registry(0).host;
    await bench.registry(0)[Symbol.asyncDispose]();
    bench.registries.shift();
    await using client = await bench.open();
    await client.resolve();
    expect(bench.fallbacks).toEqual([
      `${gone}: cannot fetch manifest "r.example/team/app:1": no connection to "${gone}": connection refused`,
    ]);
    expect(bench.pauses).toEqual([]);
  });

  test('fetches the document where HEAD does not say enough', async () => {
    const image = bench.upstream.putImage('1', [layer]);
    await bench.writeHosts(`server = "${bench.upstream.url}"`);
    bench.upstream.intercepts.push((request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(200).end();
      }
      return request.method === 'HEAD';
    });
    await using client = await bench.open();
    const resolved = await client.resolve();
    expect(resolved).toMatchObject(image);
    expect(resolved.bytes?.length).toBe(image.size);
  });

  test('a digest is fetched at once, from a host that may pull', async () => {
    const image = bench.upstream.putImage(undefined, [layer]);
    await bench.writeHosts(
      `server = "${bench.upstream.url}"\n[host."${bench.registry(0).url}"]\ncapabilities = ["resolve"]`,
    );
    await using client = await bench.open(`r.example/team/app@${image.digest}`);
    expect(await client.resolve()).toMatchObject(image);
    expect(bench.registry(0).asked).toEqual([]);
    expect(bench.upstream.asked).toEqual([
      `GET /v2/team/app/manifests/${image.digest}?ns=r.example`,
    ]);
  });

  test('a host without the capability is not asked for a tag', async () => {
    bench.upstream.putImage('1', [layer]);
    await bench.writeHosts(
      `server = "${bench.upstream.url}"\n[host."${bench.registry(0).url}"]\ncapabilities = ["pull"]`,
    );
    await using client = await bench.open();
    await client.resolve();
    expect(bench.registry(0).asked).toEqual([]);
  });

  test('says so when no host is left to ask', async () => {
    await bench.writeHosts(`server = "${bench.upstream.url}"\ncapabilities = ["push"]`);
    await using client = await bench.open();
    await expect(client.resolve()).rejects.toThrow(
      /^cannot resolve image "r.example\/team\/app:1": ".*hosts.toml" leaves no host with the capability "resolve"$/,
    );
  });

  test('tells what each host said when none has it', async () => {
    bench.registry(0).intercepts.push(says(403));
    await using client = await bench.open();
    const error = await client.resolve().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'NotFound', status: 404, reason: 'ErrImagePull' });
    expect(String(error)).toContain('no host has it: ');
    expect(String(error)).toContain(`"${bench.registry(0).host}" answered status 403`);
    expect(String(error)).toContain(`"${bench.upstream.host}" answered status 404`);
    expect(String(error)).toContain('credentials: none: anonymous');
  });

  test('headers of the file go to their host', async () => {
    bench.upstream.putImage('1', [layer]);
    await bench.writeHosts(`server = "${bench.upstream.url}"\n[header]\nx-team = ["a", "b"]`);
    await using client = await bench.open();
    await client.resolve();
    expect(bench.upstream.requests[0]?.headers['x-team']).toBe('a, b');
  });

  test('speaks plain HTTP to a loopback registry that has no TLS', async () => {
    const image = bench.upstream.putImage('1', [layer]);
    await using client = await bench.open(`${bench.upstream.host}/team/app:1`);
    expect(await client.resolve()).toMatchObject(image);
    await client.fetchManifest({ ...image, annotations: {} });
    expect(bench.upstream.asked).toHaveLength(2);
  });
});

describe('a proxy', () => {
  const through = (proxy: string): void => {
    const { network } = bench.options;
    bench.more = { network: { ...network, proxies: new ProxyChoice({ HTTP_PROXY: proxy }) } };
  };

  test('is asked for what is not on this machine', async () => {
    const image = bench.upstream.putImage('1', [layer]);
    await bench.writeHosts('server = "http://far.example"');
    through(`http://u:hunter2@${bench.upstream.host}`);
    await using client = await bench.open();
    expect(await client.resolve()).toMatchObject(image);
    expect(bench.upstream.asked).toEqual([
      'HEAD http://far.example/v2/team/app/manifests/1?ns=r.example',
    ]);
    expect(bench.upstream.requests[0]?.headers['proxy-authorization']).toBe(
      `Basic ${Buffer.from('u:hunter2').toString('base64')}`,
    );
  });

  test('that is not there is named, without its password', async () => {
    await bench.writeHosts('server = "http://far.example"');
    through('http://u:hunter2@127.0.0.1:1');
    await using client = await bench.open();
    const error = await client.resolve().catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      message: expect.stringContaining(
        'no connection to "far.example" through the proxy "http://127.0.0.1:1": connection refused',
      ),
    });
    expect(inspect(error, { depth: 10 })).not.toContain('hunter2');
  });
});
