// The layers of one image, bottom to top, into the layer store.
import { asCriError, CriError } from '../core/error.ts';
import type { LayerSource } from './archive-image.ts';
import { chainIdsOf } from './layer-store.ts';
import type { LayerStore } from './layer-store.ts';
import type { Layer } from './layer-table.ts';

/** How far the import of one layer is. */
export interface LayerProgress {
  /** Digest of the layer's blob; its diff id where the archive gives no other. */
  readonly layer: string;
  /** From 1. */
  readonly number: number;
  readonly count: number;
  /** Bytes of the blob that are unpacked, of `blobTotal`. */
  readonly blobBytes: number;
  readonly blobTotal: number;
}

export interface ImportLayersOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined;
}

/** An image's layers in the store. */
export interface LayerStack {
  /** Bottom to top. */
  readonly layers: readonly Layer[];
  /** "" without layers. */
  readonly chainId: string;
  readonly present: number;
  readonly unpacked: number;
}

/**
 * Brings every layer into the store, held by `holder`; those that are stored already are not read.
 * Together with the last missing one everything before it is synced.
 */
export async function importLayers(
  store: LayerStore,
  sources: readonly LayerSource[],
  holder: string,
  options: ImportLayersOptions,
): Promise<LayerStack> {
  const chainIds = chainIdsOf(sources.map(({ diffId }) => diffId));
  const lastMissing = sources.findLastIndex(
    ({ diffId }, index) => !store.has(diffId, chainIds[index] ?? ''),
  );
  const layers: Layer[] = [];
  let present = 0;
  for (const [index, source] of sources.entries()) {
    const { slice, digest, diffId } = source;
    const below = [...layers];
    const ensured = store.ensure(
      {
        blob: slice,
        digest,
        diffId,
        chainId: chainIds[index] ?? '',
        parentChain: chainIds[index - 1] ?? '',
        below: async () => below,
        sync: index === lastMissing,
        signal: options.signal,
        onProgress: ({ blobBytes }) =>
          options.onProgress?.({
            layer: digest === '' ? diffId : digest,
            number: index + 1,
            count: sources.length,
            blobBytes,
            blobTotal: slice.length,
          }),
      },
      holder,
    );
    const { layer, wasPresent } = await ensured.catch((error: unknown) => {
      throw ofLayer([digest, diffId], error);
    });
    layers.push(layer);
    present += wasPresent ? 1 : 0;
  }
  return { layers, chainId: chainIds.at(-1) ?? '', present, unpacked: layers.length - present };
}

/** The same error with the layer's name in front, unless it has one already. */
function ofLayer(names: readonly string[], error: unknown): CriError {
  const known = asCriError(error);
  const [name, ...others] = names.filter((each) => each !== '');
  if (name === undefined || [name, ...others].some((each) => known.message.includes(each))) {
    return known;
  }
  const { code, step, errno, message } = known;
  const why = `cannot import layer "${name}": ${message}`;
  return new CriError(code, why, { step, errno, cause: error });
}
