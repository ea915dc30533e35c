// The journal of network attachments, `<state dir>/network/<sandbox id>.json`. An entry is durable
// before the first plugin runs and goes only when DEL has succeeded, so that no address is lost:
// not by a crash, not by a reboot. It holds the configuration as it was used, because the files in
// the CNI directories may have changed by then.
import { readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../core/error.ts';
import { isId, type SandboxId } from '../core/ids.ts';
import {
  makePrivateDirectory,
  removeDurably,
  removeUnfinished,
  writeDurably,
} from '../store/durable-file.ts';
import { isObject, parseConflist, type Conflist } from './conflist.ts';
import type { CniResult } from './result.ts';

/** One attachment: all that DEL needs. */
export interface Attachment {
  readonly version: 1;
  readonly sandboxId: SandboxId;
  readonly bootId: string;
  readonly conflist: Conflist;
  readonly netnsPath: string;
  readonly interfaceName: string;
  readonly args: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** What ADD answered; undefined when it never ended well. */
  readonly result?: CniResult;
}

/** Entries in memory, files on disk; both change together. */
export class Journal {
  readonly #directory: string;
  readonly #entries = new Map<string, Attachment>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Reads all entries. One that cannot be read is set aside as `<name>.broken` and returned with the
   * reason; it frees nothing, but keeps nobody from starting either.
   */
  async load(): Promise<{ readonly broken: readonly string[] }> {
    await makePrivateDirectory(this.#directory);
    await removeUnfinished(this.#directory);
    const broken: string[] = [];
    for (const name of await readdir(this.#directory)) {
      if (!name.endsWith('.json') || name.startsWith('.')) {
        continue;
      }
      const path = join(this.#directory, name);
      try {
        const entry = parseEntry(await readFile(path, 'utf8'), name.slice(0, -'.json'.length));
        this.#entries.set(entry.sandboxId, entry);
      } catch (error) {
        const moved = rename(path, `${path}.broken`);
        const unmoved = await moved.then(
          () => '',
          (why: unknown) => `; ${describeError(why)}`,
        );
        broken.push(`"${path}": ${describeError(error)}${unmoved}`);
      }
    }
    return { broken };
  }

  get(sandboxId: SandboxId): Attachment | undefined {
    return this.#entries.get(sandboxId);
  }

  list(): Attachment[] {
    return [...this.#entries.values()];
  }

  async write(entry: Attachment): Promise<void> {
    await writeDurably(this.#path(entry.sandboxId), JSON.stringify(entry));
    this.#entries.set(entry.sandboxId, entry);
  }

  async remove(sandboxId: SandboxId): Promise<void> {
    await removeDurably(this.#path(sandboxId));
    this.#entries.delete(sandboxId);
  }

  #path(sandboxId: SandboxId): string {
    return join(this.#directory, `${sandboxId}.json`);
  }
}

function parseEntry(text: string, name: string): Attachment {
  const json: unknown = JSON.parse(text);
  if (!isObject(json) || json['version'] !== 1) {
    throw new Error('it is not a version 1 entry');
  }
  const sandboxId = json['sandboxId'];
  if (typeof sandboxId !== 'string' || !isId(sandboxId) || sandboxId !== name) {
    throw new Error(`its sandbox id "${String(sandboxId)}" is not its name`);
  }
  const { result, capabilities } = json;
  return {
    version: 1,
    sandboxId,
    bootId: textField(json, 'bootId'),
    conflist: parseConflist(JSON.stringify(json['conflist'])),
    netnsPath: textField(json, 'netnsPath'),
    interfaceName: textField(json, 'interfaceName'),
    args: textField(json, 'args'),
    capabilities: isObject(capabilities) ? capabilities : {},
    ...(isObject(result) ? { result } : {}),
  };
}

function textField(json: Record<string, unknown>, key: string): string {
  const value = json[key];
  if (typeof value !== 'string') {
    throw new TypeError(`"${key}" is not a text`);
  }
  return value;
}
