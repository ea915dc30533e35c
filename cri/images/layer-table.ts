// Which layers there are and who holds them: memory only.
import type { LayerKind, LayerName, LayerRecord } from './layer-record.ts';

/** A layer of the store, unpacked at `path`. */
export interface Layer {
  readonly record: LayerRecord;
  readonly path: string;
}

/** What the store knows beside the record. */
export interface StoredLayer extends Layer {
  readonly holders: Set<string>;
  /** Place in the order of unpacking; a sync covers everything before its start. */
  readonly sequence: number;
  isSynced: boolean;
  isRecorded: boolean;
}

/** What directories and files occupy. */
export interface DiskUsage {
  readonly bytes: number;
  readonly inodes: number;
}

const SHORT_DIGITS = 12;

function keyOf(name: LayerName): string {
  return `${name.kind} ${name.id}`;
}

/** The layers by name, with what they occupy in sum. */
export class LayerTable {
  readonly #layers = new Map<string, StoredLayer>();
  readonly #shortNames = new Set<string>();
  #sequence = 0;
  #bytes = 0;
  #inodes = 0;

  /** Sequence of the layer added last. */
  get sequence(): number {
    return this.#sequence;
  }

  get usage(): DiskUsage {
    return { bytes: this.#bytes, inodes: this.#inodes };
  }

  get(name: LayerName): StoredLayer | undefined {
    return this.#layers.get(keyOf(name));
  }

  /** The layer of an image: self-contained, or unpacked on exactly the layers below. */
  find(diffId: string, chainId: string): StoredLayer | undefined {
    return this.get({ kind: 'diff', id: diffId }) ?? this.get({ kind: 'chain', id: chainId });
  }

  all(): StoredLayer[] {
    return [...this.#layers.values()];
  }

  hasShortName(name: string): boolean {
    return this.#shortNames.has(name);
  }

  add(record: LayerRecord, path: string, holders: Set<string>, isRecorded: boolean): StoredLayer {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const layer = { record, path, holders, sequence, isSynced: isRecorded, isRecorded };
    this.#shortNames.add(record.shortName);
    this.#layers.set(keyOf(record), layer);
    this.#bytes += record.bytes;
    this.#inodes += record.inodes;
    return layer;
  }

  /** Takes the layer out; its short name stays taken until releaseShortName. */
  delete(layer: StoredLayer): void {
    this.#layers.delete(keyOf(layer.record));
    this.#bytes -= layer.record.bytes;
    this.#inodes -= layer.record.inodes;
  }

  /** Takes a free directory name: the first hex digits of the id, more of them after a collision. */
  claimShortName(kind: LayerKind, id: string): string {
    const hex = id.slice('sha256:'.length);
    for (let digits = SHORT_DIGITS; ; digits++) {
      const name = `${kind === 'diff' ? 'd' : 'c'}${hex.slice(0, digits)}`;
      if (!this.#shortNames.has(name)) {
        this.#shortNames.add(name);
        return name;
      }
    }
  }

  releaseShortName(name: string): void {
    this.#shortNames.delete(name);
  }

  /** A sync that began when `sequence` was the last layer covers it and all before. */
  markSynced(sequence: number): void {
    for (const layer of this.#layers.values()) {
      layer.isSynced ||= layer.sequence <= sequence;
    }
  }
}
