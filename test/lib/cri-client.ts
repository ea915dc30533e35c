// A typed CRI client on a unix socket: what the kubelet's client does, as promises.
import * as grpc from '@grpc/grpc-js';
import { runtime } from '../../proto/gen/cri.js';
import {
  serviceDefinition,
  type Handlers,
  type ServiceClass,
} from '../../cri/server/service-definition.ts';
import { limitMs } from './time.ts';

type Answer<H> = H extends (request: infer Q, call: never) => Promise<infer _P>
  ? { request: Q }
  : never;

type Decoded<Name extends string> = Name extends keyof typeof runtime.v1
  ? (typeof runtime.v1)[Name] extends { decode(bytes: Uint8Array): infer M }
    ? M
    : never
  : never;

type Properties<Q> = Partial<Q>;

/** One promise-returning method per unary call; deadlines default to 60 s. */
export type UnaryClient<S> = {
  readonly [
    K in keyof Handlers<S> as S[K & keyof S] extends { responseStream: undefined } ? K : never
  ]: (
    request: Properties<Answer<Handlers<S>[K]>['request']>,
    options?: { deadlineMs?: number; signal?: AbortSignal },
  ) => Promise<
    S[K & keyof S] extends { responseType: infer N extends string } ? Decoded<N> : never
  >;
};

/** Both CRI services on one connection. */
export interface CriClient {
  readonly runtime: UnaryClient<runtime.v1.RuntimeService>;
  readonly image: UnaryClient<runtime.v1.ImageService>;
  /** Calls any method of RuntimeService or ImageService by name; returns what a stream had, too. */
  any(name: string, request?: object): Promise<readonly unknown[]>;
  close(): void;
}

/** Connects lazily to the socket; calls wait for the server as the kubelet's client does. */
export function connectCri(socketPath: string): CriClient {
  const client = new grpc.Client(`unix:${socketPath}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.initial_reconnect_backoff_ms': 20,
    'grpc.max_reconnect_backoff_ms': 200,
  });
  const unary = (service: ServiceClass, types: Readonly<Record<string, unknown>>): unknown =>
    Object.fromEntries(
      Object.entries(serviceDefinition(service, types)).map(([name, method]) => [
        name,
        (request: object, options: { deadlineMs?: number; signal?: AbortSignal } = {}) =>
          call(client, method, request, options),
      ]),
    );
  return {
    runtime: unary(runtime.v1.RuntimeService, runtime.v1) as CriClient['runtime'],
    image: unary(runtime.v1.ImageService, runtime.v1) as CriClient['image'],
    any: (name, request = {}) => callAny(client, name, request),
    close: () => client.close(),
  };
}

function call(
  client: grpc.Client,
  method: grpc.MethodDefinition<unknown, unknown>,
  request: object,
  options: { deadlineMs?: number; signal?: AbortSignal },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const running = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      { deadline: Date.now() + (options.deadlineMs ?? limitMs(60_000)) },
      (error, reply) => (error === null ? resolve(reply) : reject(error)),
    );
    options.signal?.addEventListener('abort', () => running.cancel(), { once: true });
  });
}

async function callAny(client: grpc.Client, name: string, request: object): Promise<unknown[]> {
  const { v1 } = runtime;
  const method =
    serviceDefinition(v1.RuntimeService, v1)[name] ?? serviceDefinition(v1.ImageService, v1)[name];
  if (method === undefined) {
    throw new Error(`no call "${name}"`);
  }
  if (!method.responseStream) {
    return [await call(client, method, request, {})];
  }
  const { path, requestSerialize, responseDeserialize } = method;
  const options = { deadline: Date.now() + 60_000 };
  const stream = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
    options,
  );
  const messages: unknown[] = [];
  for await (const message of stream) {
    messages.push(message);
  }
  return messages;
}
