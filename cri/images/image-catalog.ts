// Which images there are: the index in memory and the records on disk, kept in step.
import { CriError } from '../core/error.ts';
import type { Clock } from '../core/clock.ts';
import { isImageId } from '../core/ids.ts';
import { KeyedQueue } from '../core/keyed-queue.ts';
import { digestOf } from './archive-image.ts';
import type { ImageConfig } from '../registry/oci-documents.ts';
import { ImageIndex } from './image-index.ts';
import { ImageRecords, recordUsage } from './image-records.ts';
import type { StoredImage } from './image-records.ts';
import type { Image } from './image.ts';
import type { LayerName, Quarantined } from './layer-record.ts';
import type { DiskUsage } from './layer-table.ts';

/** Everything of an image but its layers, checked against their digests. */
export interface ImageDocuments {
  /** Config digest. */
  readonly id: string;
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
  /** undefined for a docker archive, which has none. */
  readonly manifestBytes: Buffer | undefined;
  /** Bytes of all layer blobs as stored in archive or registry. */
  readonly layersSize: number;
  /** References with tag. */
  readonly tags: readonly string[];
  /** References with the digest of what a name points to. */
  readonly repoDigests: readonly string[];
}

/** An image whose layers are durable, ready to be listed. */
export interface NewImage {
  readonly documents: ImageDocuments;
  /** Bottom to top. */
  readonly layers: readonly LayerName[];
  readonly chainId: string;
}

/** Told when an image appears (also again, under more names) and when its record is gone. */
export interface CatalogListener {
  onShown(image: Image): void;
  onRemoved(image: Image): void;
}

function sortedUnion(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])].sort();
}

/** The images of a state directory. */
export class ImageCatalog {
  readonly #records: ImageRecords;
  readonly #clock: Clock;
  readonly #listener: CatalogListener;
  readonly #index = new ImageIndex();
  /** Changes of records, one after the other: a tag moves between images. */
  readonly #changes = new KeyedQueue();

  constructor(stateDir: string, clock: Clock, listener: CatalogListener) {
    this.#records = new ImageRecords(stateDir);
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Where records go that could not be loaded. */
  get quarantineDir(): string {
    return this.#records.quarantineDir;
  }

  /** Reads all records; those that cannot be read or that `check` refuses are moved aside. */
  async load(check: (image: Image) => void): Promise<Quarantined[]> {
    await this.#records.prepare();
    const { records, quarantined } = await this.#records.load((stored) => check(stored.image));
    for (const stored of records.sort((a, b) => (a.updatedAtNs < b.updatedAtNs ? -1 : 1))) {
      this.#takeNames(stored.image);
      this.#show(stored);
    }
    return quarantined;
  }

  /** Removes documents that no record names. */
  async sweep(): Promise<void> {
    const kept = this.#index.all().flatMap((stored) => [stored.image.id, stored.manifestDigest]);
    await this.#records.sweep(new Set(kept));
  }

  all(): Image[] {
    return this.#index.all().map((stored) => stored.image);
  }

  /** The image of exactly this id. Throws NotFound. */
  get(id: string): Image {
    const stored = this.#index.get(id);
    if (stored === undefined) {
      throw new CriError('NotFound', `cannot find image "${id}": it is not in the store`);
    }
    return stored.image;
  }

  /** See ImageIndex.resolve. */
  resolve(reference: string): Image | undefined {
    return this.#index.resolve(reference)?.image;
  }

  /** What records and documents occupy. */
  usage(): DiskUsage {
    let bytes = 0;
    let inodes = 0;
    for (const stored of this.#index.all()) {
      const usage = recordUsage(stored);
      bytes += usage.bytes;
      inodes += usage.inodes;
    }
    return { bytes, inodes };
  }

  /** Reads the image's config as it came. Throws NotFound. */
  async readConfig(id: string): Promise<Buffer> {
    return await this.#records.readBlob(this.get(id).id);
  }

  /** Makes the image durable, then lists it; its names are taken from other images. */
  async commit(added: NewImage): Promise<Image> {
    return await this.#changes.run('images', async () => {
      const before = this.#index.get(added.documents.id);
      const stored = this.#toStored(added, before);
      try {
        await this.#write(stored, added.documents);
      } catch (error) {
        await this.#removeDocuments(stored);
        throw error;
      }
      const robbed = this.#takeNames(stored.image);
      this.#show(stored);
      for (const other of robbed) {
        await this.#records.write(other);
      }
      if (before !== undefined) {
        await this.#removeDocuments(before);
      }
      return stored.image;
    });
  }

  /**
   * Gives the image that has exactly this digest reference more tags, durably, taking them from other
   * images; undefined when no image has it.
   */
  async addTags(repoDigest: string, tags: readonly string[]): Promise<Image | undefined> {
    return await this.#changes.run('images', async () => {
      const found = this.#index.all().find(({ image }) => image.repoDigests.includes(repoDigest));
      if (found === undefined || tags.every((tag) => found.image.repoTags.includes(tag))) {
        return found?.image;
      }
      const repoTags = sortedUnion(found.image.repoTags, tags);
      const updatedAtNs = this.#clock.nowNs();
      const tagged = { ...found, image: { ...found.image, repoTags }, updatedAtNs };
      await this.#records.write(tagged);
      if (this.#index.get(found.image.id) === undefined) {
        // Removed meanwhile: the removal waits behind this change and takes the record away.
        return undefined;
      }
      const robbed = this.#takeNames(tagged.image);
      this.#show(tagged);
      for (const other of robbed) {
        await this.#records.write(other);
      }
      return tagged.image;
    });
  }

  /** Takes the image out of every answer at once, then removes its record. */
  async remove(id: string): Promise<void> {
    const stored = this.#index.get(id);
    if (stored === undefined) {
      return;
    }
    this.#index.delete(id);
    await this.#changes.run('images', async () => {
      // An import of the same image may have come in between.
      const current = this.#index.get(id) ?? stored;
      this.#index.delete(id);
      try {
        await this.#records.remove(id);
      } catch (error) {
        this.#index.set(current);
        throw error;
      }
      this.#listener.onRemoved(current.image);
      await this.#removeDocuments(current);
    });
  }

  #toStored({ documents, layers, chainId }: NewImage, before?: StoredImage): StoredImage {
    const { id, tags, repoDigests, configBytes, manifestBytes } = documents;
    if (!isImageId(id)) {
      throw new CriError('Internal', `cannot store image: "${id}" is not an image id`);
    }
    const now = this.#clock.nowNs();
    const documentBytes = configBytes.length + (manifestBytes?.length ?? 0);
    const image: Image = {
      id,
      repoTags: sortedUnion(before?.image.repoTags ?? [], tags),
      repoDigests: sortedUnion(before?.image.repoDigests ?? [], repoDigests),
      size: documentBytes + documents.layersSize,
      config: documents.config,
      layers: layers.map(({ kind, id }) => ({ kind, id })),
      createdAtNs: before?.image.createdAtNs ?? now,
      chainId,
    };
    const manifestDigest = manifestBytes === undefined ? '' : digestOf(manifestBytes);
    return { image, manifestDigest, documentBytes, updatedAtNs: now };
  }

  async #write(stored: StoredImage, documents: ImageDocuments): Promise<void> {
    await this.#records.writeBlob(documents.configBytes);
    if (documents.manifestBytes !== undefined) {
      await this.#records.writeBlob(documents.manifestBytes);
    }
    await this.#records.write(stored);
  }

  #show(stored: StoredImage): void {
    this.#listener.onShown(stored.image);
    this.#index.set(stored);
  }

  /** Takes the names of `image` away from other images; returns those that had some. */
  #takeNames(image: Image): StoredImage[] {
    const taken = new Set([...image.repoTags, ...image.repoDigests]);
    const isKept = (name: string): boolean => !taken.has(name);
    const changed: StoredImage[] = [];
    for (const stored of this.#index.all()) {
      const other = stored.image;
      const repoTags = other.repoTags.filter(isKept);
      const repoDigests = other.repoDigests.filter(isKept);
      const isSame =
        repoTags.length === other.repoTags.length &&
        repoDigests.length === other.repoDigests.length;
      if (other.id !== image.id && !isSame) {
        const without = { ...stored, image: { ...other, repoTags, repoDigests } };
        this.#index.set(without);
        changed.push(without);
      }
    }
    return changed;
  }

  /** Removes the image's documents that no listed image has. */
  async #removeDocuments(stored: StoredImage): Promise<void> {
    const used = new Set(
      this.#index.all().flatMap((each) => [each.image.id as string, each.manifestDigest]),
    );
    for (const digest of [stored.image.id, stored.manifestDigest]) {
      if (digest !== '' && !used.has(digest)) {
        await this.#records.removeBlob(digest);
      }
    }
  }
}
