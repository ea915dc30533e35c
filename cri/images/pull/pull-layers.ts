// The layers of one remote image into the layer store, several at a time.
import { Slots } from '../../core/slots.ts';
import type { Unpacked } from '../../isolator/launcher-messages.ts';
import type { Descriptor } from '../../registry/oci-documents.ts';
import type { LayerStack } from '../import-layers.ts';
import { chainIdsOf } from '../layer-store.ts';
import type { LayerStore } from '../layer-store.ts';
import type { Layer } from '../layer-table.ts';
import type { UnpackOrder } from '../layer-blob.ts';
import type { BlobId, BlobProgress, PullSession, UnpackBlobOptions } from './pull-backend.ts';

/** Where one layer stands. `waiting` also for one that another pull brings. */
export type LayerState = 'waiting' | 'pulling' | 'done' | 'present';

export interface LayerStatus extends BlobProgress {
  readonly digest: string;
  /** Bytes of the blob as the registry has it. */
  readonly size: number;
  readonly state: LayerState;
}

export interface PullLayersOptions {
  readonly signal: AbortSignal;
  /** How many layers of this image come at the same time. */
  readonly maxConcurrent: number;
  readonly onStatus: (index: number, status: LayerStatus) => void;
}

/**
 * Brings every layer into the store, held by `holder`; those that are stored already, or that another
 * pull brings just now, are not fetched. When one fails the others are ended, and the first failure
 * is thrown after all have settled.
 */
export async function pullLayers(
  store: LayerStore,
  session: PullSession,
  layers: readonly Descriptor[],
  diffIds: readonly string[],
  holder: string,
  options: PullLayersOptions,
): Promise<LayerStack> {
  const failed = new AbortController();
  const job = new LayersJob(store, session, diffIds, holder, {
    ...options,
    signal: AbortSignal.any([options.signal, failed.signal]),
  });
  const failures: unknown[] = [];
  const tasks: Promise<Brought>[] = [];
  for (const [index, descriptor] of layers.entries()) {
    const below = [...tasks];
    const task = job.bring(descriptor, index, async () => {
      const brought = await Promise.all(below);
      return brought.map(({ layer }) => layer);
    });
    task.catch((error: unknown) => {
      failures.push(error);
      failed.abort(error);
    });
    tasks.push(task);
  }
  await Promise.allSettled(tasks);
  if (failures.length > 0) {
    throw failures[0];
  }
  const brought = await Promise.all(tasks);
  // Not before: layers without an image do not outlive the server, but then their blobs do. And not
  // later: what is gone need not be written to disk when everything is made durable.
  await Promise.all(layers.map(({ digest }) => session.discard(digest)));
  const present = brought.filter(({ wasPresent }) => wasPresent).length;
  return {
    layers: brought.map(({ layer }) => layer),
    chainId: chainIdsOf(diffIds).at(-1) ?? '',
    present,
    unpacked: brought.length - present,
  };
}

interface Brought {
  readonly layer: Layer;
  readonly wasPresent: boolean;
}

class LayersJob {
  readonly #store: LayerStore;
  readonly #session: PullSession;
  readonly #diffIds: readonly string[];
  readonly #chainIds: readonly string[];
  readonly #holder: string;
  readonly #options: PullLayersOptions;
  readonly #slots: Slots;

  constructor(
    store: LayerStore,
    session: PullSession,
    diffIds: readonly string[],
    holder: string,
    options: PullLayersOptions,
  ) {
    this.#store = store;
    this.#session = session;
    this.#diffIds = diffIds;
    this.#chainIds = chainIdsOf(diffIds);
    this.#holder = holder;
    this.#options = options;
    this.#slots = new Slots(options.maxConcurrent);
  }

  async bring(
    { digest, size }: Descriptor,
    index: number,
    below: () => Promise<readonly Layer[]>,
  ): Promise<Brought> {
    const { signal, onStatus } = this.#options;
    const blob = { digest, size };
    let progress: BlobProgress = { receivedBytes: 0, fetchedBytes: 0, unpackedBytes: 0 };
    const tell = (state: LayerState): void => onStatus(index, { ...blob, ...progress, state });
    const onProgress = (made: BlobProgress): void => {
      progress = made;
      tell('pulling');
    };
    const brought = await this.#store.ensure(
      {
        blob: {
          unpack: (order, { signal: jobSignal }) => {
            tell('pulling');
            return this.#unpack(blob, order, { signal: jobSignal, onProgress });
          },
        },
        digest,
        diffId: this.#diffIds[index] ?? '',
        chainId: this.#chainIds[index] ?? '',
        parentChain: this.#chainIds[index - 1] ?? '',
        below,
        sync: false,
        signal,
      },
      this.#holder,
    );
    tell(brought.wasPresent ? 'present' : 'done');
    return brought;
  }

  /** Keeps a slot also while a blob goes on coming whose job has stopped. */
  async #unpack(blob: BlobId, order: UnpackOrder, options: UnpackBlobOptions): Promise<Unpacked> {
    const { promise, resolve, reject } = Promise.withResolvers<Unpacked>();
    const { signal } = options;
    const work = async (): Promise<void> => {
      const unpacked = await this.#session.unpack(blob, order, options);
      resolve(unpacked);
      if (unpacked.isStopped) {
        await this.#session.fetched(blob, { ...options, signal: this.#options.signal });
      }
    };
    this.#slots.run(work, signal).catch(reject);
    return await promise;
  }
}
