// For tests: pulls in the test's own thread, from registries on loopback, without waiting.
import { ProxyChoice } from '../../registry/proxy.ts';
import type { RegistryOptions } from '../../registry/registry-client.ts';
import { TokenCache } from '../../registry/tokens.ts';
import { SystemTrust } from '../../registry/trust.ts';
import type { FakeLauncher } from '../fake-launcher.ts';
import { PartialBlobs } from './partial-blobs.ts';
import { RegistryBackend } from './registry-backend.ts';

export function localBackend(
  ingestDir: string,
  launcher: FakeLauncher,
  change: Partial<RegistryOptions> = {},
): RegistryBackend {
  const onProblem = (error: unknown): void => {
    throw error;
  };
  return new RegistryBackend({
    launcher,
    partials: new PartialBlobs(ingestDir),
    limits: { maxBytes: 1e9, maxAgeMs: 1e9 },
    onProblem,
    host: { os: 'linux', architecture: 'amd64', variants: [''] },
    registry: {
      hostsDirs: [],
      credentials: { files: [] },
      network: {
        trust: new SystemTrust({}),
        proxies: new ProxyChoice({}),
        userAgent: 'estiba-test/1',
      },
      tokens: new TokenCache(),
      retry: { attempts: 2, baseMs: 1, maxMs: 1, maxRetryAfterMs: 1 },
      ...change,
    },
  });
}
