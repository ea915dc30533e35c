import type { ImageId } from '../core/ids.ts';
import type { LayerName } from './layer-record.ts';
import type { ImageConfig } from '../registry/oci-documents.ts';

/** An image of the store. Immutable: a change of its names makes a new object. */
export interface Image {
  /** Digest of its config: the same whatever registry, tag or archive it came from. */
  readonly id: ImageId;
  /** Full references with tag ("docker.io/library/busybox:latest"), sorted. */
  readonly repoTags: readonly string[];
  /** Full references with the digest of what was pulled or imported (index or manifest), sorted. */
  readonly repoDigests: readonly string[];
  /** Bytes of config, manifest and layer blobs as they were stored in the archive or registry. */
  readonly size: number;
  readonly config: ImageConfig;
  /** Bottom to top. */
  readonly layers: readonly LayerName[];
  /** When it was first imported or pulled; nanoseconds since the epoch. */
  readonly createdAtNs: bigint;
  /** Chain id of all layers. */
  readonly chainId: string;
}

/** Who an image's process runs as: a numeric user or a name, never both; neither means root. */
export interface ImageUser {
  readonly uid: bigint | undefined;
  readonly username: string;
}

/** Reads a config's User ("", "1000", "1000:50", "www-data:www-data"); the group is not told. */
export function imageUser(config: ImageConfig): ImageUser {
  const [user = ''] = config.config.User.split(':', 1);
  const isNumber = /^[0-9]{1,18}$/.test(user);
  return { uid: isNumber ? BigInt(user) : undefined, username: isNumber ? '' : user };
}
