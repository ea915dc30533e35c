// Where the blob of a missing layer comes from.
import type { Unpacked, UnpackProgress, UnpackRequest } from '../isolator/launcher-messages.ts';
import type { FileSlice } from './archive-files.ts';
import type { LayerLauncher } from './layer-launcher.ts';

/** What is unpacked, without saying from where. */
export type UnpackOrder = Omit<UnpackRequest, 'sourcePath' | 'offset' | 'length'>;

export interface UnpackOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: UnpackProgress) => void;
}

/** A blob that is not in a file of this host: somebody unpacks it while it comes. */
export interface RemoteBlob {
  /** As the launcher's unpack: on any error the target directory is gone again. */
  unpack(order: UnpackOrder, options: UnpackOptions): Promise<Unpacked>;
}

export type LayerBlob = FileSlice | RemoteBlob;

/** Has the blob unpacked by `launcher`, or by whoever brings it. */
export async function unpackFrom(
  blob: LayerBlob,
  launcher: LayerLauncher,
  order: UnpackOrder,
  options: UnpackOptions,
): Promise<Unpacked> {
  return 'unpack' in blob
    ? await blob.unpack(order, options)
    : await launcher.unpack({ ...blob, ...order }, options);
}
