// Where the entries of a tar file lie: headers only, so that a layer inside an archive can be handed
// on as (file, offset, length) and none of its bytes pass through this process.
import type { FileHandle } from 'node:fs/promises';
import { CriError } from '../core/error.ts';

/** What an entry of an archive is, as far as reading an image needs to know. */
export type TarEntryType = 'file' | 'symlink' | 'hardlink' | 'directory' | 'sparse' | 'other';

/** One entry. `name` is relative, without "./"; offset and size (bytes) delimit its content. */
export interface TarEntry {
  readonly name: string;
  readonly type: TarEntryType;
  readonly linkName: string;
  readonly offset: number;
  readonly size: number;
}

const BLOCK = 512;
const MAX_ENTRIES = 65_536;
const MAX_EXTENSION_BYTES = 1024 * 1024;
const MAX_NAME_LENGTH = 4096;

/** Values that extension headers carry for the entry that follows them. */
interface Extension {
  name?: string;
  linkName?: string;
  size?: number;
  sparse?: boolean;
}

function broken(path: string, offset: number, why: string): CriError {
  return new CriError('InvalidArgument', `cannot read archive "${path}": ${why} at byte ${offset}`);
}

function text(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
}

/** Octal digits, or GNU's base-256 for what they cannot hold; undefined when it is neither. */
function parseNumber(field: Buffer): number | undefined {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    let value = BigInt((field[0] ?? 0) & 0x7f);
    for (const byte of field.subarray(1)) {
      value = (value << 8n) | BigInt(byte);
    }
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
  }
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trimStart();
  if (digits === '') {
    return 0;
  }
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

function checksumMatches(header: Buffer): boolean {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) {
    sum += i >= 148 && i < 156 ? 0x20 : (header[i] ?? 0);
  }
  return parseNumber(header.subarray(148, 156)) === sum;
}

/** Parses pax records ("<length> <key>=<value>\n"); undefined when they are malformed. */
export function parsePaxRecords(data: Buffer): Map<string, string> | undefined {
  const records = new Map<string, string>();
  let position = 0;
  while (position < data.length) {
    const space = data.indexOf(0x20, position);
    const digits = space === -1 ? '' : data.toString('latin1', position, space);
    const end = position + Number(digits);
    if (!/^[0-9]{1,7}$/.test(digits) || end > data.length || data[end - 1] !== 0x0a) {
      return undefined;
    }
    const equals = data.indexOf(0x3d, space);
    if (equals === -1 || equals >= end) {
      return undefined;
    }
    records.set(
      data.toString('utf8', space + 1, equals),
      data.toString('utf8', equals + 1, end - 1),
    );
    position = end;
  }
  return records;
}

const entryTypes: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
  S: 'sparse',
};

// Links, devices, directories, pipes: no content follows, whatever size some writers put there.
const headerOnlyTypes = '123456';

/** Drops "./" and empty components; undefined when the name would leave the archive. */
export function archivePath(name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  return name.startsWith('/') || parts.includes('..') ? undefined : parts.join('/');
}

class TarScanner {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #size: number;
  #offset = 0;

  constructor(handle: FileHandle, path: string, size: number) {
    this.#handle = handle;
    this.#path = path;
    this.#size = size;
  }

  async *entries(): AsyncGenerator<TarEntry> {
    let extension: Extension = {};
    for (let count = 0; ; count++) {
      const header = await this.#readHeader();
      if (header === undefined) {
        return;
      }
      if (count >= MAX_ENTRIES) {
        throw broken(this.#path, this.#offset, `more than ${MAX_ENTRIES} entries`);
      }
      const typeFlag = String.fromCharCode(header[156] ?? 0);
      const size = headerOnlyTypes.includes(typeFlag)
        ? 0
        : (extension.size ?? parseNumber(header.subarray(124, 136)));
      if (size === undefined || this.#offset + BLOCK + size > this.#size) {
        throw broken(this.#path, this.#offset, 'an entry longer than the file');
      }
      if ('xgLK'.includes(typeFlag)) {
        extension = await this.#extend(extension, typeFlag, size);
      } else {
        yield this.#entry(header, typeFlag, size, extension);
        extension = {};
      }
      this.#offset += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    }
  }

  /** undefined at the end of the archive: a zero block, or the end of the file. */
  async #readHeader(): Promise<Buffer | undefined> {
    if (this.#offset >= this.#size) {
      return undefined;
    }
    const header = await this.#read(this.#offset, BLOCK);
    if (header.every((byte) => byte === 0)) {
      return undefined;
    }
    if (!checksumMatches(header)) {
      const why = this.#offset === 0 ? 'it is not a tar file (no header)' : 'a damaged header';
      throw broken(this.#path, this.#offset, why);
    }
    return header;
  }

  async #read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(
        buffer,
        filled,
        length - filled,
        offset + filled,
      );
      if (bytesRead === 0) {
        throw broken(this.#path, offset, 'it ends in the middle of an entry');
      }
      filled += bytesRead;
    }
    return buffer;
  }

  async #extend(extension: Extension, typeFlag: string, size: number): Promise<Extension> {
    if (size > MAX_EXTENSION_BYTES) {
      throw broken(this.#path, this.#offset, `an extension header of ${size} bytes`);
    }
    const data = await this.#read(this.#offset + BLOCK, size);
    if (typeFlag === 'L' || typeFlag === 'K') {
      const value = text(data, 0, data.length);
      return { ...extension, ...(typeFlag === 'L' ? { name: value } : { linkName: value }) };
    }
    const records = parsePaxRecords(data);
    if (records === undefined) {
      throw broken(this.#path, this.#offset, 'a malformed pax header');
    }
    return typeFlag === 'g' ? extension : this.#fromPax(extension, records);
  }

  #fromPax(extension: Extension, records: Map<string, string>): Extension {
    const next: Extension = { ...extension };
    for (const [key, value] of records) {
      if (key === 'path') {
        next.name = value;
      } else if (key === 'linkpath') {
        next.linkName = value;
      } else if (key === 'size') {
        if (!/^[0-9]{1,15}$/.test(value)) {
          throw broken(this.#path, this.#offset, `a pax size of "${value.slice(0, 40)}"`);
        }
        next.size = Number(value);
      } else if (key.startsWith('GNU.sparse.')) {
        next.sparse = true;
      }
    }
    return next;
  }

  #entry(header: Buffer, typeFlag: string, size: number, extension: Extension): TarEntry {
    const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
    const prefix = isUstar ? text(header, 345, 155) : '';
    const short = text(header, 0, 100);
    const written = extension.name ?? (prefix === '' ? short : `${prefix}/${short}`);
    const name = archivePath(written);
    if (name === undefined || written.length > MAX_NAME_LENGTH) {
      const shown = written.slice(0, 300);
      throw broken(this.#path, this.#offset, `an entry name that leads outside ("${shown}")`);
    }
    const type = extension.sparse === true ? 'sparse' : (entryTypes[typeFlag] ?? 'other');
    const linkName = extension.linkName ?? text(header, 157, 100);
    return { name, type, linkName, offset: this.#offset + BLOCK, size };
  }
}

/**
 * Lists the entries of the tar file `handle` (named `path` in errors), reading headers only.
 * Names come from ustar prefixes, pax and GNU long-name headers. At most 65,536 entries.
 * Throws InvalidArgument for a damaged, cut or hostile file, naming the byte.
 */
export async function scanTar(handle: FileHandle, path: string): Promise<TarEntry[]> {
  const { size } = await handle.stat();
  const entries: TarEntry[] = [];
  for await (const entry of new TarScanner(handle, path, size).entries()) {
    entries.push(entry);
  }
  return entries;
}
