import { expect, test } from 'vitest';
import { describeProxy, ProxyChoice } from './proxy.ts';

const env = { HTTP_PROXY: 'http://p:1', https_proxy: 'u:hunter2@q:2' };

function choose(noProxy: string, url: string): string {
  const proxy = new ProxyChoice({ ...env, NO_PROXY: noProxy }).proxyFor(new URL(url));
  return proxy === undefined ? 'direct' : describeProxy(proxy);
}

test.each([
  ['', 'http://a.example', 'http://p:1'],
  ['', 'https://a.example', 'http://q:2'],
  ['', 'https://localhost:5000', 'direct'],
  ['', 'http://127.0.0.1:5000', 'direct'],
  ['', 'http://[::1]:5000', 'direct'],
  ['*', 'http://a.example', 'direct'],
  ['example', 'http://a.example', 'direct'],
  ['example', 'http://example', 'direct'],
  ['.example', 'http://example', 'http://p:1'],
  ['.example', 'http://a.example', 'direct'],
  ['*.example', 'http://a.EXAMPLE', 'direct'],
  ['ample', 'http://a.example', 'http://p:1'],
  ['b, a.example:80', 'http://a.example', 'direct'],
  ['a.example:81', 'http://a.example', 'http://p:1'],
  ['a.example:443', 'https://a.example', 'direct'],
  ['10.0.0.0/8', 'http://10.1.2.3:5000', 'direct'],
  ['10.0.0.0/8', 'http://11.1.2.3:5000', 'http://p:1'],
  ['10.0.0.0/8', 'http://a.example', 'http://p:1'],
  ['fd00::/8', 'http://[fd00::1]', 'direct'],
  ['10.1.2.3', 'http://10.1.2.3', 'direct'],
  ['2', 'http://10.1.2.2', 'http://p:1'],
  ['[fd00::1]:80', 'http://[fd00::1]', 'direct'],
  ['fd00::1', 'http://[fd00::1]:81', 'direct'],
  ['300.0.0.0/8 10.0.0.0/99', 'http://10.0.0.1', 'http://p:1'],
])('with NO_PROXY=%j %s goes through %s', (noProxy, url, expected) => {
  expect(choose(noProxy, url)).toBe(expected);
});

test('without variables everything is direct', () => {
  expect(new ProxyChoice({}).proxyFor(new URL('http://a.example'))).toBeUndefined();
});

test('a proxy that is no URL is refused by the name of its variable alone', () => {
  expect(() => new ProxyChoice({ HTTPS_PROXY: 'gopher://u:hunter2@x' })).toThrow(
    'cannot use the environment variable HTTPS_PROXY: it is not an http, https or socks5 URL',
  );
});
