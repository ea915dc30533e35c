// The gRPC server: handler table in, socket out. Every call passes through `answer*`, which gives
// the handler its AbortSignal, maps errors to a status, logs once and counts.
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { once } from 'node:events';
import type { Server as NetServer } from 'node:net';
import type { Logger } from 'pino';
import { asCriError, CriError, describeError } from '../core/error.ts';
import { listenOnSocket } from './socket.ts';
import type { OperationMetrics } from './operation-metrics.ts';
import { serviceDefinition, type Call, type ServiceClass } from './service-definition.ts';
import { toStatus } from './status-map.ts';

type UnaryHandler = (request: unknown, call: Call) => Promise<unknown>;
type StreamHandler = (request: unknown, call: Call) => AsyncIterable<unknown>;

/** A service and the handlers it has so far. */
export interface ServedService {
  readonly service: ServiceClass;
  /** The generated namespace of its messages. */
  readonly types: Readonly<Record<string, unknown>>;
  readonly handlers: object;
  /** What a call without a handler is about, to be named in its Unimplemented answer. */
  readonly missing: Readonly<Record<string, string>>;
}

/** What the server needs beside its handlers. */
export interface ServerOptions {
  readonly path: string;
  readonly gid: number;
  readonly log: Logger;
  readonly metrics: OperationMetrics;
  /** Calls that clients repeat all the time; logged at debug level. */
  readonly polled: ReadonlySet<string>;
}

// The kubelet's client takes 16 MiB a message; a little more lets its own limit speak first.
const maxMessageBytes = 16 * 1024 * 1024 + 64 * 1024;

/** A running gRPC server on its unix socket. */
export class GrpcServer {
  readonly #server: Server;
  readonly #sockets: NetServer;

  private constructor(server: Server, sockets: NetServer) {
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Starts to serve. Throws Unavailable when the socket cannot be had. */
  static async listen(
    services: readonly ServedService[],
    options: ServerOptions,
  ): Promise<GrpcServer> {
    const server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
    });
    for (const served of services) {
      const definition = serviceDefinition(served.service, served.types);
      server.addService(definition, implementation(definition, served, options));
    }
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    const sockets = await listenOnSocket(options.path, options.gid, (socket) => {
      injector.injectConnection(socket);
    });
    return new GrpcServer(server, sockets);
  }

  /** Stops accepting, lets calls in flight end within `graceMs`, then cuts them. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#sockets.close(() => resolve()));
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    const timer = setTimeout(() => this.#server.forceShutdown(), graceMs);
    await drained;
    clearTimeout(timer);
    this.#server.forceShutdown();
    await closed;
  }
}

function implementation(
  definition: ServiceDefinition,
  served: ServedService,
  options: ServerOptions,
): UntypedServiceImplementation {
  const calls: UntypedServiceImplementation = {};
  const handlers = served.handlers as Record<string, unknown>;
  for (const [name, method] of Object.entries(definition)) {
    const operation = method.path.slice(method.path.lastIndexOf('/') + 1);
    const handler = handlers[name] ?? notServed(operation, served.missing[name]);
    calls[name] =
      method.responseStream && handlers[name] !== undefined
        ? streamCall(operation, handler as StreamHandler, options)
        : method.responseStream
          ? streamCall(operation, (request, call) => rejecting(handler, request, call), options)
          : unaryCall(operation, handler as UnaryHandler, options);
  }
  return calls;
}

function notServed(operation: string, feature: string | undefined): UnaryHandler {
  const what = feature ?? 'this call';
  return () =>
    Promise.reject(
      new CriError('Unimplemented', `cannot serve ${operation}: ${what} is not implemented yet`),
    );
}

// oxlint-disable-next-line require-yield -- an iterable that fails at its first step
async function* rejecting(handler: unknown, request: unknown, call: Call): AsyncIterable<unknown> {
  await (handler as UnaryHandler)(request, call);
}

function unaryCall(operation: string, handler: UnaryHandler, options: ServerOptions) {
  return (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>): void => {
    const observed = observe(operation, options);
    handler(call.request, describeCall(call))
      .then(
        (response) => {
          observed.end();
          reply(null, response);
        },
        (error: unknown) => {
          observed.end(error);
          reply(toStatus(error));
        },
      )
      .catch((error: unknown) => {
        // The library refused the answer itself; nobody may bring the server down with one.
        const code = { code: 'Internal', operation, reason: describeError(error) };
        options.log.error(code, 'cannot answer a call');
        reply(toStatus(new CriError('Internal', `cannot answer ${operation}`)));
      });
  };
}

function streamCall(operation: string, handler: StreamHandler, options: ServerOptions) {
  return (call: ServerWritableStream<unknown, unknown>): void => {
    const observed = observe(operation, options);
    const described = describeCall(call);
    pump(call, handler(call.request, described), described.signal).then(
      () => {
        observed.end();
        call.end();
      },
      (error: unknown) => {
        observed.end(error);
        // Not destroy(): a destroyed call never sends its status, and the client waits for ever.
        call.emit('error', toStatus(error));
      },
    );
  };
}

async function pump(
  call: ServerWritableStream<unknown, unknown>,
  messages: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of messages) {
    if (signal.aborted) {
      return;
    }
    if (!call.write(message)) {
      await once(call, 'drain', { signal }).catch((error: unknown) => {
        if (!signal.aborted) {
          throw error;
        }
      });
    }
  }
}

function describeCall(
  call: ServerUnaryCall<unknown, unknown> | ServerWritableStream<unknown, unknown>,
): Call {
  const abort = new AbortController();
  call.on('cancelled', () => {
    abort.abort(new CriError('Canceled', 'the client gave up waiting'));
  });
  const deadline = call.getDeadline();
  return {
    signal: abort.signal,
    deadline: deadline instanceof Date ? deadline.getTime() : deadline,
  };
}

function observe(operation: string, options: ServerOptions): { end: (error?: unknown) => void } {
  const finish = options.metrics.begin(operation);
  const startedAt = performance.now();
  return {
    end(error) {
      const durationMs = Math.round((performance.now() - startedAt) * 1000) / 1000;
      if (error === undefined) {
        finish();
        const level = options.polled.has(operation) ? 'debug' : 'info';
        options.log[level]({ operation, durationMs }, 'call answered');
        return;
      }
      const known = asCriError(error);
      finish(known.code);
      // NotFound and the like are everyday answers; only what we cannot explain is an error of ours.
      const level = known.code === 'Internal' ? 'error' : 'warn';
      const cause = known.code === 'Internal' ? { err: known } : {};
      options.log[level](
        {
          operation,
          durationMs,
          code: known.code,
          step: known.step,
          reason: known.message,
          ...cause,
        },
        'call failed',
      );
    },
  };
}
