// The files of the Container Device Interface on this host. They are looked at when a container asks
// for a device, and read again when they have changed: drivers write them while we run.
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { readBoundedText } from '../core/bounded-file.ts';
import { CriError, describeError, errnoCode } from '../core/error.ts';
import { parseCdiDocument, type CdiDocument } from '../spec/cdi-document.ts';
import type { CdiFile, CdiFiles } from '../spec/cdi.ts';
import { parseYaml } from './yaml.ts';

const endings: ReadonlySet<string> = new Set(['.json', '.yaml']);
/** Largest file that is read: the ones of drivers have some ten thousand bytes. */
const maxBytes = 512 * 1024;

/** What costs much and may be the file's fault or not is tried once in this time. */
const costlyAgainMs = 60_000;

type Content =
  | { readonly document: CdiDocument }
  /** `forMs`: how long it is the same for a file that does not change. */
  | { readonly problem: string; readonly forMs: number };

interface Remembered {
  readonly stamp: string;
  /** Never rejects. */
  readonly content: Promise<Content>;
  /** As performance.now() counts. */
  until: number;
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
      if (known?.stamp === stamp && performance.now() < known.until) {
        return await known.content;
      }
      const content = readDocument(path, this.#yamlProgram);
      const reading: Remembered = { stamp, content, until: Infinity };
      this.#remembered.set(path, reading);
      const read = await content;
      if ('problem' in read) {
        reading.until = performance.now() + read.forMs;
      }
      return read;
    } catch (error) {
      return passing(error);
    }
  }
}

async function readDocument(path: string, yamlProgram: URL): Promise<Content> {
  try {
    const text = await readBoundedText(path, maxBytes);
    return extname(path) === '.json'
      ? documentOf(() => JSON.parse(text))
      : await readYaml(text, yamlProgram);
  } catch (error) {
    return passing(error);
  }
}

async function readYaml(text: string, program: URL): Promise<Content> {
  const answer = await parseYaml(text, program);
  return 'problem' in answer
    ? { problem: answer.problem, forMs: Infinity }
    : documentOf(() => answer.value);
}

/** What is wrong here is what the file says. */
function documentOf(value: () => unknown): Content {
  try {
    return { document: parseCdiDocument(value()) };
  } catch (error) {
    return { problem: describeError(error), forMs: Infinity };
  }
}

/** What may go away without a change of the file. */
function passing(error: unknown): Content {
  const isCostly =
    error instanceof CriError
      ? error.code === 'DeadlineExceeded'
      : (error as NodeJS.ErrnoException | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  return { problem: describeError(error), forMs: isCostly ? costlyAgainMs : 0 };
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
