// From a generated service class to what grpc-js serves and what a handler must look like.
// No policy here: deadlines, errors and logging are the caller's. Works for any static protobufjs
// service (cri/v1, node/v1) because the generator puts path, types and stream flags on its methods.
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type { runtime } from '../../proto/gen/cri.js';

/** What a handler knows about its call beside the request. */
export interface Call {
  /** Aborts when the client cancels, disconnects or its deadline passes. */
  readonly signal: AbortSignal;
  /** When the client gives up, in milliseconds since the epoch; Infinity without a deadline. */
  readonly deadline: number;
}

/**
 * A response that is already in wire form, sent as it is: List calls concatenate the cached
 * encodings of their items (each with its field tag and length) instead of encoding them again.
 * `Message` is the generated class of what the bytes hold (inferred where a handler returns it), so
 * that a handler cannot answer with another call's bytes.
 */
export class EncodedMessage<Message> {
  declare readonly message?: Message;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

interface MethodTypes {
  readonly path: string;
  readonly requestType: string;
  readonly responseType: string;
  readonly requestStream: true | undefined;
  readonly responseStream: true | undefined;
}

type Decoded<Types, Name> = Name extends keyof Types
  ? Types[Name] extends { decode(bytes: Uint8Array): infer Message }
    ? Message
    : never
  : never;

type Encodable<Types, Name> = Name extends keyof Types
  ? Types[Name] extends { encode(message: infer Message, writer?: never): unknown }
    ? Message
    : never
  : never;

/** What a handler may answer with: the message as a plain object, or its encoded form. */
type Answer<Types, Name> = Encodable<Types, Name> | EncodedMessage<Decoded<Types, Name>>;

type Handler<Method, Types> = Method extends {
  readonly requestType: infer Request;
  readonly responseType: infer Reply;
  readonly requestStream: undefined;
  readonly responseStream: infer Streams;
}
  ? (
      request: Decoded<Types, Request>,
      call: Call,
    ) => Streams extends true ? AsyncIterable<Answer<Types, Reply>> : Promise<Answer<Types, Reply>>
  : never;

/**
 * One handler per call of the service `S`: a promise for unary calls, an async iterable for server
 * streams. `Types` is the generated namespace its messages live in. A service with client streams
 * yields `never` for them: nothing here serves those.
 */
export type Handlers<S, Types = typeof runtime.v1> = {
  readonly [K in keyof S as S[K] extends MethodTypes ? K : never]: Handler<S[K], Types>;
};

export type RuntimeHandlers = Handlers<runtime.v1.RuntimeService>;
export type ImageHandlers = Handlers<runtime.v1.ImageService>;

/** A generated service class, as far as its definition needs it. */
export interface ServiceClass {
  readonly prototype: object;
}

interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

/**
 * Returns the grpc-js definition of a generated service; its keys are those of {@link Handlers}.
 * `types` is the generated namespace with the service's messages, such as `runtime.v1`.
 * Throws if the class has no calls or a message is not in `types`.
 */
export function serviceDefinition(
  service: ServiceClass,
  types: Readonly<Record<string, unknown>>,
): ServiceDefinition {
  const definition: Record<string, MethodDefinition<unknown, unknown>> = {};
  for (const [name, property] of Object.entries(
    Object.getOwnPropertyDescriptors(service.prototype),
  )) {
    const method: unknown = property.value;
    if (isMethod(method)) {
      definition[name] = methodDefinition(method, types);
    }
  }
  if (Object.keys(definition).length === 0) {
    throw new Error('cannot define service: its class has no calls with a path');
  }
  return definition;
}

function methodDefinition(
  method: MethodTypes,
  types: Readonly<Record<string, unknown>>,
): MethodDefinition<unknown, unknown> {
  const request = codec(method, method.requestType, types);
  const response = codec(method, method.responseType, types);
  return {
    path: method.path,
    originalName: method.path.slice(method.path.lastIndexOf('/') + 1),
    requestStream: method.requestStream === true,
    responseStream: method.responseStream === true,
    requestSerialize: (message) => serialize(request, message),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => serialize(response, message),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

function serialize(type: Codec, message: unknown): Buffer {
  const bytes = message instanceof EncodedMessage ? message.bytes : type.encode(message).finish();
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function codec(method: MethodTypes, name: string, types: Readonly<Record<string, unknown>>): Codec {
  const type = types[name];
  if (!isCodec(type)) {
    throw new Error(`cannot define call "${method.path}": no message "${name}" in its namespace`);
  }
  return type;
}

function isMethod(value: unknown): value is MethodTypes {
  return typeof value === 'function' && 'path' in value && 'requestType' in value;
}

function isCodec(value: unknown): value is Codec {
  return typeof value === 'function' && 'encode' in value && 'decode' in value;
}
