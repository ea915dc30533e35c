import { assert, constantFrom, oneof, property, record, string, array } from 'fast-check';
import { stringify } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { CriError } from '../core/error.ts';
import { parseHostsFile } from './hosts-file.ts';

const path = '/etc/containerd/certs.d/docker.io/hosts.toml';

describe('parseHostsFile', () => {
  test('keeps the order of hosts and puts the server apart', () => {
    const file = parseHostsFile(
      `server = "https://registry-1.docker.io"
[host."https://z-mirror.example"]
capabilities = ["pull", "Resolve", "referrers"]
[host."http://a-mirror.example:5000"]
[host."m.example/base"]
[host."https://whole.example/v2/cache/"]
override_path = true`,
      path,
    );
    expect(file.hosts.map(({ url, key }) => ({ ...url, key }))).toEqual([
      {
        scheme: 'https',
        host: 'z-mirror.example',
        path: '/v2',
        key: 'host."https://z-mirror.example"',
      },
      {
        scheme: 'http',
        host: 'a-mirror.example:5000',
        path: '/v2',
        key: 'host."http://a-mirror.example:5000"',
      },
      { scheme: 'https', host: 'm.example', path: '/base/v2', key: 'host."m.example/base"' },
      {
        scheme: 'https',
        host: 'whole.example',
        path: '/v2/cache',
        key: 'host."https://whole.example/v2/cache/"',
      },
    ]);
    expect(file.hosts[0]?.capabilities).toEqual(['pull', 'resolve', 'referrers']);
    expect(file.hosts[1]?.capabilities).toEqual(['pull', 'resolve', 'push', 'referrers']);
    expect(file.server.url).toEqual({ scheme: 'https', host: 'registry-1.docker.io', path: '/v2' });
  });

  test('does not add /v2 twice, and nothing at all with override_path', () => {
    const file = parseHostsFile(
      `[host."https://a.example/v2"]
[host."https://b.example"]
override_path = true
[host."https://c.example//x//v2/"]`,
      path,
    );
    expect(file.hosts.map(({ url }) => url?.path)).toEqual(['/v2', '', '/x/v2']);
  });

  test.each([
    ['ca = "ca.crt"', ['/etc/containerd/certs.d/docker.io/ca.crt']],
    ['ca = ["/a.crt", "../b.crt"]', ['/a.crt', '/etc/containerd/certs.d/b.crt']],
    ['', []],
  ])('reads %j', (line, expected) => {
    expect(parseHostsFile(line, path).server.caFiles).toEqual(expected);
  });

  test.each([
    ['client = "/c.pem"', [['/c.pem', '']]],
    [
      'client = ["/c.pem", "/d.pem"]',
      [
        ['/c.pem', ''],
        ['/d.pem', ''],
      ],
    ],
    [
      'client = [["/c.cert", "/c.key"], ["/d.pem", ""]]',
      [
        ['/c.cert', '/c.key'],
        ['/d.pem', ''],
      ],
    ],
  ])('reads %j', (line, expected) => {
    const { clientPairs } = parseHostsFile(line, path).server;
    expect(clientPairs.map((pair) => [pair.certificate, pair.key])).toEqual(expected);
  });

  test('reads headers, a flag and a time', () => {
    const { hosts } = parseHostsFile(
      `[host."https://m.example"]
skip_verify = true
dial_timeout = "1m30s"
[host."https://m.example".header]
X-Custom = "one"
Authorization = ["Basic c2VjcmV0"]`,
      path,
    );
    expect(hosts[0]).toMatchObject({ skipVerify: true, dialTimeoutMs: 90_000 });
    expect(hosts[0]?.headers['x-custom']?.map((value) => value.reveal())).toEqual(['one']);
    expect(JSON.stringify(hosts)).not.toContain('c2VjcmV0');
  });

  test('names keys that mean nothing', () => {
    const file = parseHostsFile('skip_verfiy = true\n[host."a.example"]\ncapabilites = []', path);
    expect(file.ignoredKeys).toEqual(['host."a.example".capabilites', 'skip_verfiy']);
    expect(parseHostsFile('', path).server.url).toBeUndefined();
  });

  test.each([
    ['server = 5', 'key server: it is not a string'],
    ['server = "ftp://a.example"', 'key server: "ftp://a.example" is not an http or https URL'],
    ['server = "https://a b"', 'key server: "https://a b" is not an http or https URL'],
    ['server = "https://u:hunter2@a.example"', 'key server: the URL holds credentials'],
    ['server = "https://a.example?x=1"', 'has a query or fragment'],
    ['host = 1', 'key host: it is not a table'],
    ['[host]\n"https://a" = 1', 'key host."https://a": it is not a table'],
    ['[host.""]', 'key host."": "" is not an http or https URL'],
    [
      '[host."https://a"]\ncapabilities = ["pul"]',
      'key host."https://a".capabilities: "pul" is not one of pull, resolve, push, referrers',
    ],
    ['capabilities = "pull"', 'key capabilities: it is not a list'],
    ['ca = 1', 'key ca: it is neither a string nor a list of strings'],
    ['ca = [1]', 'key ca: it is neither'],
    ['client = [["a", "b", "c"]]', 'key client: each entry is a file, or a pair'],
    ['client = [[]]', 'key client: each entry'],
    ['client = {}', 'key client: it is not a list'],
    ['skip_verify = "yes"', 'key skip_verify: it is not true or false'],
    ['dial_timeout = "10"', 'key dial_timeout: "10" is not a duration such as "10s"'],
    ['dial_timeout = 10', 'key dial_timeout: it is not a string'],
    ['[header]\nHost = "x"', 'key header.Host: this header cannot be set'],
    ['[header]\n"a b" = "x"', 'key header.a b: this header cannot be set'],
    ['[header]\nx = "a\\r\\nb"', 'key header.x: the value holds a line break'],
    ['[header]\nx = 1', 'key header.x: it is neither'],
    ['a = 1\n[[host', 'line 2: '],
  ])('refuses %j and names file and key', (text, why) => {
    let caught: unknown;
    try {
      parseHostsFile(text, path);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(CriError);
    expect(caught).toMatchObject({ code: 'FailedPrecondition' });
    expect(String(caught)).toContain(`cannot read "${path}": `);
    expect(String(caught)).toContain(why);
    expect(String(caught)).not.toContain('hunter2');
  });
});

test('whatever a file holds, it is read or refused by our own error', () => {
  const keys = ['server', 'host', 'ca', 'client', 'header', 'capabilities', 'skip_verify'];
  const key = constantFrom(...keys, 'dial_timeout');
  const leaf = oneof(
    string(),
    constantFrom('https://a', 'pull', '10s', true, 1, 1.5),
    array(string(), { maxLength: 3 }),
    array(array(string(), { maxLength: 3 }), { maxLength: 2 }),
    record({ 'https://a': record({ ca: string() }) }),
  );
  assert(
    property(array(record({ key, leaf }), { maxLength: 4 }), (entries) => {
      const text = stringify(Object.fromEntries(entries.map((entry) => [entry.key, entry.leaf])));
      try {
        expect(parseHostsFile(text, path).path).toBe(path);
      } catch (error) {
        expect(error).toBeInstanceOf(CriError);
      }
    }),
  );
});
