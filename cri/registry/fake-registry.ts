// A registry in memory for tests: serves what it is given over HTTP on loopback, remembers what it
// was asked, and misbehaves on request.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Answers a request instead of the registry; false leaves it to the next one. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

interface Content {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export class FakeRegistry implements AsyncDisposable {
  readonly #server: Server;
  readonly #contents = new Map<string, Content>();
  /** "GET /v2/a/manifests/b", without headers. */
  readonly asked: string[] = [];
  /** The requests themselves, beside `asked`. */
  readonly requests: IncomingMessage[] = [];
  /** First one to answer wins. */
  readonly intercepts: Intercept[] = [];
  /** Body bytes that left, as far as the server knows. */
  sentBytes = 0;
  ranges = true;
  /** Connections that were made to it. */
  connections = 0;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    await new Promise<void>((resolve) => {
      registry.#server.listen(0, '127.0.0.1', resolve);
    });
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  putBlob(bytes: Buffer, mediaType = 'application/octet-stream'): FakeDescriptor {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.#contents.set(`blobs/${digest}`, { mediaType, bytes });
    return { mediaType, digest, size: bytes.length };
  }

  /** Stores a manifest under its digest and under `tag`. */
  putManifest(document: unknown, mediaType: string, tag?: string): FakeDescriptor {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    for (const name of [digest, ...(tag === undefined ? [] : [tag])]) {
      this.#contents.set(`manifests/${name}`, { mediaType, bytes });
    }
    return { mediaType, digest, size: bytes.length };
  }

  /** Stores an image with one layer per buffer and returns its manifest's descriptor. */
  putImage(
    tag: string | undefined,
    layers: readonly Buffer[],
    change: object = {},
  ): FakeDescriptor {
    const config = {
      architecture: 'amd64',
      os: 'linux',
      rootfs: {
        type: 'layers',
        diff_ids: layers.map(
          (layer) => `sha256:${createHash('sha256').update(layer).digest('hex')}`,
        ),
      },
      ...change,
    };
    const configBytes = Buffer.from(JSON.stringify(config));
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: this.putBlob(configBytes, 'application/vnd.oci.image.config.v1+json'),
      layers: layers.map((bytes) => this.putBlob(bytes, 'application/vnd.oci.image.layer.v1.tar')),
    };
    return this.putManifest(manifest, manifest.mediaType, tag);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(`${request.method} ${request.url}`);
    this.requests.push(request);
    response.on('error', () => {});
    if (this.intercepts.some((intercept) => intercept(request, response))) {
      return;
    }
    const { pathname } = new URL(request.url ?? '', this.url);
    const match = /^\/v2\/.+\/((?:manifests|blobs)\/[^/]+)$/u.exec(pathname);
    const content = this.#contents.get(match?.[1] ?? '');
    if (content === undefined) {
      answerError(response, 404, 'MANIFEST_UNKNOWN', 'no such thing');
      return;
    }
    this.#send(request, response, content);
  }

  #send(request: IncomingMessage, response: ServerResponse, { mediaType, bytes }: Content): void {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const from = Number(/^bytes=(\d+)-$/u.exec(request.headers.range ?? '')?.[1] ?? 0);
    const isPart = this.ranges && request.headers.range !== undefined;
    const body = isPart ? bytes.subarray(from) : bytes;
    response.writeHead(isPart ? 206 : 200, {
      'content-type': mediaType,
      'content-length': body.length,
      'docker-content-digest': digest,
      ...(isPart && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (request.method !== 'HEAD') {
      this.sentBytes += body.length;
      response.write(body);
    }
    response.end();
  }
}

/** Answers with an error in the registries' form. */
export function answerError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

/** Every request is answered so, in words that no registry has. */
export function says(status: number, headers: Record<string, string> = {}): Intercept {
  return (_request, response) => {
    answerError(response, status, 'SOME_CODE', 'its own words', headers);
    return true;
  };
}

/** Answers with JSON. */
export function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
