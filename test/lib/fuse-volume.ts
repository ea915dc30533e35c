// A FUSE server of one directory with one file, in this process, that can stop answering: whoever has
// asked it something then hangs in the kernel and cannot be killed, as with a dead network volume. No
// synchronous call of this process may touch the mount.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const headerBytes = 40;
const root = 1n;
const file = 2n;
const content = Buffer.from('alive\n');

// Operations of the kernel's protocol.
const op = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  open: 14,
  read: 15,
  statfs: 17,
  release: 18,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  access: 34,
  interrupt: 36,
  batchForget: 42,
} as const;

const silent: ReadonlySet<number> = new Set([op.forget, op.interrupt, op.batchForget]);

/** Numbers as the kernel has them, one behind the other: a number is 32 bits, a bigint 64. */
function packed(...numbers: readonly (number | bigint)[]): Buffer {
  return Buffer.concat(
    numbers.map((value) => {
      const bytes = Buffer.alloc(typeof value === 'bigint' ? 8 : 4);
      if (typeof value === 'bigint') {
        bytes.writeBigUInt64LE(value);
      } else {
        bytes.writeUInt32LE(value);
      }
      return bytes;
    }),
  );
}

function attributes(node: bigint): Buffer {
  const [size, mode] = node === root ? [0n, 0o040755] : [BigInt(content.length), 0o100644];
  return packed(node, size, 1n, 0n, 0n, 0n, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0);
}

/** The payload of an answer, or an errno. */
function answerTo(code: number, node: bigint, body: Buffer): Buffer | number {
  switch (code) {
    case op.lookup:
      return body.toString('latin1') === 'file\0'
        ? Buffer.concat([packed(file, 0n, 0n, 0n, 0, 0), attributes(file)])
        : 2;
    case op.getattr:
      return Buffer.concat([packed(0n, 0, 0), attributes(node)]);
    case op.open:
    case op.opendir:
      return packed(0n, 1, 0); // past the page cache
    case op.read:
      return body.readBigUInt64LE(8) === 0n ? content : Buffer.alloc(0);
    case op.readdir:
    case op.release:
    case op.releasedir:
    case op.flush:
    case op.access:
      return Buffer.alloc(0);
    case op.statfs:
      return Buffer.alloc(80);
    case op.init: // protocol 7.31, all features off
      return packed(7, 31, 0, 0, 0, 64 << 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    default:
      return 38;
  }
}

async function run(command: string, args: readonly string[], fd?: number): Promise<void> {
  const stdio = ['ignore', 'ignore', 'inherit', fd ?? 'ignore'] as const;
  const [status] = (await once(spawn(command, args, { stdio: [...stdio] }), 'exit')) as [unknown];
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${String(status)}`);
  }
}

/** A mounted volume with a file "file"; disposing of it fails everybody who waits, and unmounts. */
export class FuseVolume implements AsyncDisposable {
  readonly at: string;
  readonly #device: number;
  readonly #buffer = Buffer.alloc(256 << 10);
  readonly #unanswered: Buffer[] = [];
  readonly #timer: NodeJS.Timeout;
  #isDead = false;

  private constructor(at: string, device: number) {
    this.at = at;
    this.#device = device;
    this.#timer = setInterval(() => this.#serve(), 1);
  }

  static async mount(at: string): Promise<FuseVolume> {
    await mkdir(at, { recursive: true });
    const device = openSync('/dev/fuse', constants.O_RDWR | constants.O_NONBLOCK);
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
    await run('mount', ['-i', '-t', 'fuse', '-o', options, 'test', at], device);
    const volume = new FuseVolume(at, device);
    // The kernel knows what this server can do when it has its first answer.
    await readFile(join(at, 'file'));
    return volume;
  }

  /** How many wait for an answer in vain. */
  get waiting(): number {
    return this.#unanswered.length;
  }

  /** From now on nobody gets an answer. */
  die(): void {
    this.#isDead = true;
  }

  /** Answers everybody who waits, and who comes later. */
  revive(): void {
    this.#isDead = false;
    for (const request of this.#unanswered.splice(0)) {
      this.#answer(request);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', ['--force', '--lazy', '-i', this.at]);
    clearInterval(this.#timer);
    closeSync(this.#device);
  }

  #serve(): void {
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#device, this.#buffer);
      } catch {
        return; // nothing there, or the end
      }
      const request = Buffer.from(this.#buffer.subarray(0, length));
      if (!this.#isDead) {
        this.#answer(request);
      } else if (!silent.has(request.readUInt32LE(4))) {
        this.#unanswered.push(request);
      }
    }
  }

  #answer(request: Buffer): void {
    const code = request.readUInt32LE(4);
    if (silent.has(code)) {
      return;
    }
    const answer = answerTo(code, request.readBigUInt64LE(16), request.subarray(headerBytes));
    const payload = typeof answer === 'number' ? Buffer.alloc(0) : answer;
    const header = packed(16 + payload.length, 0, request.readBigUInt64LE(8));
    header.writeInt32LE(typeof answer === 'number' ? -answer : 0, 4);
    try {
      writeSync(this.#device, Buffer.concat([header, payload]));
    } catch {
      // Whoever asked is gone.
    }
  }
}
