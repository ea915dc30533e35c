// The configuration of `estiba serve`: its type, and how a file becomes one.
import { parse } from 'smol-toml';

import { readBoundedText } from '../core/bounded-file.ts';
import { CriError, errnoCode } from '../core/error.ts';
import type { ErrorCode } from '../core/error.ts';
import { checkFile } from './schema.ts';
import type { SchemaProblem } from './schema.ts';

/** Where the file is looked for when the command line names none. */
export const defaultConfigPath = '/etc/estiba/estiba.toml';

const mostBytes = 1 << 20;

/** A checked configuration; every value is present. What each means: `renderReference()`. */
export interface Config {
  readonly runDir: string;
  readonly stateDir: string;
  readonly netnsDir: string;
  readonly defaultShmBytes: number;
  readonly socket: { readonly gid: number };
  readonly log: { readonly level: LogLevel };
  /** "" when metrics are off. */
  readonly metrics: { readonly address: string };
  readonly cni: {
    readonly confDirs: readonly string[];
    readonly binDirs: readonly string[];
    readonly deadlineSeconds: number;
    readonly cacheDir: string;
  };
  readonly isolator: {
    readonly binary: string;
    readonly cgroupBase: string;
    readonly legacyMounts: boolean;
    /** Name of our own handler for RuntimeClasses, beside "". */
    readonly handler: string;
  };
  /** By the name of their handler. */
  readonly runtimes: Readonly<Record<string, OciRuntime>>;
  readonly images: {
    readonly maxUnpackBytes: number;
    /** References, or the begin of some followed by "*". */
    readonly pinned: readonly string[];
  };
  readonly registry: {
    readonly hostsDirs: readonly string[];
    readonly authFiles: readonly string[];
    readonly helperDirs: readonly string[];
    readonly maxConcurrentDownloads: number;
    readonly stallBytesPerSecond: number;
    readonly stallSeconds: number;
    readonly partialMaxBytes: number;
    readonly partialMaxAgeSeconds: number;
  };
  readonly cdi: { readonly specDirs: readonly string[] };
  readonly containers: {
    /** 0 = no limit. */
    readonly pidsLimit: number;
    readonly selinux: boolean;
    readonly rlimitNofile: { readonly soft: number; readonly hard: number };
  };
  readonly timeouts: {
    readonly startPodSeconds: number;
    readonly createSeconds: number;
    readonly undoSeconds: number;
    readonly unpackSeconds: number;
  };
}

/** An OCI runtime program. */
export interface OciRuntime {
  readonly path: string;
  /** Global arguments, before the command. */
  readonly arguments: readonly string[];
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/**
 * Parses and checks a configuration file's text; keys it does not name get their defaults.
 * Throws CriError InvalidArgument that names `source` and every problem with its dotted path.
 */
export function parseConfig(text: string, source = 'configuration'): Config {
  const result = checkFile(parseToml(text, source));
  if ('config' in result) {
    return result.config;
  }
  const problems = result.problems.map(describe).join('; ');
  throw new CriError('InvalidArgument', `cannot use ${source}: ${problems}`);
}

/**
 * Reads the file and parses it. Without a path the default file is read, and its absence means
 * defaults; a file that was asked for by name must exist.
 * Throws CriError: NotFound, PermissionDenied or Internal for reading, else as parseConfig.
 */
export async function loadConfig(path?: string): Promise<Config> {
  const source = path ?? defaultConfigPath;
  let text: string;
  try {
    text = await readBoundedText(source, mostBytes);
  } catch (cause) {
    if (path === undefined && errnoCode(cause) === 'ENOENT') {
      return parseConfig('');
    }
    throw readError(source, cause);
  }
  return parseConfig(text, `"${source}"`);
}

function parseToml(text: string, source: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new CriError('InvalidArgument', `cannot parse ${source}: ${why}`, { cause });
  }
}

function describe({ path, reason }: SchemaProblem): string {
  return path === '' ? reason : `${reason} at "${path}"`;
}

const readErrorCodes: ReadonlyMap<string, ErrorCode> = new Map([
  ['ENOENT', 'NotFound'],
  ['EACCES', 'PermissionDenied'],
  ['EPERM', 'PermissionDenied'],
]);

function readError(source: string, cause: unknown): CriError {
  const code = readErrorCodes.get(errnoCode(cause)) ?? 'Internal';
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CriError(code, `cannot read configuration "${source}": ${why}`, { cause });
}
