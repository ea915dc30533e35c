// What the tests of the registry client stand on: a directory with certificates, one storage with
// images in it, and a client with hosts files of its own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { CredentialOptions } from '../../cri/registry/credentials.ts';
import { ProxyChoice } from '../../cri/registry/proxy.ts';
import { parseImageReference } from '../../cri/core/image-reference.ts';
import { RegistryClient } from '../../cri/registry/registry-client.ts';
import type { RegistryOptions } from '../../cri/registry/registry-client.ts';
import { TokenCache } from '../../cri/registry/tokens.ts';
import { SystemTrust } from '../../cri/registry/trust.ts';
import { skip } from '../lib/skip.ts';
import { makeCertificates } from './certificates.ts';
import type { Certificates } from './certificates.ts';
import { DockerRegistry, hasDockerRegistry } from './docker-registry.ts';
import type { RegistrySettings } from './docker-registry.ts';

/** What a test may choose for one client. */
export interface ClientChoice {
  /** Lines of the host's hosts.toml; none = no file. */
  readonly hosts?: string;
  readonly credentials?: CredentialOptions;
  readonly environment?: NodeJS.ProcessEnv;
  readonly more?: Partial<RegistryOptions>;
}

export class RegistryGround implements AsyncDisposable {
  readonly directory: string;
  readonly certificates: Certificates;
  readonly tokens: TokenCache = new TokenCache();

  private constructor(directory: string, certificates: Certificates) {
    this.directory = directory;
    this.certificates = certificates;
  }

  static async make(): Promise<RegistryGround> {
    const directory = await mkdtemp(join(tmpdir(), 'estiba-registry-'));
    return new RegistryGround(directory, await makeCertificates(directory));
  }

  /** Starts a registry on the ground's storage. */
  async registry(settings: Omit<RegistrySettings, 'directory'> = {}): Promise<DockerRegistry> {
    return await DockerRegistry.start({ directory: join(this.directory, 'registry'), ...settings });
  }

  /** Fills the storage, through a registry that lets everybody in. */
  async push(work: (url: string) => Promise<void>): Promise<void> {
    await using registry = await this.registry();
    await work(registry.url);
  }

  async options(domain: string, choice: ClientChoice): Promise<RegistryOptions> {
    const hostsDir = join(this.directory, 'hosts');
    const hostDir = join(hostsDir, domain);
    await rm(hostDir, { recursive: true, force: true });
    if (choice.hosts !== undefined) {
      await mkdir(hostDir, { recursive: true });
      await writeFile(join(hostDir, 'hosts.toml'), choice.hosts);
    }
    const environment = choice.environment ?? {};
    return {
      hostsDirs: [hostsDir],
      credentials: choice.credentials ?? { files: [] },
      network: {
        trust: new SystemTrust(environment),
        proxies: new ProxyChoice(environment),
        userAgent: 'estiba-test/1',
        answerTimeoutMs: 5000,
      },
      tokens: this.tokens,
      retry: { attempts: 3, baseMs: 1, maxMs: 10, maxRetryAfterMs: 2000 },
      stall: { windowMs: 300, minBytesPerSecond: 10_000 },
      ...choice.more,
    };
  }

  /** Opens a client for `name`, whose host the choice is about. */
  async client(name: string, choice: ClientChoice = {}): Promise<RegistryClient> {
    const reference = parseImageReference(name);
    return await RegistryClient.open(reference, await this.options(reference.domain, choice));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Skips a test on a machine without Debian's docker-registry. */
export async function needDockerRegistry(context: TestContext): Promise<void> {
  if (!(await hasDockerRegistry())) {
    skip(context, 'docker-registry is not installed');
  }
}
