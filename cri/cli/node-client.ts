// The command line's client of the running server's own service (proto/node/v1).
import * as grpc from '@grpc/grpc-js';
import { estiba } from '../../proto/gen/node.js';
import { CriError, describeError } from '../core/error.ts';
import { serviceDefinition } from '../server/service-definition.ts';
import { errorCodeOf } from '../server/status-map.ts';

type Request = estiba.node.v1.ImportImagesRequest.$Properties;
type Progress = estiba.node.v1.ImportProgress;

/**
 * Asks the server to import; yields its progress messages. Throws what the server said, or
 * Unavailable when none listens on the socket.
 */
export async function* importImages(
  socketPath: string,
  request: Request,
): AsyncGenerator<Progress, void, undefined> {
  const client = new grpc.Client(`unix:${socketPath}`, grpc.credentials.createInsecure());
  const method = serviceDefinition(estiba.node.v1.NodeService, estiba.node.v1)['importImages'];
  if (method === undefined) {
    throw new CriError('Internal', 'cannot import images: the protocol has no such call');
  }
  const stream = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
  );
  try {
    for await (const message of stream) {
      yield message as Progress;
    }
  } catch (error) {
    throw fromStatus(error, socketPath);
  } finally {
    client.close();
  }
}

function fromStatus(error: unknown, socketPath: string): CriError {
  const { code, details } = error as grpc.ServiceError;
  // Without words of the server's own it is the connection that failed.
  if (code === grpc.status.UNAVAILABLE && !details.startsWith('cannot ')) {
    const why = `no server answers on "${socketPath}"; is "estiba serve" running?`;
    return new CriError('Unavailable', `cannot import images: ${why}`, { cause: error });
  }
  return new CriError(errorCodeOf(code), details || describeError(error), { cause: error });
}
