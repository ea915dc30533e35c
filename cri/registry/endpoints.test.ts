import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findEndpoints, isLoopback } from './endpoints.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'estiba-hosts-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function write(name: string, text: string): Promise<string> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

async function urls(domain: string): Promise<string[]> {
  const { endpoints } = await findEndpoints([root], domain);
  return endpoints.map(({ scheme, host, path }) => `${scheme}://${host}${path}`);
}

describe('findEndpoints without files', () => {
  test.each([
    ['docker.io', 'https://registry-1.docker.io/v2'],
    ['quay.io', 'https://quay.io/v2'],
    ['r.example:8443', 'https://r.example:8443/v2'],
    ['localhost:80', 'http://localhost:80/v2'],
    ['localhost:5000', 'https://localhost:5000/v2'],
    ['[::1]:5000', 'https://[::1]:5000/v2'],
  ])('asks %s at %s', async (domain, url) => {
    expect(await urls(domain)).toEqual([url]);
  });

  test.each([
    ['r.example:5000', false, false],
    ['docker.io', false, false],
    ['localhost', true, false],
    ['127.0.0.1:5000', true, true],
    ['[::1]:5000', true, true],
    ['localhost:443', true, false],
  ])('%s: unverified %s, plain HTTP if need be %s', async (domain, skipVerify, fallBack) => {
    const { endpoints, source } = await findEndpoints([join(root, 'none')], domain);
    expect(endpoints).toMatchObject([
      { skipVerify, mayFallBackToHttp: fallBack, isUpstream: true, namespace: '' },
    ]);
    expect(source).toBe('');
  });
});

describe('findEndpoints with hosts.toml', () => {
  test('asks mirrors in order, then the registry itself, and tells mirrors whose image is meant', async () => {
    const path = await write(
      'docker.io/hosts.toml',
      '[host."http://one:1"]\n[host."https://two"]\nskip_verify = true',
    );
    const { endpoints, source } = await findEndpoints([root], 'docker.io');
    expect(source).toBe(path);
    expect(endpoints).toMatchObject([
      { host: 'one:1', scheme: 'http', namespace: 'docker.io', isUpstream: false },
      { host: 'two', skipVerify: true, namespace: 'docker.io', isUpstream: false },
      { host: 'registry-1.docker.io', namespace: '', isUpstream: true, skipVerify: false },
    ]);
    expect(endpoints.map(({ origin }) => origin)).toEqual([
      `${path}: host."http://one:1"`,
      `${path}: host."https://two"`,
      `${path}: no server, so the registry itself`,
    ]);
  });

  test('takes a server of the registry’s own file for the registry, one of _default for a mirror', async () => {
    await write('r.example/hosts.toml', 'server = "https://real.example"');
    await write('_default/hosts.toml', 'server = "https://cache.example"');
    const own = await findEndpoints([root], 'r.example');
    const other = await findEndpoints([root], 'other.example');
    expect(own.endpoints).toMatchObject([{ host: 'real.example', isUpstream: true }]);
    expect(other.endpoints).toMatchObject([
      { host: 'cache.example', isUpstream: false, namespace: 'other.example' },
    ]);
  });

  test('finds the directory of a host with port in both spellings', async () => {
    await write('a.example_5000_/hosts.toml', 'server = "https://underscore"');
    await write('a.example:5000/hosts.toml', 'server = "https://colon"');
    await write('b.example:5000/hosts.toml', 'server = "https://colon"');
    await write('[::1]_5000_/hosts.toml', 'server = "http://six"');
    expect(await urls('a.example:5000')).toEqual(['https://underscore/v2']);
    expect(await urls('b.example:5000')).toEqual(['https://colon/v2']);
    expect(await urls('[::1]:5000')).toEqual(['http://six/v2']);
    expect(await urls('[::1]')).toEqual(['https://[::1]/v2']);
  });

  test('looks into several directories, the first that knows the host deciding', async () => {
    await write('one/x.example/hosts.toml', 'server = "https://first"');
    await write('two/x.example/hosts.toml', 'server = "https://second"');
    await write('two/y.example/hosts.toml', 'server = "https://third"');
    const roots = [join(root, 'one'), join(root, 'two')];
    expect((await findEndpoints(roots, 'x.example')).endpoints[0]?.host).toBe('first');
    expect((await findEndpoints(roots, 'y.example')).endpoints[0]?.host).toBe('third');
  });

  test('reads the file again at each call', async () => {
    await write('r.example/hosts.toml', 'server = "https://before"');
    expect(await urls('r.example')).toEqual(['https://before/v2']);
    await write('r.example/hosts.toml', 'server = "https://after"');
    expect(await urls('r.example')).toEqual(['https://after/v2']);
  });

  test('a broken file fails this registry alone', async () => {
    const path = await write('r.example/hosts.toml', 'ca = 1');
    await expect(urls('r.example')).rejects.toThrow(`cannot read "${path}": key ca:`);
    expect(await urls('other.example')).toEqual(['https://other.example/v2']);
  });

  test('a file in the place of a directory, or a directory in the place of the file, is told', async () => {
    const notDirectory = await write('r.example', '');
    await mkdir(join(root, 's.example', 'hosts.toml'), { recursive: true });
    await expect(urls('r.example')).rejects.toThrow(`cannot read "${notDirectory}": ENOTDIR`);
    await expect(urls('s.example')).rejects.toThrow(
      `cannot read "${join(root, 's.example', 'hosts.toml')}": it is not a file`,
    );
  });

  test('tells of keys that mean nothing', async () => {
    const path = await write('r.example/hosts.toml', 'insecure = true');
    const { notes } = await findEndpoints([root], 'r.example');
    expect(notes).toEqual([`"${path}": key insecure means nothing`]);
  });

  test('uses certificates in Docker’s layout where there is no hosts.toml', async () => {
    const directory = join(root, 'localhost:5000');
    for (const name of ['ca.crt', 'c.cert', 'c.key', 'both.cert', 'README']) {
      await write(`localhost:5000/${name}`, '');
    }
    const { endpoints, source } = await findEndpoints([root], 'localhost:5000');
    expect(source).toBe(directory);
    expect(endpoints).toMatchObject([
      {
        host: 'localhost:5000',
        caFiles: [join(directory, 'ca.crt')],
        clientPairs: [
          { certificate: join(directory, 'both.cert'), key: '' },
          { certificate: join(directory, 'c.cert'), key: join(directory, 'c.key') },
        ],
        skipVerify: false,
      },
    ]);
  });

  test('settings of the top level hold for the registry itself', async () => {
    await write('localhost:5000/hosts.toml', 'ca = "ca.crt"\ncapabilities = ["pull"]');
    const { endpoints } = await findEndpoints([root], 'localhost:5000');
    expect(endpoints).toMatchObject([
      { host: 'localhost:5000', skipVerify: false, capabilities: ['pull'] },
    ]);
  });
});

test.each([
  ['localhost', true],
  ['localhost:80', true],
  ['127.9.9.9:1', true],
  ['[::1]', true],
  ['[::1]:5000', true],
  ['localhost.example', false],
  ['10.0.0.1', false],
  ['[::2]:1', false],
])('isLoopback(%j) is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
