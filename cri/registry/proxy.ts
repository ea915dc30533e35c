// Which proxy a request goes through: HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go programs read them,
// so that what works for the kubelet and for containerd works here.
import { BlockList, isIP } from 'node:net';
import { CriError } from '../core/error.ts';
import { isLoopback } from './endpoints.ts';

/** Chooses proxies by the environment it was made with. */
export class ProxyChoice {
  readonly #http: URL | undefined;
  readonly #https: URL | undefined;
  readonly #exceptions: readonly Exception[];

  /** Throws InvalidArgument for a proxy that is not a URL, naming the variable. */
  constructor(env: NodeJS.ProcessEnv) {
    this.#http = readProxy(env, ['HTTP_PROXY', 'http_proxy']);
    this.#https = readProxy(env, ['HTTPS_PROXY', 'https_proxy']);
    this.#exceptions = readExceptions(env['NO_PROXY'] || env['no_proxy'] || '');
  }

  /** The proxy for `url`, undefined for a direct connection. This machine is always direct. */
  proxyFor(url: URL): URL | undefined {
    const proxy = url.protocol === 'https:' ? this.#https : this.#http;
    if (proxy === undefined || isLoopback(url.host)) {
      return undefined;
    }
    const host = url.hostname.toLowerCase().replace(/^\[(.*)\]$/u, '$1');
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    return this.#exceptions.some((exception) => exception(host, port)) ? undefined : proxy;
  }
}

/** A proxy's URL without its password, for people. */
export function describeProxy(proxy: URL): string {
  return `${proxy.protocol}//${proxy.host}`;
}

type Exception = (host: string, port: string) => boolean;

function readProxy(env: NodeJS.ProcessEnv, names: readonly string[]): URL | undefined {
  for (const name of names) {
    const text = env[name];
    if (text !== undefined && text !== '') {
      return parseProxy(name, text);
    }
  }
  return undefined;
}

function parseProxy(name: string, text: string): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//iu.test(text) ? text : `http://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined || !['http:', 'https:', 'socks5:'].includes(url.protocol)) {
    // The value may hold a password.
    const why = 'it is not an http, https or socks5 URL';
    throw new CriError('InvalidArgument', `cannot use the environment variable ${name}: ${why}`);
  }
  return url;
}

function readExceptions(text: string): Exception[] {
  const entries = text
    .split(/[\s,]+/u)
    .map((entry) => entry.toLowerCase())
    .filter((entry) => entry !== '');
  return entries.flatMap((entry) => readException(entry) ?? []);
}

function readException(entry: string): Exception | undefined {
  if (entry === '*') {
    return () => true;
  }
  const subnet = /^([0-9a-f:.]+)\/(\d{1,3})$/u.exec(entry);
  if (subnet !== null) {
    return subnetException(subnet[1] ?? '', Number(subnet[2]));
  }
  const [, bracketed, plain = '', port = ''] = /^(?:\[(.*)\]|(.*?))(?::(\d+))?$/u.exec(
    isIP(entry) === 6 ? `[${entry}]` : entry,
  ) ?? ['', undefined, '', ''];
  const name = bracketed ?? plain;
  const portFits = (actual: string): boolean => port === '' || port === actual;
  if (isIP(name) !== 0) {
    return (host, actual) => host === name && portFits(actual);
  }
  // "x.y" is the host and everything below it, ".x.y" and "*.x.y" only what is below.
  const suffix = name.startsWith('*.') ? name.slice(1) : name;
  if (suffix.startsWith('.')) {
    return (host, actual) => host.endsWith(suffix) && portFits(actual);
  }
  return (host, actual) =>
    (host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`))) && portFits(actual);
}

function subnetException(address: string, bits: number): Exception | undefined {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0 || bits > (family === 'ipv6' ? 128 : 32)) {
    return undefined;
  }
  const list = new BlockList();
  list.addSubnet(address, bits, family);
  return (host) => isIP(host) !== 0 && list.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
