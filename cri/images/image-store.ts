// The images of this node. Reads are memory only; an image is listed when everything of it is
// durable, and gone from every answer when remove() begins.
import { readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CriError } from '../core/error.ts';
import { systemClock } from '../core/clock.ts';
import type { Clock } from '../core/clock.ts';
import type { ArchiveImage } from './archive-image.ts';
import { readArchiveImages } from './archive-images.ts';
import { importLayers } from './import-layers.ts';
import type { LayerProgress, LayerStack } from './import-layers.ts';
import { ImageCatalog } from './image-catalog.ts';
import type { ImageDocuments } from './image-catalog.ts';
import type { Image } from './image.ts';
import type { LayerLauncher } from './layer-launcher.ts';
import type { Quarantined } from './layer-record.ts';
import { LayerStore } from './layer-store.ts';
import { importNames, repoDigests } from './import-names.ts';
import { openArchive } from './open-archive.ts';
import { isPartialName } from './pull/partial-blobs.ts';
import { hostPlatform } from '../registry/platform.ts';
import type { HostPlatform } from '../registry/platform.ts';

const DEFAULT_MAX_SPOOL_BYTES = 64 * 1024 ** 3;

export interface ImageStoreOptions {
  /** Root of layers/, images/ and ingest/, on the file system that serves overlay lower layers. */
  readonly stateDir: string;
  readonly launcher: LayerLauncher;
  /** Gets failures of background work (removing trees), for the log. */
  readonly onProblem: (error: unknown) => void;
  /** Default: this machine's. */
  readonly host?: HostPlatform | undefined;
  readonly clock?: Clock | undefined;
  /** Bytes a compressed archive may have uncompressed. Default 64 GiB. */
  readonly maxSpoolBytes?: number | undefined;
}

export interface ImportOptions {
  readonly signal?: AbortSignal | undefined;
  /** More names for the image; InvalidArgument when the archive holds several images. */
  readonly tags?: readonly string[] | undefined;
  /** Repository for archives that name an image by its tag alone. */
  readonly baseName?: string | undefined;
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined;
  /** Called as soon as an image is committed. */
  readonly onImage?: ((imported: ImportedImage) => void) | undefined;
}

export interface ImportedImage {
  readonly image: Image;
  /** Layers that were stored before and have not been read. */
  readonly layersPresent: number;
  readonly layersUnpacked: number;
}

/** Figures for ImageFsInfo. */
export interface ImageFsUsage {
  /** The state directory: a path on the file system that holds the images. */
  readonly mountpoint: string;
  readonly usedBytes: number;
  readonly inodesUsed: number;
  readonly timestampNs: bigint;
}

/** Images and their layers on disk. One per state directory; call load, reacquire…, sweep first. */
export class ImageStore {
  readonly #options: ImageStoreOptions;
  readonly #clock: Clock;
  readonly #host: HostPlatform;
  readonly #layers: LayerStore;
  readonly #catalog: ImageCatalog;
  #additions = 0;
  #swept: Promise<void> = Promise.resolve();

  constructor(options: ImageStoreOptions) {
    const layers = new LayerStore(options.stateDir, options.launcher, options.onProblem);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#host = options.host ?? hostPlatform();
    this.#layers = layers;
    this.#catalog = new ImageCatalog(options.stateDir, this.#clock, {
      onShown(image): void {
        for (const layer of image.layers) {
          layers.hold(layer, `image:${image.id}`);
        }
      },
      onRemoved: (image): void => layers.release(`image:${image.id}`),
    });
  }

  /** Where uploads may be spooled; the only place whose files an import may remove. */
  get ingestDir(): string {
    return join(this.#options.stateDir, 'ingest');
  }

  /** Where the trees of all stored layers are. */
  get layerPaths(): string[] {
    return this.#layers.paths();
  }

  /**
   * Reads all records, each alone. Returns those that could not be used (moved to
   * images/quarantine, with the reason); their images are gone, the others are whole.
   */
  async load(): Promise<Quarantined[]> {
    await mkdir(this.ingestDir, { recursive: true, mode: 0o700 });
    const brokenLayers = await this.#layers.load(this.#catalog.quarantineDir);
    const brokenImages = await this.#catalog.load((image) => {
      const lost = image.layers.find((layer) => this.#layers.get(layer) === undefined);
      if (lost !== undefined) {
        throw new CriError('Internal', `its layer "${lost.id}" is missing`);
      }
    });
    return [...brokenLayers, ...brokenImages];
  }

  /**
   * Removes what crashed imports left, spooled uploads included. Call once after load, when
   * containers that live have reacquired their layers. Blobs of broken pulls stay. Nobody need wait:
   * whatever adds images does by itself. Never rejects: what cannot be removed is reported, and tried
   * again by the next start.
   */
  sweep(): Promise<void> {
    this.#swept = this.#sweep();
    return this.#swept;
  }

  async #sweep(): Promise<void> {
    // Listed at once: uploads may come while the rest goes on.
    const uploads = this.#uploads();
    const removals = uploads.map((path) => rm(path, { recursive: true, force: true }));
    const steps = [...removals, this.#catalog.sweep(), this.#layers.sweep()];
    for (const result of await Promise.allSettled(steps)) {
      if (result.status === 'rejected') {
        this.#options.onProblem(result.reason);
      }
    }
  }

  // Without the partial blobs: a pull goes on with them, or they are swept when they are old.
  #uploads(): string[] {
    try {
      const names = readdirSync(this.ingestDir).filter((name) => !isPartialName(name));
      return names.map((name) => join(this.ingestDir, name));
    } catch (error) {
      this.#options.onProblem(error);
      return [];
    }
  }

  /** All images. */
  list(): Image[] {
    return this.#catalog.all();
  }

  /**
   * Returns the image of an id, a tag, a digest reference, a name without tag (latest) or a unique
   * id prefix of 4 digits or more; undefined when there is none. Throws InvalidArgument for an
   * ambiguous prefix.
   */
  resolve(reference: string): Image | undefined {
    return this.#catalog.resolve(reference);
  }

  /** Trees of the image's layers, absolute, topmost first. Throws NotFound. */
  lowerDirs(imageId: string): string[] {
    const paths = this.#catalog
      .get(imageId)
      .layers.map((name) => this.#layers.get(name)?.path)
      .filter((path) => path !== undefined);
    // Overlay refuses one directory twice; of equal layers only the topmost shows anyway.
    return [...new Set(paths.reverse())];
  }

  /**
   * Returns lowerDirs(imageId) and keeps these layers until release(user), also when the image is
   * removed. `user` is a container id, and may acquire several images. Throws NotFound.
   */
  acquire(user: string, imageId: string): string[] {
    const paths = this.lowerDirs(imageId);
    this.reacquire(user, paths);
    return paths;
  }

  /** Keeps layers for a container that lived before a restart; returns the paths that are gone. */
  reacquire(user: string, lowerDirs: readonly string[]): string[] {
    const layers = this.#layers.getByPaths(lowerDirs);
    for (const layer of layers) {
      this.#layers.hold(layer.record, `user:${user}`);
    }
    const found = new Set(layers.map((layer) => layer.path));
    return lowerDirs.filter((path) => !found.has(path));
  }

  /** As reacquire, for a container of which nobody knows the layers: every one of now is kept. */
  reacquireAll(user: string): void {
    this.#layers.holdAll(`user:${user}`);
  }

  /** Lets go of what `user` acquired; unknown users are fine. */
  release(user: string): void {
    this.#layers.release(`user:${user}`);
  }

  /** What images occupy, from records, without touching the disk. */
  fsInfo(): ImageFsUsage {
    const layers = this.#layers.usage();
    const documents = this.#catalog.usage();
    return {
      mountpoint: this.#options.stateDir,
      usedBytes: layers.bytes + documents.bytes,
      inodesUsed: layers.inodes + documents.inodes,
      timestampNs: this.#clock.nowNs(),
    };
  }

  /** Reads the image's config as it came, for verbose status. Throws NotFound. */
  async readConfig(imageId: string): Promise<Buffer> {
    return await this.#catalog.readConfig(imageId);
  }

  /**
   * Imports every image of an OCI archive, OCI layout or docker archive. Images are committed one
   * after the other; when one fails the error is thrown, nothing of that image stays and those
   * before it do. Throws NotFound, InvalidArgument, FailedPrecondition (platform), Unimplemented
   * (media type), ResourceExhausted, Canceled, or what the launcher says.
   */
  async importArchive(path: string, options: ImportOptions = {}): Promise<ImportedImage[]> {
    await this.#swept;
    const files = await openArchive(path, {
      ingestDir: this.ingestDir,
      maxSpoolBytes: this.#options.maxSpoolBytes ?? DEFAULT_MAX_SPOOL_BYTES,
      signal: options.signal,
    });
    try {
      const images = await readArchiveImages(files, this.#host);
      const names = importNames(path, images, options);
      const imported: ImportedImage[] = [];
      for (const [index, image] of images.entries()) {
        const done = await this.#importImage(image, names[index] ?? [], options);
        imported.push(done);
        options.onImage?.(done);
      }
      return imported;
    } finally {
      await files.close();
    }
  }

  /**
   * Removes the image that `reference` names, with all its names; nothing is fine. It is gone from
   * every answer at once. Layers go when neither another image nor a container uses them.
   */
  async remove(reference: string): Promise<void> {
    const image = this.#catalog.resolve(reference);
    if (image !== undefined) {
      await this.#catalog.remove(image.id);
    }
  }

  /** Resolves when no background removal is at work. */
  async settle(): Promise<void> {
    await this.#layers.settle();
  }

  /**
   * Stores an image: its layers by `bring`, held by the holder that it gets, then everything made
   * durable, then listed. Throws what `bring` throws; nothing of the image stays then.
   */
  async add(
    documents: ImageDocuments,
    bring: (layers: LayerStore, holder: string) => Promise<LayerStack>,
  ): Promise<ImportedImage> {
    await this.#swept; // it would take what no record names yet
    this.#additions += 1;
    const holder = `add:${this.#additions}`;
    try {
      const stack = await this.#atLeastOne(await bring(this.#layers, holder), holder);
      await this.#layers.makeDurable(stack.layers);
      const layers = stack.layers.map((layer) => layer.record);
      const image = await this.#catalog.commit({ documents, layers, chainId: stack.chainId });
      return { image, layersPresent: stack.present, layersUnpacked: stack.unpacked };
    } finally {
      this.#layers.release(holder);
    }
  }

  async #atLeastOne(stack: LayerStack, holder: string): Promise<LayerStack> {
    if (stack.layers.length > 0) {
      return stack;
    }
    const layer = await this.#layers.ensureEmpty(holder);
    return { ...stack, layers: [layer], chainId: layer.record.id };
  }

  /** See ImageCatalog.addTags. */
  async addTags(repoDigest: string, tags: readonly string[]): Promise<Image | undefined> {
    return await this.#catalog.addTags(repoDigest, tags);
  }

  async #importImage(
    source: ArchiveImage,
    tags: readonly string[],
    options: ImportOptions,
  ): Promise<ImportedImage> {
    const { id, config, configBytes, manifestBytes } = source;
    const layersSize = source.layers.reduce((sum, layer) => sum + layer.slice.length, 0);
    const names = { tags, repoDigests: repoDigests(source, tags) };
    return await this.add(
      { id, config, configBytes, manifestBytes, layersSize, ...names },
      (layers, holder) => importLayers(layers, source.layers, holder, options),
    );
  }
}
