// An HTTP proxy that knows CONNECT and sends every name to one port of this machine.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';

export class ConnectProxy implements AsyncDisposable {
  readonly #server: Server;
  /** "registry.test:443 Basic …" of every CONNECT. */
  readonly asked: string[] = [];

  private constructor(targetPort: number, isWelcome: (authorization: string) => boolean) {
    this.#server = createServer();
    this.#server.on('connect', (request, client, head) => {
      const authorization = request.headers['proxy-authorization'] ?? '';
      this.asked.push([request.url, authorization].filter(Boolean).join(' '));
      client.on('error', () => {});
      if (!isWelcome(authorization)) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      const target = connect(targetPort, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
        target.write(head);
        target.pipe(client).pipe(target);
      });
      target.on('error', () => client.destroy());
      client.on('close', () => target.destroy());
    });
  }

  static async start(
    targetPort: number,
    isWelcome: (authorization: string) => boolean = () => true,
  ): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(targetPort, isWelcome);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
