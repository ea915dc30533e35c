// The files of the Container Device Interface on this host. They are looked at when a container asks
// for a device, and read again when they have changed: drivers write them while we run.
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { readBoundedText } from '../core/bounded-file.ts';
import { describeError, errnoCode } from '../core/error.ts';
import { parseCdiDocument, type CdiDocument } from '../spec/cdi-document.ts';
import type { CdiFile, CdiFiles } from '../spec/cdi.ts';
import { parseYaml } from './yaml.ts';

const endings: ReadonlySet<string> = new Set(['.json', '.yaml']);
/** Largest file that is read: the ones of drivers have some ten thousand bytes. */
const maxBytes = 512 * 1024;

type Content =
  | { readonly document: CdiDocument }
  /** `isPassing`: of the system, not of what the file says. */
  | { readonly problem: string; readonly isPassing: boolean };

interface Remembered {
  readonly stamp: string;
  /** Never rejects. */
  readonly content: Promise<Content>;
}

/** Reads the directories of CDI files. */
export class CdiRegistry {
  readonly #directories: readonly string[];
  readonly #yamlProgram: URL;
  /** By path; what is being read is there, too, for containers that come at the same time. */
  readonly #remembered = new Map<string, Remembered>();

  /**
   * `directories`: a later one wins over an earlier one; those that do not exist are passed over.
   * `yamlProgram` as parseYaml has it.
   */
  constructor(directories: readonly string[], yamlProgram: URL) {
    this.#directories = directories;
    this.#yamlProgram = yamlProgram;
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
      const content = readDocument(path, this.#yamlProgram);
      this.#remembered.set(path, { stamp, content });
      const read = await content;
      if ('problem' in read && read.isPassing) {
        this.#remembered.delete(path);
      }
      return read;
    } catch (error) {
      return problemOf(error);
    }
  }
}

async function readDocument(path: string, yamlProgram: URL): Promise<Content> {
  try {
    const text = await readBoundedText(path, maxBytes);
    const value: unknown =
      extname(path) === '.json' ? JSON.parse(text) : await parseYaml(text, yamlProgram);
    return { document: parseCdiDocument(value) };
  } catch (error) {
    return problemOf(error);
  }
}

function problemOf(error: unknown): Content {
  return { problem: describeError(error), isPassing: errnoCode(error) !== '' };
}

async function listed(directory: string, problems: string[]): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => endings.has(extname(name)))
      .toSorted()
      .map((name) => join(directory, name));
  } catch (error) {
    if (errnoCode(error) !== 'ENOENT') {
      problems.push(`"${directory}": ${describeError(error)}`);
    }
    return [];
  }
}
