import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { callbackify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import {
  EncodedMessage,
  serviceDefinition,
  type Call,
  type ImageHandlers,
  type RuntimeHandlers,
} from './service-definition.ts';

const { v1 } = runtime;

const STREAMING = [
  '/runtime.v1.ImageService/StreamImages',
  '/runtime.v1.RuntimeService/GetContainerEvents',
  '/runtime.v1.RuntimeService/StreamContainerStats',
  '/runtime.v1.RuntimeService/StreamContainers',
  '/runtime.v1.RuntimeService/StreamPodSandboxMetrics',
  '/runtime.v1.RuntimeService/StreamPodSandboxStats',
  '/runtime.v1.RuntimeService/StreamPodSandboxes',
];

describe('the definition of the CRI services', () => {
  const runtimeCalls = serviceDefinition(v1.RuntimeService, v1);
  const imageCalls = serviceDefinition(v1.ImageService, v1);

  it('holds all 43 calls', () => {
    expect(Object.keys(runtimeCalls)).toHaveLength(37);
    expect(Object.keys(imageCalls)).toHaveLength(6);
  });

  it('uses the paths that the kubelet and crictl send', () => {
    expect(runtimeCalls['version']?.path).toBe('/runtime.v1.RuntimeService/Version');
    expect(imageCalls['imageFsInfo']?.path).toBe('/runtime.v1.ImageService/ImageFsInfo');
    for (const [name, call] of Object.entries({ ...runtimeCalls, ...imageCalls })) {
      const original = name.charAt(0).toUpperCase() + name.slice(1);
      expect(call.path).toMatch(new RegExp(`^/runtime\\.v1\\.(Runtime|Image)Service/${original}$`));
      expect(call.originalName).toBe(original);
    }
  });

  it('marks exactly the server streams as streaming', () => {
    const calls = [...Object.values(runtimeCalls), ...Object.values(imageCalls)];
    expect(
      calls
        .filter((call) => call.responseStream)
        .map((call) => call.path)
        .sort(),
    ).toEqual(STREAMING);
    expect(calls.filter((call) => call.requestStream)).toEqual([]);
  });

  it('passes a pre-encoded response through untouched', () => {
    const whole = new Uint8Array([0xff, 1, 2, 3, 0xff]);
    const view = whole.subarray(1, 4);
    const sent = runtimeCalls['listContainers']?.responseSerialize(new EncodedMessage(view));
    expect(sent).toEqual(Buffer.from([1, 2, 3]));
    expect(sent?.buffer).toBe(whole.buffer);
  });

  it('refuses a class without calls and a namespace without the messages', () => {
    expect(() => serviceDefinition(v1.VersionRequest, v1)).toThrow('no calls with a path');
    expect(() => serviceDefinition(v1.ImageService, {})).toThrow(
      'cannot define call "/runtime.v1.ImageService/ListImages": no message "ListImagesRequest"',
    );
  });
});

// Handlers as the server will have them, only these few; the adapter is as thin as one can be.
type Served = Pick<RuntimeHandlers, 'version' | 'listContainers' | 'streamContainers'>;

const handlers: Served = {
  version: async (request) => ({ version: request.version, runtimeName: 'estiba' }),
  listContainers: async () => {
    const reply = v1.ListContainersResponse.encode({ containers: [{ id: 'a' }, { id: 'b' }] });
    return new EncodedMessage(reply.finish());
  },
  streamContainers: async function* (request) {
    yield { containers: [{ id: `${request.filter?.id ?? ''}-1` }] };
    yield { containers: [{ id: `${request.filter?.id ?? ''}-2` }] };
  },
};

function call(): Call {
  return { signal: new AbortController().signal, deadline: Number.POSITIVE_INFINITY };
}

type Unary<Request> = grpc.ServerUnaryCall<Request, unknown>;
type Done = (error: Error | null, reply?: unknown) => void;
type ServerStream<Request> = grpc.ServerWritableStream<Request, unknown>;

function serve(): grpc.Server {
  const server = new grpc.Server();
  server.addService(serviceDefinition(v1.RuntimeService, v1), {
    version: ({ request }: Unary<runtime.v1.VersionRequest>, done: Done) => {
      callbackify(() => handlers.version(request, call()))(done);
    },
    listContainers: ({ request }: Unary<runtime.v1.ListContainersRequest>, done: Done) => {
      callbackify(() => handlers.listContainers(request, call()))(done);
    },
    streamContainers: (outgoing: ServerStream<runtime.v1.StreamContainersRequest>) => {
      Readable.from(handlers.streamContainers(outgoing.request, call())).pipe(outgoing);
    },
  });
  return server;
}

function bind(server: grpc.Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

describe('a server with that definition on a unix socket', () => {
  let directory: string;
  let server: grpc.Server;
  let client: grpc.Client;
  const calls = serviceDefinition(v1.RuntimeService, v1);

  function named(name: string): grpc.MethodDefinition<unknown, unknown> {
    const method = calls[name];
    if (method === undefined) {
      throw new Error(`no call "${name}"`);
    }
    return method;
  }

  function unary(name: string, request: object): Promise<unknown> {
    const method = named(name);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        (error, reply) => (error === null ? resolve(reply) : reject(error)),
      );
    });
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'estiba-grpc-'));
    server = serve();
    const address = `unix:${join(directory, 'test.sock')}`;
    await bind(server, address);
    client = new grpc.Client(address, grpc.credentials.createInsecure());
  });

  afterEach(async () => {
    client.close();
    server.forceShutdown();
    await rm(directory, { recursive: true });
  });

  it('answers a unary call', async () => {
    await expect(unary('version', { version: '0.1.0' })).resolves.toMatchObject({
      version: '0.1.0',
      runtimeName: 'estiba',
    });
  });

  it('answers a unary call from pre-encoded bytes', async () => {
    const reply = await unary('listContainers', {});
    expect(reply).toMatchObject({ containers: [{ id: 'a' }, { id: 'b' }] });
  });

  it('answers a server stream message by message', async () => {
    const method = named('streamContainers');
    const stream = client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      (bytes) => v1.StreamContainersResponse.decode(bytes),
      { filter: { id: 'c' } },
    );
    const ids: unknown[] = [];
    for await (const reply of stream) {
      ids.push(reply.containers?.[0]?.id);
    }
    expect(ids).toEqual(['c-1', 'c-2']);
  });

  it('answers Unimplemented for a call without a handler', async () => {
    await expect(unary('status', {})).rejects.toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
    });
  });
});

describe('the handler types', () => {
  it('refuse a response of another call', () => {
    const wrong: Partial<ImageHandlers> = {
      // @ts-expect-error a list of images has no field "containers"
      listImages: async () => ({ containers: [] }),
      // @ts-expect-error StreamImages answers with an async iterable
      streamImages: async () => ({ images: [] }),
      // @ts-expect-error these bytes hold another message
      imageStatus: async () =>
        new EncodedMessage<runtime.v1.ListContainersResponse>(new Uint8Array()),
    };
    expect(Object.keys(wrong)).toHaveLength(3);
  });
});
