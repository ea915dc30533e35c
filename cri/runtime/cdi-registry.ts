// The files of the Container Device Interface on this host. They are looked at when a container asks
// for a device, and read again when they have changed: drivers write them while we run.
import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { parse } from 'yaml';
import { describeError } from '../core/error.ts';
import { parseCdiDocument, type CdiDocument } from '../spec/cdi-document.ts';
import type { CdiFile, CdiFiles } from '../spec/cdi.ts';

const endings: ReadonlySet<string> = new Set(['.json', '.yaml']);
/**
 * Largest file that is read: the ones of drivers have some ten thousand bytes, and while YAML is parsed,
 * some milliseconds for each thousand, nobody else is served.
 */
const maxBytes = 512 * 1024;

type Content = { readonly document: CdiDocument } | { readonly problem: string };

interface Remembered {
  readonly stamp: string;
  /** Never rejects. */
  readonly content: Promise<Content>;
}

/** Reads the directories of CDI files. */
export class CdiRegistry {
  readonly #directories: readonly string[];
  /** By path; what is being read is there, too, for containers that come at the same time. */
  readonly #remembered = new Map<string, Remembered>();

  /** `directories`: a later one wins over an earlier one; those that do not exist are passed over. */
  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  /** What the files say now. Never rejects: what cannot be used is among the problems. */
  async files(): Promise<CdiFiles> {
    const problems: string[] = [];
    const files: CdiFile[] = [];
    const found = new Set<string>();
    for (const [directory, place] of this.#directories.entries()) {
      for (const path of await listed(place, problems)) {
        found.add(path);
        const content = await this.#contentOf(path);
        if ('document' in content) {
          files.push({ path, directory, document: content.document });
        } else {
          problems.push(`"${path}": ${content.problem}`);
        }
      }
    }
    for (const path of [...this.#remembered.keys()].filter((known) => !found.has(known))) {
      this.#remembered.delete(path);
    }
    return { directories: this.#directories, files, problems };
  }

  async #contentOf(path: string): Promise<Content> {
    try {
      const info = await stat(path);
      const stamp = [info.dev, info.ino, info.size, info.mtimeMs, info.ctimeMs].join(' ');
      const known = this.#remembered.get(path);
      if (known?.stamp === stamp) {
        return await known.content;
      }
      const content = read(path, info);
      this.#remembered.set(path, { stamp, content });
      return await content;
    } catch (error) {
      return { problem: describeError(error) };
    }
  }
}

async function read(path: string, info: Stats): Promise<Content> {
  try {
    if (!info.isFile()) {
      throw new Error('it is not a file');
    }
    if (info.size > maxBytes) {
      throw new Error(`it has ${info.size} bytes, more than ${maxBytes}`);
    }
    const text = await readFile(path, 'utf8');
    // YAML 1.1, as Go reads it: 0660 is octal. Few aliases are enough for what a person writes.
    const value: unknown =
      extname(path) === '.json'
        ? JSON.parse(text)
        : parse(text, { version: '1.1', maxAliasCount: 100 });
    return { document: parseCdiDocument(value) };
  } catch (error) {
    return { problem: describeError(error) };
  }
}

async function listed(directory: string, problems: string[]): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => endings.has(extname(name)))
      .toSorted()
      .map((name) => join(directory, name));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      problems.push(`"${directory}": ${describeError(error)}`);
    }
    return [];
  }
}
