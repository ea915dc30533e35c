// What the tests of this folder share: a client of fake registries, by hosts files of its own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CredentialOptions } from './credentials.ts';
import { FakeRegistry } from './fake-registry.ts';
import { ProxyChoice } from './proxy.ts';
import { parseImageReference } from '../core/image-reference.ts';
import { RegistryClient } from './registry-client.ts';
import type { RegistryOptions } from './registry-client.ts';
import { TokenCache } from './tokens.ts';
import { SystemTrust } from './trust.ts';

/** Fake registries and the files that lead to them; gone when it is disposed. */
export class Bench implements AsyncDisposable {
  readonly directory: string;
  readonly registries: FakeRegistry[] = [];
  /** How long the client wanted to pause; it never really does. */
  readonly pauses: number[] = [];
  /** Hosts that were given up for another one, with the error. */
  readonly fallbacks: string[] = [];
  tokens: TokenCache = new TokenCache();
  credentials: CredentialOptions = { files: [] };
  more: Partial<RegistryOptions> = {};

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Starts registries; "r.example" is the last of them, the others are its mirrors. */
  static async start(count = 1): Promise<Bench> {
    const bench = new Bench(await mkdtemp(join(tmpdir(), 'estiba-registry-')));
    for (let index = 0; index < count; index += 1) {
      bench.registries.push(await FakeRegistry.start());
    }
    const urls = bench.registries.map(({ url }) => url);
    const hosts = urls.slice(0, -1).map((url) => `[host."${url}"]`);
    await bench.writeHosts(`server = "${urls.at(-1)}"\n${hosts.join('\n')}`);
    return bench;
  }

  /** The registry that r.example names. */
  get upstream(): FakeRegistry {
    return this.registry(-1);
  }

  registry(index: number): FakeRegistry {
    const found = this.registries.at(index);
    if (found === undefined) {
      throw new Error(`there is no registry ${index}`);
    }
    return found;
  }

  async writeHosts(text: string): Promise<void> {
    await mkdir(join(this.directory, 'hosts', 'r.example'), { recursive: true });
    await writeFile(join(this.directory, 'hosts', 'r.example', 'hosts.toml'), text);
  }

  get options(): RegistryOptions {
    return {
      hostsDirs: [join(this.directory, 'hosts')],
      credentials: this.credentials,
      network: {
        trust: new SystemTrust(),
        proxies: new ProxyChoice({}),
        userAgent: 'estiba-test/1',
      },
      tokens: this.tokens,
      retry: { attempts: 3, baseMs: 100, maxMs: 1000, maxRetryAfterMs: 5000 },
      wait: async (ms) => {
        this.pauses.push(ms);
        await Promise.resolve();
      },
      onFallback: (host, error) => this.fallbacks.push(`${host}: ${error.message}`),
      ...this.more,
    };
  }

  async open(name = 'r.example/team/app:1'): Promise<RegistryClient> {
    return await RegistryClient.open(parseImageReference(name), this.options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const registry of this.registries) {
      await registry[Symbol.asyncDispose]();
    }
    await rm(this.directory, { recursive: true });
  }
}
