// Unpacked layers on disk: their way in and out.
//
//   unpack into .staging/<uuid> → rename to <short name> → sync → record <short name>.json
//
// The record is the commit: a tree without one is swept at the next start. A layer lives as long as
// someone holds it (an image, an import at work, a container).
import { createHash, randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CriError, fileError } from '../core/error.ts';
import { KeyedQueue } from '../core/keyed-queue.ts';
import type { Unpacked, UnpackProgress } from '../isolator/launcher-messages.ts';
import { removeDurably, writeDurably } from '../store/durable-file.ts';
import { unpackFrom } from './layer-blob.ts';
import type { LayerBlob, UnpackOptions, UnpackOrder } from './layer-blob.ts';
import type { LayerLauncher } from './layer-launcher.ts';
import { loadLayerRecords } from './layer-record.ts';
import type { LayerName, Quarantined } from './layer-record.ts';
import { LayerTable } from './layer-table.ts';
import type { DiskUsage, Layer, StoredLayer } from './layer-table.ts';
import { SharedWork } from './shared-work.ts';

/** Where a missing layer comes from and where in its image it stands. */
export interface LayerRequest {
  readonly blob: LayerBlob;
  /** Digest of the blob; "" = unknown. */
  readonly digest: string;
  readonly diffId: string;
  readonly chainId: string;
  /** Chain id of `below`; "" for the bottom layer. */
  readonly parentChain: string;
  /** The layers below, bottom to top, as soon as they are there; only asked for when needed. */
  readonly below: () => Promise<readonly Layer[]>;
  /** Also makes everything unpacked before durable. Ask for it with an image's last missing layer. */
  readonly sync: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: UnpackProgress) => void) | undefined;
}

/** An unpacked tree in staging. `covers`: layers up to this sequence are synced; -1 = no sync. */
interface Staged {
  readonly target: string;
  readonly unpacked: Unpacked;
  readonly covers: number;
}

const STAGING = '.staging';
/** Two blocks of zeros: a tar without entries. */
const emptyTar = Buffer.alloc(1024);
const emptyTarDigest = `sha256:${createHash('sha256').update(emptyTar).digest('hex')}`;

/** Chain id of a layer on top of `parentChain` ("" = none): the identity of the whole stack. */
export function chainIdOf(parentChain: string, diffId: string): string {
  return parentChain === ''
    ? diffId
    : `sha256:${createHash('sha256').update(`${parentChain} ${diffId}`).digest('hex')}`;
}

/** Chain id of each layer of a stack, bottom to top. */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chainIds: string[] = [];
  for (const diffId of diffIds) {
    chainIds.push(chainIdOf(chainIds.at(-1) ?? '', diffId));
  }
  return chainIds;
}

/** The layers under `<stateDir>/layers`. */
export class LayerStore {
  readonly #dir: string;
  readonly #staging: string;
  readonly #launcher: LayerLauncher;
  readonly #onProblem: (error: unknown) => void;
  readonly #table = new LayerTable();
  readonly #unpacking = new SharedWork<StoredLayer | undefined>();
  readonly #recording = new KeyedQueue();
  readonly #background = new Set<Promise<void>>();

  /** `onProblem` gets failures of work nobody waits for (removing trees). */
  constructor(stateDir: string, launcher: LayerLauncher, onProblem: (error: unknown) => void) {
    this.#dir = join(stateDir, 'layers');
    this.#staging = join(this.#dir, STAGING);
    this.#launcher = launcher;
    this.#onProblem = onProblem;
  }

  /** Reads the records; returns those that could not be used. Call once, before anything else. */
  async load(quarantineDir: string): Promise<Quarantined[]> {
    await mkdir(this.#dir, { recursive: true });
    // Mapped ids of user namespaces must get through to the layers.
    await chmod(this.#dir, 0o711);
    await mkdir(this.#staging, { recursive: true, mode: 0o700 });
    const { records, quarantined } = await loadLayerRecords(this.#dir, quarantineDir);
    for (const record of records) {
      this.#table.add(record, join(this.#dir, record.shortName), new Set(), true);
    }
    return quarantined;
  }

  /** Says whether `ensure` would find the layer stored already. */
  has(diffId: string, chainId: string): boolean {
    return this.#table.find(diffId, chainId) !== undefined;
  }

  /** Returns a stored layer by name. */
  get(name: LayerName): Layer | undefined {
    return this.#table.get(name);
  }

  /** Returns where the trees of all stored layers are. */
  paths(): string[] {
    return this.#table.all().map((layer) => layer.path);
  }

  /** Returns the stored layers whose trees are `paths`; those without one are left out. */
  getByPaths(paths: readonly string[]): Layer[] {
    const wanted = new Set(paths);
    return this.#table.all().filter((layer) => wanted.has(layer.path));
  }

  /** Keeps `layer` until release(holder). Returns false when it is not stored any more. */
  hold(layer: LayerName, holder: string): boolean {
    const stored = this.#table.get(layer);
    stored?.holders.add(holder);
    return stored !== undefined;
  }

  /** Keeps every layer of now until release(holder). */
  holdAll(holder: string): void {
    for (const layer of this.#table.all()) {
      layer.holders.add(holder);
    }
  }

  /** Lets go of everything `holder` holds; layers that nobody holds are removed in the background. */
  release(holder: string): void {
    this.#unpacking.drop(holder);
    for (const layer of this.#table.all()) {
      if (layer.holders.delete(holder) && layer.holders.size === 0) {
        this.#free(layer);
      }
    }
  }

  /** What all layers occupy, from their records. */
  usage(): DiskUsage {
    return this.#table.usage;
  }

  /**
   * Returns the layer, held by `holder`, unpacking it unless it is stored or being unpacked by
   * someone else just now. Throws what the unpacker says, and InvalidArgument for a bottom layer
   * with hard links to files that no layer has; nothing of the layer is left then.
   */
  async ensure(
    request: LayerRequest,
    holder: string,
  ): Promise<{ layer: Layer; wasPresent: boolean }> {
    const found = this.#table.find(request.diffId, request.chainId);
    if (found !== undefined) {
      found.holders.add(holder);
      return { layer: found, wasPresent: true };
    }
    if (!this.#isKnownToNeedParents(request.diffId)) {
      const key = `diff ${request.diffId}`;
      const alone = await this.#unpacking.run(key, holder, request.signal, (holders) =>
        this.#unpackAlone(request, holders),
      );
      if (alone?.record.kind === 'diff' || alone?.record.id === request.chainId) {
        return { layer: alone, wasPresent: false };
      }
    }
    const key = `chain ${request.chainId}`;
    const layer = await this.#unpacking.run(key, holder, request.signal, (holders) =>
      this.#unpackOnParents(request, holders),
    );
    if (layer === undefined) {
      throw new CriError('Internal', `cannot unpack layer "${request.diffId}": no result`);
    }
    return { layer, wasPresent: false };
  }

  /**
   * Returns an empty layer, held by `holder`: for an image that has none, as overlays need one and
   * records name one.
   */
  async ensureEmpty(holder: string): Promise<Layer> {
    const blob: LayerBlob = { unpack: (order, options) => this.#unpackEmpty(order, options) };
    const request = {
      blob,
      digest: '',
      diffId: emptyTarDigest,
      chainId: emptyTarDigest,
      parentChain: '',
      below: async () => [],
      sync: false,
    };
    const { layer } = await this.ensure(request, holder);
    return layer;
  }

  /** Makes the layers survive a power cut: data first, then their records. */
  async makeDurable(layers: readonly Layer[]): Promise<void> {
    const stored = layers.flatMap((layer) => this.#table.get(layer.record) ?? []);
    if (stored.some((layer) => !layer.isSynced)) {
      await this.#syncAll();
    }
    for (const layer of stored) {
      await this.#recording.run(layer.record.shortName, () => this.#writeRecord(layer));
    }
  }

  /**
   * Removes layers that nobody holds and what no record names: trees of crashed imports. Call after
   * load, when images and containers hold theirs.
   */
  async sweep(): Promise<void> {
    for (const layer of this.#table.all()) {
      if (layer.holders.size === 0) {
        this.#free(layer);
      }
    }
    await this.settle();
    const isLeftover = (name: string): boolean =>
      name !== STAGING && !this.#table.hasShortName(name.replace(/\.json$/, ''));
    const entries = (await readdir(this.#dir)).filter(isLeftover);
    const staged = (await readdir(this.#staging)).map((name) => join(STAGING, name));
    await this.#removeLeftovers([...entries, ...staged].map((name) => join(this.#dir, name)));
  }

  /** Resolves when no removal is at work. */
  async settle(): Promise<void> {
    while (this.#background.size > 0) {
      await Promise.all(this.#background);
    }
  }

  #isKnownToNeedParents(diffId: string): boolean {
    return this.#table
      .all()
      .some(({ record }) => record.kind === 'chain' && record.diffId === diffId);
  }

  /** Unpacks without looking below; undefined when that was not right. */
  async #unpackAlone(
    request: LayerRequest,
    holders: Set<string>,
  ): Promise<StoredLayer | undefined> {
    // Where there are layers below it is unpacked on them as soon as it turns out to need that.
    const staged = await this.#unpack(request, [], request.parentChain !== '');
    if (staged.unpacked.isStopped) {
      return undefined;
    }
    if (staged.unpacked.isSelfContained) {
      return await this.#commit(request, { kind: 'diff', id: request.diffId }, staged, holders);
    }
    if (!staged.unpacked.isIncomplete) {
      return await this.#commit(request, { kind: 'chain', id: request.chainId }, staged, holders);
    }
    await this.#launcher.removeTrees([staged.target]);
    return undefined;
  }

  async #unpackOnParents(request: LayerRequest, holders: Set<string>): Promise<StoredLayer> {
    const below = await request.below();
    const parents = below.map((layer) => layer.path).reverse();
    const staged = await this.#unpack(request, [...new Set(parents)]);
    if (staged.unpacked.isIncomplete) {
      // Only without parents: with them a missing file is the unpacker's own failure.
      await this.#launcher.removeTrees([staged.target]).catch(this.#onProblem);
      const why = `${staged.unpacked.notSelfContainedBecause}, and there is no layer below`;
      const message = `cannot unpack layer "${request.diffId}": ${why}`;
      throw new CriError('InvalidArgument', message);
    }
    return await this.#commit(request, { kind: 'chain', id: request.chainId }, staged, holders);
  }

  async #unpack(
    request: LayerRequest,
    parentDirs: readonly string[],
    stopUnlessSelfContained = false,
  ): Promise<Staged> {
    const target = join(this.#staging, randomUUID());
    const covers = request.sync ? this.#table.sequence : -1;
    const { blob, signal, onProgress } = request;
    try {
      const unpacked = await unpackFrom(
        blob,
        this.#launcher,
        {
          expectedDigest: request.digest,
          expectedDiffId: request.diffId,
          targetDir: target,
          parentDirs,
          stopUnlessSelfContained,
          sync: request.sync,
        },
        { ...(signal && { signal }), ...(onProgress && { onProgress }) },
      );
      return { target, unpacked, covers };
    } catch (error) {
      // The launcher removes what its unpacker has made; this is for the case that both died.
      await this.#launcher.removeTrees([target, `${target}.work`]).catch(this.#onProblem);
      throw error;
    }
  }

  async #commit(
    request: LayerRequest,
    name: LayerName,
    { target, unpacked, covers }: Staged,
    holders: Set<string>,
  ): Promise<StoredLayer> {
    const shortName = this.#table.claimShortName(name.kind, name.id);
    const path = join(this.#dir, shortName);
    try {
      await rename(target, path);
    } catch (error) {
      this.#table.releaseShortName(shortName);
      await this.#launcher.removeTrees([target]).catch(this.#onProblem);
      throw fileError(`store layer "${request.diffId}" in "${path}"`, error);
    }
    const layer = this.#table.add(
      {
        version: 1,
        ...name,
        diffId: request.diffId,
        parentChain: name.kind === 'chain' ? request.parentChain : '',
        bytes: unpacked.unpackedBytes,
        inodes: unpacked.inodes,
        shortName,
      },
      path,
      holders,
      false,
    );
    layer.isSynced = covers >= 0;
    this.#table.markSynced(covers);
    return layer;
  }

  /** syncfs, which Node does not have: the unpacker does one after unpacking an empty tar. */
  async #syncAll(): Promise<void> {
    const covers = this.#table.sequence;
    const target = join(this.#staging, randomUUID());
    try {
      await this.#unpackEmpty({ targetDir: target, sync: true });
      await rmdir(target);
    } catch (error) {
      await this.#launcher.removeTrees([target]).catch(this.#onProblem);
      throw fileError(`sync "${this.#dir}"`, error);
    }
    this.#table.markSynced(covers);
  }

  async #unpackEmpty(order: UnpackOrder, options?: UnpackOptions): Promise<Unpacked> {
    const sourcePath = join(this.#staging, `${randomUUID()}.tar`);
    try {
      await writeFile(sourcePath, emptyTar, { mode: 0o600 });
      return await this.#launcher.unpack({ ...order, sourcePath }, options);
    } finally {
      await rm(sourcePath, { force: true });
    }
  }

  async #writeRecord(layer: StoredLayer): Promise<void> {
    if (!layer.isRecorded) {
      await writeDurably(`${layer.path}.json`, JSON.stringify(layer.record));
      layer.isRecorded = true;
    }
  }

  async #removeLeftovers(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      try {
        await ((await lstat(path)).isDirectory() ? this.#launcher.removeTrees([path]) : rm(path));
      } catch (error) {
        this.#onProblem(error); // it must not keep the others
      }
    }
  }

  #free(layer: StoredLayer): void {
    this.#table.delete(layer);
    const work = this.#removeLayer(layer)
      .catch(this.#onProblem)
      .finally(() => this.#background.delete(work));
    this.#background.add(work);
  }

  async #removeLayer(layer: StoredLayer): Promise<void> {
    const trash = join(this.#staging, randomUUID());
    await removeDurably(`${layer.path}.json`);
    await rename(layer.path, trash);
    // Only now may the same layer come back under this name.
    this.#table.releaseShortName(layer.record.shortName);
    await this.#launcher.removeTrees([trash]);
  }
}
