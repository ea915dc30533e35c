import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explain } from './explain.ts';
import { ProxyChoice } from './proxy.ts';
import { Bench } from './registry-bench.ts';
import { pullAuthOf } from './credentials.ts';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.start(2);
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
});

describe('explain', () => {
  test('tells of each host how it is asked and why, and no secret', async () => {
    const config = join(bench.directory, 'config.json');
    await writeFile(
      config,
      '{"auths": {"mirror.example": {"username": "me", "password": "hunter2"}}}',
    );
    await bench.writeHosts(`server = "https://real.example"
unknown = 1
[host."https://mirror.example/cache"]
capabilities = ["pull", "resolve"]
skip_verify = true
ca = "missing.crt"
client = ["c.pem"]
[host."https://mirror.example/cache".header]
x-token = "hunter2"`);
    bench.credentials = {
      files: [config],
      pullAuth: pullAuthOf({ registryToken: 'hunter2' }),
    };
    const { network } = bench.options;
    const proxies = new ProxyChoice({
      HTTPS_PROXY: 'http://u:hunter2@proxy:8080',
      NO_PROXY: '.example',
    });
    bench.more = { network: { ...network, proxies } };
    const told = await explain('r.example/team/app', bench.options);
    const file = join(bench.directory, 'hosts', 'r.example', 'hosts.toml');
    const directory = join(bench.directory, 'hosts', 'r.example');
    expect(told).toEqual({
      reference: 'r.example/team/app:latest',
      domain: 'r.example',
      source: file,
      notes: [`"${file}": key unknown means nothing`],
      hosts: [
        {
          url: 'https://mirror.example/cache/v2',
          scheme: 'https',
          host: 'mirror.example',
          origin: `${file}: host."https://mirror.example/cache"`,
          capabilities: ['pull', 'resolve'],
          isUpstream: false,
          namespace: 'r.example',
          trust: {
            isVerified: false,
            caFiles: [join(directory, 'missing.crt')],
            clientCertificates: [join(directory, 'c.pem')],
            mayFallBackToHttp: false,
          },
          headers: ['x-token'],
          proxy: '',
          credentials: { kind: 'password', source: `"${config}" (auths."mirror.example")` },
          problem: `cannot use CA "${join(directory, 'missing.crt')}" (asked for by ${file}: host."https://mirror.example/cache"): ENOENT`,
          probe: undefined,
        },
        expect.objectContaining({
          url: 'https://real.example/v2',
          origin: `${file}: server`,
          isUpstream: true,
          credentials: {
            kind: 'registry-token',
            source: 'AuthConfig of the pull (registry_token)',
          },
          problem: '',
        }),
      ],
    });
    expect(JSON.stringify(told)).not.toContain('hunter2');
  });

  test('names the proxy without its password', async () => {
    const { network } = bench.options;
    const proxies = new ProxyChoice({ HTTPS_PROXY: 'http://u:hunter2@proxy:8080' });
    bench.more = { network: { ...network, proxies } };
    const { hosts } = await explain('other.example/a', bench.options);
    expect(hosts[0]?.proxy).toBe('http://proxy:8080');
  });

  test('says what each host answers when it is asked to', async () => {
    const image = bench.upstream.putImage('latest', []);
    const { hosts } = await explain('r.example/team/app', { ...bench.options, probe: true });
    expect(hosts.map(({ probe }) => probe)).toEqual([
      {
        digest: '',
        mediaType: '',
        error: expect.stringContaining('answered status 404'),
        elapsedMs: expect.any(Number),
      },
      {
        digest: image.digest,
        mediaType: image.mediaType,
        error: '',
        elapsedMs: expect.any(Number),
      },
    ]);
  });

  test('refuses what is no reference', async () => {
    await expect(explain('A/B', bench.options)).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});
