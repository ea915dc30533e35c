// `estiba images pull REF`: has the server pull, and shows how far it is.
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { toNumber } from '../../proto/long.ts';
import { loadConfig } from '../config/config.ts';
import { CriError } from '../core/error.ts';
import { pullImage } from './node-client.ts';
import { formatBytes, plainLines, Rate, shownPull, sumsOf, terminalLines } from './pull-display.ts';
import type { ShownPull } from './pull-display.ts';

/** Options of the command line. */
export interface PullOptions {
  readonly config?: string;
  /** "user:password". */
  readonly creds?: string;
  readonly credsStdin?: boolean;
  readonly quiet?: boolean;
}

/** Pulls and prints one line. Throws CriError. */
export async function imagesPull(image: string, options: PullOptions): Promise<void> {
  const config = await loadConfig(options.config);
  const auth = await readCredentials(options);
  const display = options.quiet === true ? undefined : displayOn(process.stderr);
  const startedAtMs = performance.now();
  let last: ShownPull | undefined;
  try {
    const request = { image, ...(auth && { auth }) };
    for await (const progress of pullImage(join(config.runDir, 'estiba.sock'), request)) {
      last = shownPull(progress);
      display?.show(last);
      if (progress.image) {
        display?.end();
        const { id, size, layersPresent, layersUnpacked } = progress.image;
        const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
        const fetched = formatBytes(sumsOf(last).fetched);
        const layers = `${layersUnpacked} layers unpacked, ${layersPresent} already present`;
        const facts = `${toNumber(size)} bytes, ${layers}, ${fetched} fetched in ${seconds} s`;
        process.stdout.write(`${last.reference}  ${id}  ${facts}\n`);
      }
    }
  } finally {
    display?.end();
  }
}

/** The credentials of the options; undefined for none. Throws InvalidArgument. */
export async function readCredentials(
  options: Pick<PullOptions, 'creds' | 'credsStdin'>,
  stdin: NodeJS.ReadableStream = process.stdin,
): Promise<{ username: string; password: string } | undefined> {
  if (options.creds === undefined && options.credsStdin !== true) {
    return undefined;
  }
  const given = options.creds ?? (await text(stdin)).replace(/\r?\n$/u, '');
  const colon = given.indexOf(':');
  if (colon < 1) {
    throw new CriError('InvalidArgument', 'cannot use the credentials: they are not user:password');
  }
  return { username: given.slice(0, colon), password: given.slice(colon + 1) };
}

interface Display {
  show(pull: ShownPull): void;
  /** Leaves the terminal as it was. */
  end(): void;
}

function displayOn(stream: NodeJS.WriteStream): Display {
  return stream.isTTY ? terminalDisplay(stream) : plainDisplay(stream);
}

function plainDisplay(stream: NodeJS.WriteStream): Display {
  let before: ShownPull | undefined;
  return {
    show(pull): void {
      for (const line of plainLines(before, pull)) {
        stream.write(`${line}\n`);
      }
      before = pull;
    },
    end: () => undefined,
  };
}

/** A terminal that nobody has told its size (a serial line, some ptys) says 0. */
function sizeOf({ columns, rows }: NodeJS.WriteStream): { columns: number; rows: number } {
  return { columns: columns || 80, rows: rows || 24 };
}

function terminalDisplay(stream: NodeJS.WriteStream): Display {
  const rate = new Rate();
  let drawn = 0;
  const clear = (): string => (drawn === 0 ? '' : `\u001B[${drawn}A\u001B[J`);
  return {
    show(pull): void {
      rate.add(sumsOf(pull).fetched, performance.now());
      const lines = terminalLines(pull, rate, sizeOf(stream));
      stream.write(`${clear()}${lines.join('\n')}\n`);
      drawn = lines.length;
    },
    end(): void {
      stream.write(clear());
      drawn = 0;
    },
  };
}
