import { describe, expect, test } from 'vitest';
import {
  formatReference,
  isDigest,
  parseImageReference,
  parseNormalizedName,
  parseReference,
} from './image-reference.ts';

const hex = 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'.slice(0, 64);
const sha = `sha256:${hex}`;

// The examples that the distribution project publishes with its reference package.
const wellFormed: [
  text: string,
  domain: string,
  path: string,
  tag?: string | undefined,
  digest?: string,
][] = [
  ['test_com', '', 'test_com'],
  ['test.com:tag', '', 'test.com', 'tag'],
  ['test.com:5000', '', 'test.com', '5000'],
  ['test.com/repo:tag', 'test.com', 'repo', 'tag'],
  ['test:5000/repo', 'test:5000', 'repo'],
  ['test:5000/repo:tag', 'test:5000', 'repo', 'tag'],
  [`test:5000/repo@${sha}`, 'test:5000', 'repo', undefined, sha],
  [`test:5000/repo:tag@${sha}`, 'test:5000', 'repo', 'tag', sha],
  ['lowercase:Uppercase', '', 'lowercase', 'Uppercase'],
  ['sub-dom1.foo.com/bar/baz/quux', 'sub-dom1.foo.com', 'bar/baz/quux'],
  [
    'sub-dom1.foo.com/bar/baz/quux:some-long-tag',
    'sub-dom1.foo.com',
    'bar/baz/quux',
    'some-long-tag',
  ],
  [
    'b.gcr.io/test.example.com/my-app:test.example.com',
    'b.gcr.io',
    'test.example.com/my-app',
    'test.example.com',
  ],
  ['xn--n3h.com/myimage:xn--n3h.com', 'xn--n3h.com', 'myimage', 'xn--n3h.com'],
  [`xn--7o8h.com/myimage:xn--7o8h.com@${sha}`, 'xn--7o8h.com', 'myimage', 'xn--7o8h.com', sha],
  ['foo_bar.com:8080', '', 'foo_bar.com', '8080'],
  ['192.168.1.1', '', '192.168.1.1'],
  ['192.168.1.1:tag', '', '192.168.1.1', 'tag'],
  ['192.168.1.1:5000', '', '192.168.1.1', '5000'],
  ['192.168.1.1/repo', '192.168.1.1', 'repo'],
  ['192.168.1.1:5000/repo:5050', '192.168.1.1:5000', 'repo', '5050'],
  ['[2001:db8::1]/repo', '[2001:db8::1]', 'repo'],
  ['[2001:db8:1:2:3:4:5:6]/repo:tag', '[2001:db8:1:2:3:4:5:6]', 'repo', 'tag'],
  ['[2001:db8::1]:5000/repo', '[2001:db8::1]:5000', 'repo'],
  ['[2001:db8::1]:5000/repo:tag', '[2001:db8::1]:5000', 'repo', 'tag'],
  [`[2001:db8::1]:5000/repo@${sha}`, '[2001:db8::1]:5000', 'repo', undefined, sha],
  ['[2001:db8::]:5000/repo', '[2001:db8::]:5000', 'repo'],
  ['[::1]:5000/repo', '[::1]:5000', 'repo'],
  ['Uppercase/lowercase:tag', 'Uppercase', 'lowercase', 'tag'],
  ['foo/foo_bar.com:8080', 'foo', 'foo_bar.com', '8080'],
  ['foo_bar:8080', '', 'foo_bar', '8080'],
  ['a--b/c__d.e', 'a--b', 'c__d.e'],
  [`${'a/'.repeat(127)}a:tag`, 'a', `${'a/'.repeat(126)}a`, 'tag'],
  ['a/a/a/a/a/a/a/a/a:tag-puts-this-over-max', 'a', 'a/a/a/a/a/a/a/a', 'tag-puts-this-over-max'],
];

const malformed: [text: string, why: RegExp][] = [
  ['', /empty/],
  [':justtag', /form/],
  [`@${sha}`, /form/],
  ['repo@sha256:ffffffffffffffffffffffffffffffffff', /digest of its full length/],
  [`validname@invaliddigest:${hex}`, /digest/],
  ['Uppercase:tag', /lower case/],
  ['test:5000/Uppercase/lowercase:tag', /lower case/],
  ['aa/asdf$$^/aa', /form/],
  [`${'a/'.repeat(129)}a:tag`, /longer than 255/],
  ['[2001:db8::1]', /form/],
  ['[2001:db8::1]:5000', /form/],
  ['[2001:db8::1]:tag', /form/],
  ['[fe80::1%eth0]:5000/repo', /form/],
  ['[fe80::1%@invalidzone]:5000/repo', /form/],
  ['-test/repo', /form/],
  ['test-/repo', /form/],
  ['test//repo', /form/],
  ['repo/', /form/],
  ['repo_', /form/],
  ['repo__', /form/],
  ['repo:', /not a tag/],
  ['repo:-tag', /not a tag/],
  [`repo:${'t'.repeat(129)}`, /not a tag/],
  ['repo@sha256', /not a digest/],
  ['https://test.com/repo', /scheme/],
  ['test.com/re po', /white space/],
  [' test', /white space/],
];

describe('parseReference', () => {
  test.each(wellFormed)('takes %s apart', (text, domain, path, tag, digest) => {
    const parsed = parseReference(text);
    expect(parsed).toEqual({ domain, path, tag, digest });
    expect(formatReference(parsed)).toBe(text);
  });

  test.each(malformed)('refuses %j and says why', (text, why) => {
    expect(() => parseReference(text)).toThrow(why);
  });
});

const normalized: [text: string, full: string][] = [
  ['fooo', 'docker.io/library/fooo'],
  ['fooo/bar', 'docker.io/fooo/bar'],
  ['fooo/bar:8', 'docker.io/fooo/bar:8'],
  ['library/fooo', 'docker.io/library/fooo'],
  ['docker.io/fooo', 'docker.io/library/fooo'],
  ['docker.io/library/fooo', 'docker.io/library/fooo'],
  ['index.docker.io/fooo', 'docker.io/library/fooo'],
  ['index.docker.io/private/moonbase', 'docker.io/private/moonbase'],
  ['docker.io/private/moonbase', 'docker.io/private/moonbase'],
  ['nonlibrary/fooo', 'docker.io/nonlibrary/fooo'],
  ['example.com/fooo', 'example.com/fooo'],
  ['example.com:8000/private/moonbase', 'example.com:8000/private/moonbase'],
  ['example:8000/moonbase', 'example:8000/moonbase'],
  ['example:8000/private/moonbase', 'example:8000/private/moonbase'],
  ['8000/moonbase', 'docker.io/8000/moonbase'],
  ['localhost/fooo', 'localhost/fooo'],
  ['localhost:5000/fooo', 'localhost:5000/fooo'],
  ['[::1]:5000/fooo', '[::1]:5000/fooo'],
  ['LOCALHOST/fooo', 'LOCALHOST/fooo'],
  ['Docker/docker', 'Docker/docker'],
  ['xn--n3h.com/myimage', 'xn--n3h.com/myimage'],
  ['127.0.0.1:8000/moonbase', '127.0.0.1:8000/moonbase'],
  ['u/docker', 'docker.io/u/docker'],
  ['docker', 'docker.io/library/docker'],
  ['foo_bar', 'docker.io/library/foo_bar'],
  [`busybox:1@${sha}`, `docker.io/library/busybox:1@${sha}`],
];

// What the kubelet's references mean: upstream's cases of ParseDockerRef.
const meant: [text: string, full: string][] = [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.2.3', 'docker.io/library/nginx:1.2.3'],
  [`nginx:1.2.3@${sha}`, `docker.io/library/nginx@${sha}`],
  ['gcr.io/library/nginx', 'gcr.io/library/nginx:latest'],
  ['k8s.gcr.io/pause:3.9', 'k8s.gcr.io/pause:3.9'],
  ['[::1]:5000/a/b', '[::1]:5000/a/b:latest'],
  ['localhost:5000/busybox', 'localhost:5000/busybox:latest'],
  ['localhost/busybox', 'localhost/busybox:latest'],
];

const notNames = [
  hex,
  '',
  'https://github.com/docker/docker',
  'docker/Docker',
  '-docker',
  '-docker/docker',
  '-docker.io/docker/docker',
  'docker///docker',
  'docker.io/docker/Docker',
  'docker.io/docker///docker',
  'Busybox',
  'foo/bar_',
  `docker.io/${hex}x/`,
  'docker.io/',
  '/docker',
  'docker.io:port/a',
  '[fe80::1%eth0]:5000/a',
  `busybox@sha256:${hex.toUpperCase()}`,
  `busybox@sha256:${hex}0`,
  'busybox@md5:d41d8cd98f00b204e9800998ecf8427e',
];

describe('parseNormalizedName', () => {
  test.each(normalized)('reads %s as %s', (text, full) => {
    expect(formatReference(parseNormalizedName(text))).toBe(full);
  });

  test.each(notNames)('refuses %j', (text) => {
    expect(() => parseNormalizedName(text)).toThrow(/^cannot parse image reference/);
  });

  test('quotes what the user wrote, not the name with defaults', () => {
    expect(() => parseNormalizedName('busybox:a b')).toThrow('image reference "busybox:a b": ');
  });
});

describe('parseImageReference', () => {
  test.each(meant)('reads %s as %s', (text, full) => {
    expect(formatReference(parseImageReference(text))).toBe(full);
  });

  test('fills in the tag latest', () => {
    expect(formatReference(parseImageReference('busybox'))).toBe(
      'docker.io/library/busybox:latest',
    );
  });

  test('drops the tag beside a digest', () => {
    expect(formatReference(parseImageReference(`a.io/b:1@${sha}`))).toBe(`a.io/b@${sha}`);
  });
});

test('isDigest wants a supported algorithm, full length and lower case', () => {
  expect(isDigest(sha)).toBe(true);
  expect(isDigest(`sha512:${hex}${hex}`)).toBe(true);
  expect(isDigest(sha.toUpperCase())).toBe(false);
  expect(isDigest(`sha256:${hex.slice(1)}`)).toBe(false);
  expect(isDigest(`md5:${hex}`)).toBe(false);
});
