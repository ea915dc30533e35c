// Which of an index's manifests this host can run.
import { CriError } from '../core/error.ts';
import type { Descriptor, Platform } from './oci-documents.ts';

/** What this host runs: Go's architecture name and its variants, best first ("" = unspecified). */
export interface HostPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variants: readonly string[];
}

const goArchitectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
};

const variantsOf: Readonly<Record<string, readonly string[]>> = {
  amd64: ['', 'v1'],
  arm64: ['v8', ''],
  arm: ['v7', '', 'v6', 'v5'],
};

/** Returns the platform of the machine that this process runs on. */
export function hostPlatform(nodeArchitecture: string = process.arch): HostPlatform {
  const architecture = goArchitectures[nodeArchitecture] ?? nodeArchitecture;
  return { os: 'linux', architecture, variants: variantsOf[architecture] ?? [''] };
}

/** Writes a platform as "linux/arm/v7". */
function formatPlatform(platform: Platform): string {
  const parts = [platform.os || 'unknown', platform.architecture || 'unknown'];
  return [...parts, ...(platform.variant === '' ? [] : [platform.variant])].join('/');
}

/** Place of `platform` among what the host runs, 0 being best; undefined when it cannot run. */
function platformRank(host: HostPlatform, platform: Platform): number | undefined {
  // Images older than the platform fields say nothing; they are taken at their word.
  if (platform.os === '' && platform.architecture === '') {
    return host.variants.length;
  }
  if (platform.os !== host.os || platform.architecture !== host.architecture) {
    return undefined;
  }
  const rank = host.variants.indexOf(platform.variant);
  return rank === -1 ? undefined : rank;
}

/** Throws FailedPrecondition when the host cannot run `platform`. */
export function requirePlatform(host: HostPlatform, platform: Platform, what: string): void {
  if (platformRank(host, platform) === undefined) {
    const why = `it is for ${formatPlatform(platform)}, this host is ${host.os}/${host.architecture}`;
    throw new CriError('FailedPrecondition', `cannot use ${what}: ${why}`);
  }
}

/**
 * Returns the best of `candidates` for the host. Candidates without a platform rank last and are
 * taken when no other fits. Throws FailedPrecondition naming what the index has.
 */
export function choosePlatform(
  host: HostPlatform,
  candidates: readonly Descriptor[],
  what: string,
): Descriptor {
  let best: Descriptor | undefined;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const platform = candidate.platform ?? { os: '', architecture: '', variant: '' };
    const rank = platformRank(host, platform);
    if (rank !== undefined && rank < bestRank) {
      best = candidate;
      bestRank = rank;
    }
  }
  if (best === undefined) {
    const offered = candidates.flatMap((each) =>
      each.platform ? [formatPlatform(each.platform)] : [],
    );
    const why = `no manifest for ${host.os}/${host.architecture} (it has ${offered.join(', ') || 'none'})`;
    throw new CriError('FailedPrecondition', `cannot use ${what}: ${why}`);
  }
  return best;
}
