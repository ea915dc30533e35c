import { getEventListeners } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { CriError } from '../core/error.ts';
import { GrpcServer } from './grpc-server.ts';
import { OperationMetrics } from './operation-metrics.ts';
import { serviceDefinition, type RuntimeHandlers } from './service-definition.ts';

const { v1 } = runtime;

let directory: string;
let path: string;
let lines: { level: number; operation?: string; code?: string; err?: unknown }[];
let metrics: OperationMetrics;
let server: GrpcServer;
/** Who listened to a stream's signal after each of its messages. */
let listeners: number[];
let client: grpc.Client;

const handlers: Partial<RuntimeHandlers> = {
  version: async () => ({ version: '0.1.0' }),
  status: () => Promise.reject(new CriError('NotFound', 'cannot find "x": there is none')),
  listContainers: () => Promise.reject(new CriError('NotFound', `a${'😀'.repeat(3000)}`)),
  runtimeConfig: () => Promise.reject(new TypeError('a bug of ours')),
  streamContainers: async function* () {
    yield {};
    throw new CriError('ResourceExhausted', 'cannot go on: enough');
  },
  streamPodSandboxes: async function* (_request, call) {
    for (let sent = 0; sent < 40; sent += 1) {
      yield { podSandboxes: [{ id: 'a'.repeat(64 * 1024) }] };
      listeners.push(getEventListeners(call.signal, 'abort').length);
    }
  },
  stopContainer: (_request, call) =>
    new Promise((_resolve, reject) => {
      call.signal.addEventListener('abort', () => reject(call.signal.reason));
    }),
};

function call(name: string, deadlineMs = 5000): Promise<unknown> {
  const method = serviceDefinition(v1.RuntimeService, v1)[name];
  if (method === undefined) {
    throw new Error(`no call "${name}"`);
  }
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      {},
      { deadline: Date.now() + deadlineMs },
      (error, reply) => (error === null ? resolve(reply) : reject(error)),
    );
  });
}

async function streamed(name: string, messages: unknown[] = []): Promise<void> {
  const method = serviceDefinition(v1.RuntimeService, v1)[name];
  if (method === undefined) {
    throw new Error(`no call "${name}"`);
  }
  const { path: where, requestSerialize, responseDeserialize } = method;
  const deadline = Date.now() + 5000;
  const stream = client.makeServerStreamRequest(
    where,
    requestSerialize,
    responseDeserialize,
    {},
    {
      deadline,
    },
  );
  for await (const message of stream) {
    messages.push(message);
  }
}

function listen(): Promise<GrpcServer> {
  const log = pino(
    { level: 'debug' },
    { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) },
  );
  const missing = { exec: 'streaming', getContainerEvents: 'events' };
  return GrpcServer.listen([{ service: v1.RuntimeService, types: v1, handlers, missing }], {
    path,
    gid: 0,
    log,
    metrics,
    polled: new Set(['Version']),
  });
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-server-'));
  path = join(directory, 'test.sock');
  lines = [];
  listeners = [];
  metrics = new OperationMetrics({ version: 'test' });
  server = await listen();
  client = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure());
});

afterEach(async () => {
  client.close();
  await server.close(100);
  await rm(directory, { recursive: true });
});

describe('the server', () => {
  it('makes its socket for owner and group alone', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o660);
  });

  it('refuses to take over a socket that is served', async () => {
    await expect(listen()).rejects.toThrow('another server answers there');
    await expect(call('version')).resolves.toMatchObject({ version: '0.1.0' });
  });

  it('answers with the code and the words of the error, logged as a warning', async () => {
    await expect(call('status')).rejects.toMatchObject({
      code: grpc.status.NOT_FOUND,
      details: 'cannot find "x": there is none',
    });
    expect(lines.at(-1)).toMatchObject({ level: 40, operation: 'Status', code: 'NotFound' });
  });

  it('logs what it cannot explain as an error with its cause', async () => {
    await expect(call('runtimeConfig')).rejects.toMatchObject({ code: grpc.status.INTERNAL });
    expect(lines.at(-1)).toMatchObject({ level: 50, code: 'Internal' });
    expect(lines.at(-1)?.err).toBeDefined();
  });

  it('cuts a long message without ending on half a character, which would end the server', async () => {
    const error = await call('listContainers').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: grpc.status.NOT_FOUND });
    expect((error as grpc.ServiceError).details).toMatch(/^a😀+.…$/u);
    await expect(call('version')).resolves.toMatchObject({ version: '0.1.0' });
  });

  it('names the feature of a call that has no handler', async () => {
    await expect(call('exec')).rejects.toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
      details: 'cannot serve Exec: streaming is not implemented yet',
    });
    await expect(streamed('getContainerEvents')).rejects.toMatchObject({
      code: grpc.status.UNIMPLEMENTED,
      details: 'cannot serve GetContainerEvents: events is not implemented yet',
    });
  });

  it('sends what a stream had before its error, and then the error', async () => {
    const messages: unknown[] = [];
    await expect(streamed('streamContainers', messages)).rejects.toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: 'cannot go on: enough',
    });
    expect(messages).toHaveLength(1);
    expect(lines.at(-1)).toMatchObject({ level: 40, code: 'ResourceExhausted' });
  });

  it('waits for a slow client without a listener more for each message', async () => {
    const messages: unknown[] = [];
    await streamed('streamPodSandboxes', messages);
    expect(messages).toHaveLength(40);
    expect(Math.max(...listeners)).toBeLessThanOrEqual(1);
  });

  it('lets the handler know when the client gives up', async () => {
    await expect(call('stopContainer', 50)).rejects.toMatchObject({
      code: grpc.status.DEADLINE_EXCEEDED,
    });
    await expect.poll(() => lines.at(-1)?.operation).toBe('StopContainer');
  });

  it('counts calls, errors and what is in flight', async () => {
    await call('version');
    await call('status').catch(() => undefined);
    const text = await metrics.registry.metrics();
    expect(text).toContain('estiba_operation_duration_seconds_count{operation="Version"} 1');
    expect(text).toContain('estiba_operation_errors_total{operation="Status",code="NotFound"} 1');
    expect(text).toContain('estiba_operations_in_flight{operation="Version"} 0');
  });
});
