// hosts.toml as containerd lays it out, through the socket: which host is asked what, in which order,
// with which headers. The mirrors are proxies before one real registry, so that each tells its own part.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BuiltImage } from '../../hack/images/build-image.ts';
import { aroundPulls, noise, onBusybox, type PullGround } from '../lib/pulls.ts';
import { FaultProxy } from '../registry/fault-proxy.ts';

const host = 'far.test';

let ground: PullGround;
let first: FaultProxy;
let second: FaultProxy;
let image: BuiltImage;
let name = '';
let count = 0;

aroundPulls({
  made: async (one) => {
    ground = one;
    const upstream = ground.registry.url;
    first = await FaultProxy.start({ upstream });
    second = await FaultProxy.start({ upstream, prefix: '/cache/far' });
  },
  beforeEach: async () => {
    await rm(ground.hostsDir, { recursive: true, force: true });
    for (const proxy of [first, second]) {
      proxy.plan = () => undefined;
      proxy.asked.length = 0;
      proxy.heard.length = 0;
    }
    count += 1;
    image = onBusybox([noise(10_000)]);
    await ground.push('team/app', String(count), image);
    name = `${host}/team/app:${count}`;
  },
  ended: async () => {
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  },
});

/** A [host] table of a mirror. */
function mirror(url: string, ...lines: readonly string[]): string {
  return [`[host."${url}"]`, ...lines, ''].join('\n');
}

const methods = (proxy: FaultProxy): string[] =>
  proxy.asked.map((line) => /^\S+ \S*\/(?:manifests|blobs)/u.exec(line)?.[0] ?? line);

const notThere = (): { kind: 'status'; status: number } => ({ kind: 'status', status: 404 });

describe('mirrors', () => {
  it('are asked in the order of the file, told whose image is meant, the registry last', async () => {
    const text = `server = "${ground.proxy.url}"\n${mirror(first.url)}${mirror('http://127.0.0.1:1')}`;
    await ground.writeHosts(host, text);
    first.plan = notThere;
    expect(await ground.pull(name)).toBe(image.id);
    expect(first.asked[0]).toBe(`HEAD /v2/team/app/manifests/${count}?ns=${host}`);
    expect(ground.proxy.asked[0]).toBe(`HEAD /v2/team/app/manifests/${count}?ns=${host}`);
    expect(await ground.status(name)).toMatchObject({
      repoTags: [name],
      repoDigests: [`${host}/team/app@${image.manifestDigest}`],
    });
    // Why the other one served it stands in the log.
    expect(ground.server.log).toContain('host \\"127.0.0.1:1\\" cannot serve an image');
  });

  it('that has the manifest and lacks a layer leaves that to the next', async () => {
    const { digest = '' } = image.layers[1] ?? {};
    await ground.writeHosts(host, `server = "${ground.proxy.url}"\n${mirror(first.url)}`);
    first.plan = ({ path }) => (path.includes(digest) ? notThere() : undefined);
    expect(await ground.pull(name)).toBe(image.id);
    expect(ground.blobsAsked).toEqual([digest]);
  });

  it('are asked for what their capabilities say alone', async () => {
    const text = [
      'server = "http://127.0.0.1:1"',
      mirror(first.url, 'capabilities = ["resolve"]'),
      mirror(ground.proxy.url, 'capabilities = ["pull"]'),
    ].join('\n');
    await ground.writeHosts(host, text);
    expect(await ground.pull(name)).toBe(image.id);
    expect(methods(first)).toEqual(['HEAD /v2/team/app/manifests']);
    expect(new Set(methods(ground.proxy))).toEqual(
      new Set(['GET /v2/team/app/manifests', 'GET /v2/team/app/blobs']),
    );
  });

  it('get the headers of the file, each its own', async () => {
    const text = [
      `server = "${ground.proxy.url}"`,
      mirror(first.url, `[host."${first.url}".header]`, 'x-cache-key = ["one", "two"]'),
    ].join('\n');
    await ground.writeHosts(host, text);
    first.plan = ({ path }) => (path.includes('/blobs/') ? notThere() : undefined);
    expect(await ground.pull(name)).toBe(image.id);
    expect(first.heard.length).toBeGreaterThan(0);
    expect(new Set(first.heard.map((headers) => headers['x-cache-key']))).toEqual(
      new Set(['one, two']),
    );
    expect(ground.proxy.heard.some((headers) => 'x-cache-key' in headers)).toBe(false);
  });

  it('are found below the path of the file, as it is with override_path', async () => {
    const url = `${second.url}/cache/far/v2`;
    const text = `server = "http://127.0.0.1:1"\n${mirror(url, 'override_path = true')}`;
    await ground.writeHosts(host, text);
    expect(await ground.pull(name)).toBe(image.id);
    expect(second.asked[0]).toBe(`HEAD /cache/far/v2/team/app/manifests/${count}?ns=${host}`);
    await ground.clear();
    const plain = mirror(`${second.url}/cache/far`);
    await ground.writeHosts(host, `server = "http://127.0.0.1:1"\n${plain}`);
    expect(await ground.pull(name)).toBe(image.id);
    expect(second.asked.every((line) => line.includes(' /cache/far/v2/'))).toBe(true);
  });
});

describe('files', () => {
  it('of _default serve hosts without one of their own', async () => {
    await ground.writeHosts('_default', mirror(first.url));
    expect(await ground.pull(name)).toBe(image.id);
    expect(first.asked.length).toBeGreaterThan(0);
    await ground.clear();
    first.asked.length = 0;
    await ground.writeHosts(host, `server = "${ground.proxy.url}"\n`);
    expect(await ground.pull(name)).toBe(image.id);
    expect(first.asked).toEqual([]);
  });

  it('are read at each pull: a broken one fails that pull, a mended one serves the next', async () => {
    await ground.writeHosts(host, 'server = "ftp://somewhere"\n');
    await expect(ground.pull(name)).rejects.toThrow(
      new RegExp(
        `FAILED_PRECONDITION: cannot read "${join(ground.hostsDir, host, 'hosts.toml')}": key server`,
        'u',
      ),
    );
    await ground.writeHosts(host, `server = "${ground.proxy.url}"\n`);
    expect(await ground.pull(name)).toBe(image.id);
    // The server is the same one, and other hosts never noticed.
    expect(await ground.pull(`${ground.proxy.host}/team/app:${count}`)).toBe(image.id);
  });

  it('whose hosts all fail end the pull with what each of them said', async () => {
    const text = `server = "http://127.0.0.1:1"\n${mirror(first.url)}`;
    await ground.writeHosts(host, text);
    first.plan = notThere;
    const failed = ground.pull(name);
    await expect(failed).rejects.toThrow(/^2 UNKNOWN: RegistryUnavailable: cannot resolve image/u);
    await expect(failed).rejects.toThrow(/404.*"127\.0\.0\.1:1": connection refused/u);
  });
});
