// Debian's docker-registry on loopback: a real registry, with TLS and authentication as asked.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KeyPair } from './certificates.ts';

export interface RegistrySettings {
  /** Where configuration and storage go; registries of the same directory share their images. */
  readonly directory: string;
  readonly tls?: KeyPair;
  /** A CA whose clients alone are let in. */
  readonly clientCa?: string;
  readonly auth?: 'password' | TokenAuth;
}

export interface TokenAuth {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** File with the certificate that signs tokens. */
  readonly certificateFile: string;
}

/** User and password of a registry with `auth: 'password'`. */
export const user = { username: 'me', password: 'hunter2' } as const;
// htpasswd -B of the above, at the least cost there is.
const htpasswd = 'me:$2y$04$A/bk0HEztHsD9GhlCO6qfOmztI45Vu8PqMKzHZynzfzq8V6V7H6mK\n';

/** Says whether this machine has the program. */
export async function hasDockerRegistry(): Promise<boolean> {
  return await promisify(execFile)('docker-registry', ['--version']).then(
    () => true,
    () => false,
  );
}

/** A running registry; disposing it ends the process, its storage stays. */
export class DockerRegistry implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #configFile: string;
  /** "127.0.0.1:12345". */
  readonly host: string;
  readonly url: string;

  private constructor(process: ChildProcess, configFile: string, host: string, isTls: boolean) {
    this.#process = process;
    this.#configFile = configFile;
    this.host = host;
    this.url = `${isTls ? 'https' : 'http'}://${host}`;
  }

  static async start(settings: RegistrySettings): Promise<DockerRegistry> {
    await mkdir(settings.directory, { recursive: true });
    const port = await freePort();
    const host = `127.0.0.1:${port}`;
    const configFile = join(settings.directory, `config-${port}.yml`);
    await writeFile(join(settings.directory, 'htpasswd'), htpasswd);
    await writeFile(configFile, configText(settings, host));
    const child = spawn('docker-registry', ['serve', configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString('utf8');
    });
    await listening(port, child, () => log);
    return new DockerRegistry(child, configFile, host, settings.tls !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL');
      await ended;
    }
    await rm(this.#configFile, { force: true });
  }
}

function configText(settings: RegistrySettings, host: string): string {
  const { directory, tls, clientCa, auth } = settings;
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, 'storage') } },
    http: {
      addr: host,
      secret: 'test',
      ...(tls && {
        tls: {
          certificate: tls.certificateFile,
          key: tls.keyFile,
          ...(clientCa !== undefined && { clientcas: [clientCa] }),
        },
      }),
    },
    ...(auth === 'password' && {
      auth: { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } },
    }),
    ...(typeof auth === 'object' && {
      auth: {
        token: {
          realm: auth.realm,
          service: auth.service,
          issuer: auth.issuer,
          rootcertbundle: auth.certificateFile,
        },
      },
    }),
  };
  return JSON.stringify(config); // which is YAML too
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

async function listening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline && child.exitCode === null) {
    const isUp = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isUp) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`docker-registry does not listen: ${log()}`);
}
