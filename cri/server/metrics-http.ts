// The Prometheus endpoint: GET /metrics on a configured address, nothing else.
import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';
import { CriError } from '../core/error.ts';

/** A running metrics endpoint. */
export interface MetricsEndpoint {
  /** The address it really listens on, "host:port" (port 0 picks one). */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves `registry` at http://<address>/metrics. `address` is "host:port" or "[v6]:port".
 * Throws Unavailable when the address cannot be bound.
 */
export async function serveMetrics(address: string, registry: Registry): Promise<MetricsEndpoint> {
  const { host, port } = parseAddress(address);
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('not found: only GET /metrics is served here\n');
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(`cannot collect metrics: ${String(error)}\n`),
    );
  });
  server.requestTimeout = 10_000;
  await listen(server, host, port, address);
  return {
    address: boundAddress(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]*)):(?<port>\d{1,5})$/u.exec(address);
  const port = Number(match?.groups?.['port'] ?? Number.NaN);
  const host = match?.groups?.['v6'] ?? match?.groups?.['v4'];
  if (host === undefined || !(port <= 65535)) {
    throw new CriError(
      'InvalidArgument',
      `cannot serve metrics on "${address}": it is not of the form host:port`,
    );
  }
  return { host, port };
}

function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const why = `cannot serve metrics on "${address}": ${cause.message}`;
      reject(new CriError('Unavailable', why, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

function boundAddress(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') {
    return String(bound);
  }
  return bound.family === 'IPv6'
    ? `[${bound.address}]:${bound.port}`
    : `${bound.address}:${bound.port}`;
}
