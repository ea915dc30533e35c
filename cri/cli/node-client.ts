// The command line's client of the running server's own service (proto/node/v1).
import * as grpc from '@grpc/grpc-js';
import { estiba } from '../../proto/gen/node.js';
import { CriError, describeError } from '../core/error.ts';
import { serviceDefinition } from '../server/service-definition.ts';
import { errorCodeOf } from '../server/status-map.ts';

type V1 = typeof estiba.node.v1;
type Properties<Name extends keyof V1> = V1[Name] extends new (p: infer P) => unknown
  ? NonNullable<P>
  : never;

/**
 * Asks the server to import; yields its progress messages. Throws what the server said, or
 * Unavailable when none listens on the socket.
 */
export function importImages(
  socketPath: string,
  request: Properties<'ImportImagesRequest'>,
): AsyncGenerator<estiba.node.v1.ImportProgress, void, undefined> {
  return stream(socketPath, { name: 'importImages', what: 'import images' }, request);
}

/** Asks the server to pull; as importImages. Returning the generator early cancels the pull. */
export function pullImage(
  socketPath: string,
  request: Properties<'PullImageRequest'>,
): AsyncGenerator<estiba.node.v1.PullProgress, void, undefined> {
  return stream(socketPath, { name: 'pullImage', what: 'pull image' }, request);
}

/** Asks the server which hosts it would ask for an image. Throws as importImages does. */
export async function explainImage(
  socketPath: string,
  request: Properties<'ExplainImageRequest'>,
): Promise<estiba.node.v1.ExplainImageResponse> {
  const call = { name: 'explainImage', what: 'explain image' };
  const client = connect(socketPath);
  const method = methodOf(call);
  try {
    return await new Promise<estiba.node.v1.ExplainImageResponse>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        (error, reply) =>
          error === null
            ? resolve(reply as estiba.node.v1.ExplainImageResponse)
            : reject(fromStatus(error, socketPath, call)),
      );
    });
  } finally {
    client.close();
  }
}

interface NodeCall {
  /** Of the service definition. */
  readonly name: string;
  /** `<verb> <object>`, for messages. */
  readonly what: string;
}

function connect(socketPath: string): grpc.Client {
  return new grpc.Client(`unix:${socketPath}`, grpc.credentials.createInsecure());
}

function methodOf({ name, what }: NodeCall): grpc.MethodDefinition<unknown, unknown> {
  const method = serviceDefinition(estiba.node.v1.NodeService, estiba.node.v1)[name];
  if (method === undefined) {
    throw new CriError('Internal', `cannot ${what}: the protocol has no such call`);
  }
  return method;
}

async function* stream<Message>(
  socketPath: string,
  call: NodeCall,
  request: object,
): AsyncGenerator<Message, void, undefined> {
  const method = methodOf(call);
  const client = connect(socketPath);
  const messages = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
  );
  // A call that is given up still reports its end, to nobody.
  messages.on('error', () => undefined);
  try {
    for await (const message of messages) {
      yield message as Message;
    }
  } catch (error) {
    throw fromStatus(error, socketPath, call);
  } finally {
    messages.cancel();
    client.close();
  }
}

function fromStatus(error: unknown, socketPath: string, { what }: NodeCall): CriError {
  const { code, details } = error as grpc.ServiceError;
  // Without words of the server's own it is the connection that failed.
  if (code === grpc.status.UNAVAILABLE && !details.startsWith('cannot ')) {
    const why = `no server answers on "${socketPath}"; is "estiba serve" running?`;
    return new CriError('Unavailable', `cannot ${what}: ${why}`, { cause: error });
  }
  return new CriError(errorCodeOf(code), details || describeError(error), { cause: error });
}
