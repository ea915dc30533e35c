// CNI network configuration: which file of the configured directories is in force, and why none is.
// Read on demand by names and times, never watched: a directory that is removed and made again, or
// a file replaced through a symlink, is seen at the next look.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readBoundedText } from '../core/bounded-file.ts';
import { describeError } from '../core/error.ts';

/** One plugin of a conflist: its "type" names the program, the rest is the plugin's own. */
export interface PluginConfig {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [key: string]: unknown;
}

/** A network configuration list (CNI spec 1.1, section 1). */
export interface Conflist {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly PluginConfig[];
}

/** What was found in the directories. */
export interface ConfigView {
  readonly conflist: Conflist | undefined;
  /** The file it came from. */
  readonly file: string | undefined;
  /** Files that come first by name but cannot be used, with the reason. */
  readonly problems: readonly string[];
}

const extensions = ['.conflist', '.conf', '.json'];
const supportedVersions = new Set(['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']);
const maxFileBytes = 1024 * 1024;

/** Finds the configuration in force: the first usable file by name, directory after directory. */
export class ConfigSource {
  readonly #directories: readonly string[];
  #fingerprint = '';
  #view: ConfigView = { conflist: undefined, file: undefined, problems: [] };

  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  get directories(): readonly string[] {
    return this.#directories;
  }

  /** Looks at the directories again; files are read only when one of them has changed. */
  async current(): Promise<ConfigView> {
    const files = await this.#list();
    const fingerprint = files.map((file) => `${file.path}:${file.stamp}`).join('\n');
    if (fingerprint !== this.#fingerprint) {
      this.#view = await readFirst(files.map((file) => file.path));
      this.#fingerprint = fingerprint;
    }
    return this.#view;
  }

  async #list(): Promise<{ path: string; stamp: string }[]> {
    const found: { path: string; stamp: string }[] = [];
    for (const directory of this.#directories) {
      const names = await readdir(directory).catch(() => [] as string[]);
      for (const name of names.toSorted()) {
        if (!extensions.some((extension) => name.endsWith(extension))) {
          continue;
        }
        const path = join(directory, name);
        const info = await stat(path, { bigint: true }).catch(() => undefined);
        if (info?.isFile() === true) {
          found.push({ path, stamp: `${info.ino}:${info.size}:${info.mtimeNs}:${info.ctimeNs}` });
        }
      }
    }
    return found;
  }
}

async function readFirst(paths: readonly string[]): Promise<ConfigView> {
  const problems: string[] = [];
  for (const path of paths) {
    try {
      const text = await readBoundedText(path, maxFileBytes);
      return { conflist: parseConflist(text), file: path, problems };
    } catch (error) {
      problems.push(`"${path}": ${describeError(error)}`);
    }
  }
  return { conflist: undefined, file: undefined, problems };
}

/** Parses a conflist, or a single plugin's configuration as a list of one. Throws Error with why. */
export function parseConflist(text: string): Conflist {
  const json: unknown = JSON.parse(text);
  if (!isObject(json)) {
    throw new Error('it is not a JSON object');
  }
  const cniVersion = json['cniVersion'] ?? '0.3.1';
  if (typeof cniVersion !== 'string' || !supportedVersions.has(cniVersion)) {
    throw new Error(
      `cniVersion "${String(cniVersion)}" is not one of ${[...supportedVersions].join(', ')}`,
    );
  }
  const name = json['name'];
  // Also a file name in IPAM's and our own state: no separators, as libcni demands.
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/u.test(name)) {
    throw new Error(`name "${String(name)}" is not letters, digits, "_", "." and "-"`);
  }
  const listed = json['plugins'] === undefined ? [json] : json['plugins'];
  if (!Array.isArray(listed) || listed.length === 0) {
    throw new Error('"plugins" is not a list of at least one plugin');
  }
  return { cniVersion, name, plugins: listed.map(checkPlugin) };
}

function checkPlugin(plugin: unknown, index: number): PluginConfig {
  if (!isObject(plugin)) {
    throw new Error(`plugin ${index} is not a JSON object`);
  }
  const type = plugin['type'];
  if (typeof type !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/u.test(type)) {
    throw new Error(`plugin ${index} has no usable "type": "${String(type)}"`);
  }
  return plugin as PluginConfig;
}

/** True for a JSON object (not null, not a list). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
