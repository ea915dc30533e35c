// What a pull needs of whoever speaks to registries: the images thread, or the same code in place.
import type { Unpacked } from '../../isolator/launcher-messages.ts';
import type { Explanation } from '../../registry/explain.ts';
import type { ImageConfig, ImageManifest } from '../../registry/oci-documents.ts';
import type { Reference } from '../../core/image-reference.ts';
import type { UnpackOrder } from '../layer-blob.ts';

/** AuthConfig of a pull as plain texts, so that it can cross threads. Never logged. */
export interface PullAuthFields {
  readonly username: string;
  readonly password: string;
  readonly auth: string;
  readonly serverAddress: string;
  readonly identityToken: string;
  readonly registryToken: string;
}

/** What a reference stands for. */
export interface Target {
  readonly digest: string;
  /** Who said so. */
  readonly host: string;
}

/** An image in a registry: everything but its layers, checked. */
export interface PulledDocuments {
  readonly manifest: ImageManifest;
  readonly manifestBytes: Uint8Array;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
}

export interface BlobId {
  readonly digest: string;
  readonly size: number;
}

/** How far one blob is. All bytes of the blob as it is stored in the registry. */
export interface BlobProgress {
  /** There, from disk or from the network. */
  readonly receivedBytes: number;
  /** What came over the network in this session. */
  readonly fetchedBytes: number;
  readonly unpackedBytes: number;
}

export interface UnpackBlobOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called a few times a second, and once at the end. */
  readonly onProgress?: ((progress: BlobProgress) => void) | undefined;
}

/** One image being pulled: its hosts, credentials and connections. */
export interface PullSession {
  /** Asks what the reference stands for. */
  resolve(signal?: AbortSignal): Promise<Target>;
  /** Fetches manifest and config of what `resolve` found, for this host's platform. */
  documents(signal?: AbortSignal): Promise<PulledDocuments>;
  /**
   * Fetches a layer's blob and unpacks it while it comes. Bytes that an earlier try fetched are not
   * fetched again. On any error the target directory is gone again. While a job stops as its order
   * asked, the blob goes on coming, for the next one; `fetched` tells when that has ended.
   */
  unpack(blob: BlobId, order: UnpackOrder, options: UnpackBlobOptions): Promise<Unpacked>;
  /**
   * Resolves when the blob that a stopped job left coming is there, or cannot come: then the next
   * job fetches the rest. Nothing more comes when the signal fires.
   */
  fetched(blob: BlobId, options: UnpackBlobOptions): Promise<void>;
  /** The layer of this blob is stored: its bytes are not needed any more. */
  discard(digest: string): Promise<void>;
  close(): Promise<void>;
}

export interface PullBackend {
  /** Throws FailedPrecondition for a broken hosts file. */
  open(reference: Reference, auth: PullAuthFields | undefined): Promise<PullSession>;
  /** See explain of cri/registry. */
  explain(
    reference: string,
    auth: PullAuthFields | undefined,
    probe: boolean,
    signal?: AbortSignal,
  ): Promise<Explanation>;
}
