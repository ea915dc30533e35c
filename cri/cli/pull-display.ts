// How a pull looks: the lines of a terminal that are drawn again and again, and the plain ones that
// are written once. Text only; who writes it is images-pull.ts.
import { estiba } from '../../proto/gen/node.js';
import { toNumber } from '../../proto/long.ts';

const { PulledLayerState: State } = estiba.node.v1;

/** One layer as it is shown; bytes of the blob. */
export interface ShownLayer {
  /** The first digits of the digest. */
  readonly name: string;
  readonly size: number;
  readonly receivedBytes: number;
  readonly fetchedBytes: number;
  readonly unpackedBytes: number;
  readonly word: 'waiting' | 'pulling' | 'unpacking' | 'done' | 'present';
}

/** A pull as it is shown. */
export interface ShownPull {
  readonly reference: string;
  readonly digest: string;
  readonly host: string;
  readonly layers: readonly ShownLayer[];
}

const shownDigits = 12;

/** Takes the server's message. */
export function shownPull(progress: estiba.node.v1.PullProgress): ShownPull {
  const { reference, digest, host, layers } = progress;
  return { reference, digest, host, layers: layers.map(shownLayer) };
}

function shownLayer(layer: estiba.node.v1.PulledLayer.$Properties): ShownLayer {
  const size = toNumber(layer.size);
  const receivedBytes = toNumber(layer.receivedBytes);
  const digest = layer.digest ?? '';
  return {
    name: digest.slice(digest.indexOf(':') + 1).slice(0, shownDigits),
    size,
    receivedBytes,
    fetchedBytes: toNumber(layer.fetchedBytes),
    unpackedBytes: toNumber(layer.unpackedBytes),
    word: wordOf(layer.state ?? 0, receivedBytes >= size),
  };
}

const words: Readonly<Record<number, ShownLayer['word']>> = {
  [State.PULLED_LAYER_STATE_PULLING]: 'pulling',
  [State.PULLED_LAYER_STATE_DONE]: 'done',
  [State.PULLED_LAYER_STATE_PRESENT]: 'present',
};

function wordOf(state: number, isReceived: boolean): ShownLayer['word'] {
  const word = words[state] ?? 'waiting';
  return word === 'pulling' && isReceived ? 'unpacking' : word;
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** "1.2 MB": at most three digits before the point, decimal units as registries use. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** "3 s", "2 min 5 s", "1 h 20 min"; "" for what nobody knows. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) {
    return '';
  }
  const whole = Math.ceil(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const windowMs = 3000;

/** Bytes a second over the last three seconds. */
export class Rate {
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** Takes the bytes so far. */
  add(bytes: number, atMs: number): void {
    this.#samples.push({ atMs, bytes });
    while ((this.#samples[1]?.atMs ?? atMs) < atMs - windowMs) {
      this.#samples.shift();
    }
  }

  /** 0 while nothing is known. */
  get bytesPerSecond(): number {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) {
      return 0;
    }
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
  }
}

interface Sums {
  readonly size: number;
  readonly received: number;
  readonly fetched: number;
}

/** Sums over the layers that are not there already. */
export function sumsOf(pull: ShownPull): Sums {
  const missing = pull.layers.filter(({ word }) => word !== 'present');
  const sum = (read: (layer: ShownLayer) => number): number =>
    missing.reduce((total, layer) => total + read(layer), 0);
  return {
    size: sum(({ size }) => size),
    received: sum(({ word, size, receivedBytes }) => (word === 'done' ? size : receivedBytes)),
    fetched: sum(({ fetchedBytes }) => fetchedBytes),
  };
}

const barWidth = 24;

function bar(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * barWidth);
  return `[${'='.repeat(filled)}${' '.repeat(barWidth - filled)}]`;
}

function layerLine({ name, size, word, ...bytes }: ShownLayer): string {
  const isOver = word === 'done' || word === 'present';
  const share = isOver || size === 0 ? 1 : bytes.receivedBytes / size;
  const unpacked = isOver || size === 0 ? 1 : bytes.unpackedBytes / size;
  const percent = `${Math.floor(Math.min(share, word === 'unpacking' ? unpacked : share) * 100)} %`;
  const columns = [name, formatBytes(size).padStart(8), word.padEnd(9)];
  return word === 'present' || word === 'waiting'
    ? `  ${columns.join('  ').trimEnd()}`
    : `  ${columns.join('  ')}  ${bar(share)} ${percent.padStart(5)}`;
}

/** The lines of a terminal `columns` wide and `rows` high; those of finished layers go first. */
export function terminalLines(
  pull: ShownPull,
  rate: Rate,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string[] {
  const digest = pull.digest.slice(0, 'sha256:'.length + shownDigits);
  const at = pull.host === '' ? 'resolving' : `${digest} at ${pull.host}`;
  const lines = pull.layers.map(layerLine);
  const room = Math.max(1, rows - 4);
  const hidden = Math.max(0, lines.length - room);
  const shown = hidden === 0 ? lines : shortened(pull, lines, room);
  const more = hidden === 0 ? [] : [`  … and ${hidden} more layers`];
  const total = pull.layers.length === 0 ? [] : [totalLine(pull, rate)];
  return [`${pull.reference}  ${at}`, ...shown, ...more, ...total].map((line) =>
    line.slice(0, columns),
  );
}

/** Layers at work first: they are what changes. */
function shortened(pull: ShownPull, lines: readonly string[], room: number): string[] {
  const isAtWork = (index: number): boolean =>
    ['pulling', 'unpacking'].includes(pull.layers[index]?.word ?? '');
  const indexes = [...lines.keys()];
  const ordered = [
    ...indexes.filter(isAtWork),
    ...indexes.filter((index) => !isAtWork(index)),
  ].slice(0, room);
  return ordered.sort((a, b) => a - b).map((index) => lines[index] ?? '');
}

function totalLine(pull: ShownPull, rate: Rate): string {
  const { size, received } = sumsOf(pull);
  const { bytesPerSecond } = rate;
  const left = received >= size ? '' : formatSeconds((size - received) / bytesPerSecond);
  const parts = [
    `${formatBytes(received)} of ${formatBytes(size)}`,
    ...(bytesPerSecond > 0 ? [`${formatBytes(bytesPerSecond)}/s`] : []),
    ...(left === '' ? [] : [`${left} left`]),
  ];
  return `  ${parts.join(', ')}`;
}

/** The plain lines for what has changed since `before`. */
export function plainLines(before: ShownPull | undefined, pull: ShownPull): string[] {
  const lines: string[] = [];
  if (pull.digest !== '' && pull.digest !== before?.digest) {
    lines.push(`${pull.reference}: ${pull.digest} at ${pull.host}`);
  }
  for (const [index, layer] of pull.layers.entries()) {
    const was = before?.layers[index]?.word ?? 'waiting';
    if (layer.word !== was) {
      lines.push(`${layer.name}: ${layer.word}, ${formatBytes(layer.size)}`);
    }
  }
  return lines;
}
