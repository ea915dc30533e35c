// The texts of a pod's /etc/resolv.conf, /etc/hosts and /etc/hostname. They are files with a syntax:
// whatever would end a line or a word is refused, so that no value can add a line of its own.
import { isIP } from 'node:net';

import type { DnsConfig } from './cri-types.ts';
import { quote, refused } from './refusal.ts';

/**
 * The text of resolv.conf; undefined when nothing is asked for: the host's file is copied then.
 * Throws InvalidArgument for a value with white space or control characters.
 */
export function resolvConfText(dns: DnsConfig | null | undefined): string | undefined {
  const servers = words(dns?.servers, 'server');
  const searches = words(dns?.searches, 'search domain');
  const options = words(dns?.options, 'option');
  if (servers.length + searches.length + options.length === 0) {
    return undefined;
  }
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function words(list: readonly string[] | null | undefined, kind: string): readonly string[] {
  for (const word of list ?? []) {
    if (word === '' || /[\s\p{Cc}]/u.test(word)) {
      throw refused('write resolv.conf', `DNS ${kind} ${quote(word)} is not one word`);
    }
  }
  return list ?? [];
}

/** The text of /etc/hosts of a pod with a network of its own. Throws InvalidArgument. */
export function hostsText(hostname: string, ips: readonly string[]): string {
  const name = checkHostname(hostname);
  const lines = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...(name === '' ? [] : ips.map((ip) => `${checkAddress(ip)}\t${name}`)),
  ];
  return `${lines.join('\n')}\n`;
}

function checkAddress(ip: string): string {
  if (isIP(ip) === 0) {
    throw refused('write /etc/hosts', `${quote(ip)} is not an address`);
  }
  return ip;
}

/** The text of /etc/hostname. Throws InvalidArgument. */
export function hostnameText(hostname: string): string {
  return `${checkHostname(hostname)}\n`;
}

/** Throws InvalidArgument unless it is "" or a name of at most 64 letters, digits, ".", "_", "-". */
export function checkHostname(hostname: string): string {
  if (hostname.length > 64) {
    const why = `it has ${hostname.length} characters, the kernel takes 64`;
    throw refused(`set host name ${quote(hostname)}`, why);
  }
  if (hostname !== '' && !/^[A-Za-z0-9_][A-Za-z0-9._-]*$/u.test(hostname)) {
    const why = 'it is not made of letters, digits, ".", "_" and "-"';
    throw refused(`set host name ${quote(hostname)}`, why);
  }
  return hostname;
}
