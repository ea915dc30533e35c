// Writes tar files entry by entry as told, also the wrong ones that tests need: names are not
// checked, sizes and checksums can be lied about.

export type TarWriterType =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hardlink'
  | 'char'
  | 'block'
  | 'fifo';

/** One entry; what is left out is 0, root, empty, and 0644 or 0755. */
export interface TarInput {
  readonly name: string;
  readonly type?: TarWriterType;
  readonly content?: Buffer | string;
  readonly linkName?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since the epoch. */
  readonly mtime?: number;
  readonly devMajor?: number;
  readonly devMinor?: number;
  /** Extended attributes, written as SCHILY.xattr records. */
  readonly xattrs?: Readonly<Record<string, Buffer | string>>;
  /** Further pax records. */
  readonly pax?: Readonly<Record<string, string>>;
  /** Writes the long name or link name as GNU's L and K entries instead of pax records. */
  readonly gnuLongNames?: boolean;
  /** Overrides the type byte. */
  readonly typeFlag?: string;
  /** Overrides the size in the header; the content is written as it is. */
  readonly claimedSize?: number;
  /** Breaks the header's checksum. */
  readonly badChecksum?: boolean;
}

const BLOCK = 512;

const typeFlags: Readonly<Record<TarWriterType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

function padded(content: Buffer): Buffer {
  const rest = content.length % BLOCK;
  return rest === 0 ? content : Buffer.concat([content, Buffer.alloc(BLOCK - rest)]);
}

function header(entry: TarInput, typeFlag: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(entry.name, 0, 100);
  block.write(octal(entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644), 8), 100);
  block.write(octal(entry.uid ?? 0, 8), 108);
  block.write(octal(entry.gid ?? 0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(entry.mtime ?? 0, 12), 136);
  block.write(typeFlag, 156);
  block.write(entry.linkName ?? '', 157, 100);
  block.write('ustar\u000000', 257);
  block.write(octal(entry.devMajor ?? 0, 8), 329);
  block.write(octal(entry.devMinor ?? 0, 8), 337);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(entry.badChecksum === true ? sum + 1 : sum, 7)} `, 148);
  return block;
}

/** One pax record; its length counts its own digits. */
function paxRecord(key: string, value: Buffer | string): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = body.length + 1;
  while (String(length).length + body.length !== length) {
    length = String(length).length + body.length;
  }
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function extension(name: string, typeFlag: string, content: Buffer): Buffer[] {
  return [header({ name }, typeFlag, content.length), padded(content)];
}

function extensions(entry: TarInput): Buffer[] {
  const blocks: Buffer[] = [];
  const records: Buffer[] = [];
  const longName = Buffer.byteLength(entry.name) > 100 ? entry.name : undefined;
  const linkName = entry.linkName ?? '';
  const longLink = Buffer.byteLength(linkName) > 100 ? linkName : undefined;
  if (entry.gnuLongNames === true) {
    const names: [string, string | undefined][] = [
      ['K', longLink],
      ['L', longName],
    ];
    for (const [flag, value] of names) {
      if (value !== undefined) {
        blocks.push(...extension('././@LongLink', flag, Buffer.from(`${value}\0`)));
      }
    }
  } else {
    if (longName !== undefined) {
      records.push(paxRecord('path', longName));
    }
    if (longLink !== undefined) {
      records.push(paxRecord('linkpath', longLink));
    }
  }
  for (const [key, value] of Object.entries(entry.xattrs ?? {})) {
    records.push(paxRecord(`SCHILY.xattr.${key}`, value));
  }
  for (const [key, value] of Object.entries(entry.pax ?? {})) {
    records.push(paxRecord(key, value));
  }
  if (records.length > 0) {
    blocks.push(...extension('PaxHeaders/0', 'x', Buffer.concat(records)));
  }
  return blocks;
}

/** Returns the tar file of `entries`, in their order, ended by two zero blocks. */
export function makeTar(entries: readonly TarInput[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? '');
    const flag = entry.typeFlag ?? typeFlags[entry.type ?? 'file'];
    const size = entry.claimedSize ?? content.length;
    blocks.push(...extensions(entry), header(entry, flag, size), padded(content));
  }
  blocks.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(blocks);
}
