import { estiba } from '../../proto/gen/node.js';
import { toLong } from '../../proto/long.ts';
import { CriError } from '../core/error.ts';
import type { ImagePuller, PullStatus } from '../images/pull/image-puller.ts';
import type { LayerState, LayerStatus } from '../images/pull/pull-layers.ts';
import { importedMessage } from './imported-message.ts';
import { ProgressQueue } from './progress-queue.ts';
import { pullAuth } from './pull-image.ts';

type Request = estiba.node.v1.PullImageRequest.$Properties;
type Progress = estiba.node.v1.PullProgress.$Properties;

const { PulledLayerState } = estiba.node.v1;
const states = {
  waiting: PulledLayerState.PULLED_LAYER_STATE_WAITING,
  pulling: PulledLayerState.PULLED_LAYER_STATE_PULLING,
  done: PulledLayerState.PULLED_LAYER_STATE_DONE,
  present: PulledLayerState.PULLED_LAYER_STATE_PRESENT,
} as const satisfies Record<LayerState, number>;

function layerMessage(layer: LayerStatus): estiba.node.v1.PulledLayer.$Properties {
  return {
    digest: layer.digest,
    size: toLong(layer.size),
    state: states[layer.state],
    receivedBytes: toLong(layer.receivedBytes),
    fetchedBytes: toLong(layer.fetchedBytes),
    unpackedBytes: toLong(layer.unpackedBytes),
  };
}

function statusMessage({ layers, ...status }: PullStatus): Progress {
  return { ...status, layers: layers.map(layerMessage) };
}

/**
 * Pulls an image, telling how far it is; the last message has the image. Cancels with the call.
 * Throws as ImagePuller's pull does.
 */
export async function* pullWithProgress(
  puller: ImagePuller,
  request: Request,
  call: { readonly signal: AbortSignal },
): AsyncGenerator<Progress, void, undefined> {
  const name = request.image ?? '';
  if (name === '') {
    throw new CriError('InvalidArgument', 'cannot pull image "": the request names none');
  }
  const abort = new AbortController();
  const queue = new ProgressQueue<PullStatus>(() => true);
  let latest: PullStatus | undefined;
  const work = puller.pull(name, {
    auth: pullAuth(request.auth),
    signal: AbortSignal.any([call.signal, abort.signal]),
    onStatus: (status) => {
      latest = status;
      queue.push(status);
    },
  });
  try {
    for await (const status of queue.until(work)) {
      yield statusMessage(status);
    }
    const image = importedMessage(await work);
    yield { ...(latest && statusMessage(latest)), image };
  } finally {
    // Reached early when the client is gone: stop, and leave nothing running behind the answer.
    abort.abort();
    await work.catch(() => undefined);
  }
}
