// Images on disk: one record each, and the documents (config, manifest) as they came, by digest.
//
//   <stateDir>/images/<config digest hex>.json    the record; its rename is the commit
//   <stateDir>/images/blobs/<sha256 hex>          config or manifest
//   <stateDir>/images/quarantine/                 records that could not be loaded
import { chmod, lstat, mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CriError } from '../core/error.ts';
import { isImageId } from '../core/ids.ts';
import { removeDurably, writeDurably } from '../store/durable-file.ts';
import { digestOf } from './archive-image.ts';
import type { Image } from './image.ts';
import { loadRecords, parseRecord } from './layer-record.ts';
import type { Quarantined } from './layer-record.ts';
import type { DiskUsage } from './layer-table.ts';
import { parseImageConfig } from '../registry/oci-documents.ts';

/** What is stored of an image: the image, and which documents belong to it. */
export interface StoredImage {
  readonly image: Image;
  /** Digest (sha256) of the manifest's blob; "" when the archive had none. */
  readonly manifestDigest: string;
  /** Bytes of config and manifest. */
  readonly documentBytes: number;
  /** Orders records after a crash in the middle of moving a tag: the latest owns it. */
  readonly updatedAtNs: bigint;
}

const sha256 = v.pipe(v.string(), v.regex(/^sha256:[a-f0-9]{64}$/));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const nanoseconds = v.pipe(v.string(), v.regex(/^[0-9]{1,20}$/));

const recordSchema = v.object({
  version: v.literal(1),
  id: sha256,
  repoTags: v.array(v.string()),
  repoDigests: v.array(v.string()),
  manifestDigest: v.union([v.literal(''), sha256]),
  documentBytes: count,
  layers: v.pipe(
    v.array(v.object({ kind: v.picklist(['diff', 'chain']), id: sha256 })),
    v.minLength(1),
  ),
  chainId: sha256,
  size: count,
  createdAtNs: nanoseconds,
  updatedAtNs: nanoseconds,
});

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}

/** Reads and writes the image records under `<stateDir>/images`. */
export class ImageRecords {
  readonly #dir: string;
  readonly #blobs: string;
  /** Where records go that could not be loaded. */
  readonly quarantineDir: string;

  constructor(stateDir: string) {
    this.#dir = join(stateDir, 'images');
    this.#blobs = join(this.#dir, 'blobs');
    this.quarantineDir = join(this.#dir, 'quarantine');
  }

  /** Makes the directories. */
  async prepare(): Promise<void> {
    await mkdir(this.#blobs, { recursive: true, mode: 0o700 });
    await chmod(this.#dir, 0o700);
  }

  /** Loads every record, each alone; `check` may refuse one by throwing. */
  async load(
    check: (stored: StoredImage) => void,
  ): Promise<{ records: StoredImage[]; quarantined: Quarantined[] }> {
    return await loadRecords(this.#dir, this.quarantineDir, async (name) => {
      const stored = await this.#read(name);
      check(stored);
      return stored;
    });
  }

  async #read(fileName: string): Promise<StoredImage> {
    const json = await readFile(join(this.#dir, fileName), 'utf8');
    const record = parseRecord(recordSchema, json);
    const { id } = record;
    if (!isImageId(id) || `${hexOf(id)}.json` !== fileName) {
      throw new CriError('Internal', `it names the image "${id}"`);
    }
    const configBytes = await this.readBlob(id);
    const config = parseImageConfig(configBytes, `config "${id}"`);
    const { manifestDigest, documentBytes } = record;
    const { repoTags, repoDigests, layers, chainId, size } = record;
    const createdAtNs = BigInt(record.createdAtNs);
    return {
      image: { id, repoTags, repoDigests, size, config, layers, createdAtNs, chainId },
      manifestDigest,
      documentBytes,
      updatedAtNs: BigInt(record.updatedAtNs),
    };
  }

  /** Reads a stored document; throws Internal when it is not what its digest says. */
  async readBlob(digest: string): Promise<Buffer> {
    const path = join(this.#blobs, hexOf(digest));
    const bytes = await readFile(path);
    const actual = digestOf(bytes);
    if (actual !== digest) {
      throw new CriError('Internal', `cannot read "${path}": its content has digest ${actual}`);
    }
    return bytes;
  }

  /** Stores a document durably; returns its digest. */
  async writeBlob(bytes: Buffer): Promise<string> {
    const digest = digestOf(bytes);
    await writeDurably(join(this.#blobs, hexOf(digest)), bytes);
    return digest;
  }

  /** Writes a record durably: the commit of the image, or of a change of its names. */
  async write({ image, ...stored }: StoredImage): Promise<void> {
    const record: v.InferInput<typeof recordSchema> & { readonly pinned: false } = {
      version: 1,
      id: image.id,
      repoTags: [...image.repoTags],
      repoDigests: [...image.repoDigests],
      manifestDigest: stored.manifestDigest,
      documentBytes: stored.documentBytes,
      layers: image.layers.map(({ kind, id }) => ({ kind, id })),
      chainId: image.chainId,
      size: image.size,
      // Of no meaning since the configuration says what is pinned; a rollback finds what it requires.
      pinned: false,
      createdAtNs: String(image.createdAtNs),
      updatedAtNs: String(stored.updatedAtNs),
    };
    await writeDurably(join(this.#dir, `${hexOf(image.id)}.json`), JSON.stringify(record));
  }

  /** Removes the record durably; a missing one is fine. */
  async remove(id: string): Promise<void> {
    await removeDurably(join(this.#dir, `${hexOf(id)}.json`));
  }

  /** Removes a document; a missing one is fine. */
  async removeBlob(digest: string): Promise<void> {
    await rm(join(this.#blobs, hexOf(digest)), { force: true });
  }

  /** Removes documents that are not in `kept` and what a crash left half written. */
  async sweep(kept: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#blobs)) {
      if (!kept.has(`sha256:${name}`)) {
        await rm(join(this.#blobs, name), { force: true });
      }
    }
    for (const name of await readdir(this.#dir)) {
      const path = join(this.#dir, name);
      if (name.startsWith('.') && (await lstat(path)).isFile()) {
        await rm(path, { force: true });
      }
    }
  }
}

/** What the record and documents of an image occupy. */
export function recordUsage(stored: StoredImage): DiskUsage {
  return { bytes: stored.documentBytes, inodes: stored.manifestDigest === '' ? 2 : 3 };
}
