import { readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CriError, describeError, fileError } from '../core/error.ts';
import { isId, type ContainerId, type SandboxId } from '../core/ids.ts';

const suffix = '.json';
const unfinishedSuffix = '.tmp';

/** A record file as found on disk. */
export interface FoundFile {
  readonly id: SandboxId & ContainerId;
  readonly text: string;
  /** Last change, milliseconds since the epoch. */
  readonly changedAtMs: number;
  /** Why the file could not be read at all; "" when it could. */
  readonly problem: string;
}

interface Writer {
  /** The last write asked for that has not begun. */
  next: { readonly text: () => string; readonly done: Promise<void> } | undefined;
  /** The write or removal that runs. */
  running: Promise<void>;
}

/**
 * One directory of record files, `<id>.json`. Writes are atomic (temp + rename) and not synced: the
 * records of another boot are of no use. Those of one id run one after the other, and those asked for
 * while one runs become one.
 */
export class RecordDirectory {
  readonly #path: string;
  readonly #quarantinePath: string;
  /** What is kept here, for messages ("container"). */
  readonly #kind: string;
  readonly #writers = new Map<string, Writer>();

  constructor(path: string, quarantinePath: string, kind: string) {
    this.#path = path;
    this.#quarantinePath = quarantinePath;
    this.#kind = kind;
  }

  /**
   * Makes the directory, drops unfinished writes and returns every record, readable or not. Reads
   * without yielding: at start-up nobody else waits, and a thousand reads by way of other threads
   * take ten times as long.
   */
  async load(): Promise<FoundFile[]> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    const names = await readdir(this.#path);
    const found: FoundFile[] = [];
    for (const name of names) {
      const file = this.#read(name);
      if (file !== undefined) {
        found.push(file);
      }
    }
    return found;
  }

  /**
   * Returns once the file of `id` holds what `text` returned after this call. Throws as fileError
   * does; the file then is as it was.
   */
  save(id: string, text: () => string): Promise<void> {
    const writer = this.#writer(id);
    if (writer.next !== undefined) {
      const { done } = writer.next;
      writer.next = { text, done };
      return done;
    }
    const done = this.#after(id, writer, async () => {
      const latest = writer.next?.text ?? text;
      writer.next = undefined;
      await this.#write(id, latest());
    });
    writer.next = { text, done };
    return done;
  }

  /** Removes the file of `id` after the writes asked for before; one that is gone is fine. */
  remove(id: string): Promise<void> {
    return this.#after(id, this.#writer(id), async () => {
      try {
        await rm(this.#file(id), { force: true });
      } catch (error) {
        throw this.#problem('remove', id, error);
      }
    });
  }

  /** Moves the file of `id` aside; returns where it is now. */
  async quarantine(id: string): Promise<string> {
    const target = join(this.#quarantinePath, `${this.#kind}-${id}${suffix}`);
    await mkdir(this.#quarantinePath, { recursive: true, mode: 0o700 });
    await rename(this.#file(id), target);
    return target;
  }

  #writer(id: string): Writer {
    let writer = this.#writers.get(id);
    if (writer === undefined) {
      writer = { next: undefined, running: Promise.resolve() };
      this.#writers.set(id, writer);
    }
    return writer;
  }

  #after(id: string, writer: Writer, step: () => Promise<void>): Promise<void> {
    const done = writer.running.then(step);
    const settle = async (): Promise<void> => {
      await done.catch(() => {}); // whoever asked gets the error
      if (writer.running === settled) {
        this.#writers.delete(id);
      }
    };
    const settled = settle();
    writer.running = settled;
    return done;
  }

  async #write(id: string, text: string): Promise<void> {
    const path = this.#file(id);
    const unfinished = path + unfinishedSuffix;
    try {
      await writeFile(unfinished, text, { mode: 0o600 });
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {}); // the first error tells why
      throw this.#problem('save', id, error);
    }
  }

  #read(name: string): FoundFile | undefined {
    const path = join(this.#path, name);
    const id = name.slice(0, -suffix.length);
    if (name.endsWith(unfinishedSuffix)) {
      rmSync(path, { force: true, recursive: true });
      return undefined;
    }
    if (!name.endsWith(suffix) || !isId(id)) {
      return undefined; // not ours
    }
    try {
      return { id, text: readFileSync(path, 'utf8'), changedAtMs: changedAtMs(path), problem: '' };
    } catch (error) {
      return { id, text: '', changedAtMs: changedAtMs(path), problem: describeError(error) };
    }
  }

  #file(id: string): string {
    return join(this.#path, id + suffix);
  }

  #problem(verb: string, id: string, error: unknown): CriError {
    const what = `${verb} the record of ${this.#kind} "${id}" in "${this.#path}"`;
    return fileError(what, error, `${verb}-record`);
  }
}

function changedAtMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
}
