// What is executed: argv, environment and working directory. Strings become arguments of execve, so
// NUL bytes and what JSON cannot carry are refused here.
import { isUtf8 } from 'node:buffer';
import type { ContainerConfig } from './cri-types.ts';
import type { Content, HostFacts } from './input.ts';
import { notOnThisHost, quote, refused } from './refusal.ts';

/** Linux's MAX_ARG_STRLEN, 32 pages, without the NUL at the end. */
const longestVariable = 32 * 4096 - 1;
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Throws InvalidArgument for text that execve or a JSON document would cut or change. */
export function checkText(action: string, value: string): string {
  if (value.includes('\0')) {
    throw refused(action, `${quote(value)} holds a NUL byte`);
  }
  if (!value.isWellFormed()) {
    throw refused(action, `${quote(value)} is not valid Unicode`);
  }
  return value;
}

/**
 * The argument vector: `command` replaces the entrypoint and drops the image's cmd, `args` replaces
 * the cmd. Throws InvalidArgument when nothing is left to run.
 */
export function argv(config: ContainerConfig, content: Content): string[] {
  const command = config.command ?? [];
  const args = config.args ?? [];
  const fallback = command.length > 0 ? [] : content.cmd;
  const words = [
    ...(command.length > 0 ? command : content.entrypoint),
    ...(args.length > 0 ? args : fallback),
  ];
  const [program] = words;
  if (program === undefined || program === '') {
    throw refused('start a container', 'neither the request nor the image names a command');
  }
  return words.map((word) => checkText('pass an argument', word));
}

/**
 * The environment as `NAME=value`: our defaults, overridden by the image's, overridden by the
 * request's. A byte of a value that is no part of valid UTF-8 is the lone surrogate U+DC00 plus the
 * byte, which JSON can carry and the helper turns back. Throws InvalidArgument for what execve could
 * not carry, and FailedPrecondition for such bytes where another runtime would change them.
 */
export function environment(
  config: ContainerConfig,
  content: Content,
  hostname: string,
  host: Pick<HostFacts, 'environmentBytes'>,
): string[] {
  const variables = new Map<string, string>([['PATH', defaultPath]]);
  if (hostname !== '') {
    variables.set('HOSTNAME', hostname);
  }
  if (config.tty === true) {
    variables.set('TERM', 'xterm');
  }
  for (const entry of content.env) {
    const split = entry.indexOf('=');
    // Docker's builder never writes an entry without "="; the kernel would take it for a name alone.
    if (split > 0) {
      const name = checkText('set an environment variable', entry.slice(0, split));
      variables.set(name, checkText(setting(name), entry.slice(split + 1)));
    }
  }
  for (const { key, value } of config.envs ?? []) {
    const name = checkVariableName(key ?? '');
    variables.set(name, decodeValue(name, value ?? new Uint8Array(), host));
  }
  return Array.from(variables, ([name, value]) => `${name}=${value}`);
}

const setting = (name: string) => `set environment variable ${quote(name)}`;

function checkVariableName(name: string): string {
  if (name === '' || name.includes('=')) {
    throw refused('set an environment variable', `${quote(name)} is not a name`);
  }
  return checkText(setting(name), name);
}

function decodeValue(
  name: string,
  bytes: Uint8Array,
  host: Pick<HostFacts, 'environmentBytes'>,
): string {
  const length = Buffer.byteLength(name) + 1 + bytes.length;
  if (length > longestVariable) {
    const why = `with its name it has ${length} bytes, and the kernel passes at most ${longestVariable}`;
    throw refused(setting(name), why);
  }
  if (bytes.includes(0)) {
    throw refused(setting(name), 'its value holds a NUL byte');
  }
  if (isUtf8(bytes)) {
    return text(bytes);
  }
  if (!host.environmentBytes) {
    const why = 'its value is not UTF-8, which programs of the OCI runtime spec cannot be told';
    throw notOnThisHost(setting(name), why);
  }
  return escaped(bytes);
}

/** A leading byte order mark is part of the value. */
function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function escaped(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const lead = bytes[at] ?? 0;
    const length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const character = bytes.subarray(at, at + length);
    const isText = isUtf8(character);
    parts.push(isText ? text(character) : String.fromCodePoint(0xdc00 + lead));
    at += isText ? length : 1;
  }
  return parts.join('');
}

/** The working directory: the request's, else the image's, else the root. */
export function workingDirectory(config: ContainerConfig, content: Content): string {
  const asked = config.workingDir ?? '';
  const path = asked === '' ? content.workingDir : asked;
  if (path === '') {
    return '/';
  }
  if (!path.startsWith('/')) {
    throw refused('set the working directory', `${quote(path)} is not an absolute path`);
  }
  return checkText('set the working directory', path);
}
