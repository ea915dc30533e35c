import { rm } from 'node:fs/promises';
import { dirname, isAbsolute, normalize } from 'node:path';
import type { estiba } from '../../proto/gen/node.js';
import { toLong } from '../../proto/long.ts';
import { CriError } from '../core/error.ts';
import type { LayerProgress } from '../images/import-layers.ts';
import type { ImageStore, ImportOptions } from '../images/image-store.ts';
import { importedMessage } from './imported-message.ts';
import { ProgressQueue } from './progress-queue.ts';

type Request = estiba.node.v1.ImportImagesRequest.$Properties;
type Progress = estiba.node.v1.ImportProgress.$Properties;

/** Of one layer only the latest figure is of use. */
function isSameLayer(last: Progress, next: Progress): boolean {
  return (
    last.layer !== undefined && last.layer === next.layer && last.layerNumber === next.layerNumber
  );
}

function layerMessage(progress: LayerProgress): Progress {
  return {
    layer: progress.layer,
    layerNumber: progress.number,
    layerCount: progress.count,
    blobBytes: toLong(progress.blobBytes),
    blobTotal: toLong(progress.blobTotal),
  };
}

/** Throws InvalidArgument unless the request may be carried out as it is. */
function checkRequest(images: ImageStore, path: string, removeSource: boolean): void {
  if (!isAbsolute(path)) {
    throw new CriError('InvalidArgument', `cannot import "${path}": the path must be absolute`);
  }
  if (removeSource && (normalize(path) !== path || dirname(path) !== images.ingestDir)) {
    const why = `only files directly in "${images.ingestDir}" may be removed afterwards`;
    throw new CriError('InvalidArgument', `cannot import "${path}": ${why}`);
  }
}

async function run(
  images: ImageStore,
  path: string,
  removeSource: boolean,
  options: ImportOptions,
): Promise<void> {
  try {
    await images.importArchive(path, options);
  } finally {
    if (removeSource) {
      await rm(path, { force: true });
    }
  }
}

/**
 * Imports the archive or layout at `path`, telling progress by layer and every image as soon as it
 * is committed; the last message has `done`. Cancels with the call. Throws as ImageStore's
 * importArchive does, and InvalidArgument for a relative path or a source that may not be removed.
 */
export async function* importImages(
  images: ImageStore,
  request: Request,
  call: { readonly signal: AbortSignal },
): AsyncGenerator<Progress, void, undefined> {
  const path = request.path ?? '';
  const removeSource = request.removeSource ?? false;
  checkRequest(images, path, removeSource);
  const abort = new AbortController();
  const queue = new ProgressQueue(isSameLayer);
  const signal = AbortSignal.any([call.signal, abort.signal]);
  const work = run(images, path, removeSource, {
    signal,
    tags: request.tags ?? [],
    baseName: request.baseName ?? '',
    onProgress: (progress) => queue.push(layerMessage(progress)),
    onImage: (imported) => queue.push({ image: importedMessage(imported) }),
  });
  try {
    yield* queue.until(work);
    yield { done: true };
  } finally {
    // Reached early when the client is gone: stop, and leave nothing running behind the answer.
    abort.abort();
    await work.catch(() => undefined);
  }
}
