// What main and the images thread say to each other. Small messages only: the bytes of blobs stay in
// the thread. Everything survives a structured clone; errors travel as plain fields.
import { CriError, asCriError } from '../../core/error.ts';
import type { ErrorCode } from '../../core/error.ts';
import type { Unpacked } from '../../isolator/launcher-messages.ts';
import type { Explanation } from '../../registry/explain.ts';
import type { Reference } from '../../core/image-reference.ts';
import { RegistryError } from '../../registry/registry-error.ts';
import type { PullReason } from '../../registry/registry-error.ts';
import type { UnpackOrder } from '../layer-blob.ts';
import type { PartialLimits } from './partial-blobs.ts';
import type {
  BlobId,
  BlobProgress,
  PullAuthFields,
  PulledDocuments,
  Target,
} from './pull-backend.ts';

/** How the images thread is set up: its workerData. */
export interface ThreadSettings {
  readonly userAgent: string;
  readonly launcherSocket: string;
  readonly ingestDir: string;
  readonly hostsDirs: readonly string[];
  readonly authFiles: readonly string[];
  readonly helperDirs: readonly string[];
  readonly stall: { readonly windowMs: number; readonly minBytesPerSecond: number };
  readonly partials: PartialLimits;
  readonly maxUnpackBytes: number;
  /** SELinux label of layers; "" = none. */
  readonly layerLabel: string;
  readonly unpackDeadlineMs: number;
}

/** What the kernel and people call the images thread. */
export const threadName = 'estiba-images';

/** The calls to the thread; sessions are numbers that main chooses. */
export interface ThreadCalls {
  open: {
    args: { session: number; reference: Reference; auth: PullAuthFields | undefined };
    result: void;
  };
  resolve: { args: { session: number }; result: Target };
  documents: { args: { session: number }; result: PulledDocuments };
  unpack: { args: { session: number; blob: BlobId; order: UnpackOrder }; result: Unpacked };
  fetched: { args: { session: number; blob: BlobId }; result: void };
  discard: { args: { session: number; digest: string }; result: void };
  close: { args: { session: number }; result: void };
  explain: {
    args: { reference: string; auth: PullAuthFields | undefined; probe: boolean };
    result: Explanation;
  };
  /** Ends all calls and answers when what they had is on disk. */
  shutDown: { args: undefined; result: void };
}

export type ThreadMethod = keyof ThreadCalls;

export type CallMessage = {
  readonly [M in ThreadMethod]: {
    readonly kind: 'call';
    readonly id: number;
    readonly method: M;
    readonly args: ThreadCalls[M]['args'];
  };
}[ThreadMethod];

export type ToThread =
  | CallMessage
  | { readonly kind: 'abort'; readonly id: number; readonly error: WireError }
  /** A launcher answers again, or why it cannot. */
  | { readonly kind: 'revived'; readonly id: number; readonly error: WireError | undefined };

export type FromThread =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: BlobProgress }
  | { readonly kind: 'log'; readonly message: string; readonly reason: string }
  /** Nobody listens on the launcher's socket: only main may start one. */
  | { readonly kind: 'revive'; readonly id: number };

/** An error as it crosses threads. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly step: string | undefined;
  readonly errno: number | undefined;
  readonly registry:
    | {
        readonly host: string;
        readonly status: number;
        readonly registryCode: string;
        readonly registryMessage: string;
        readonly reason: PullReason;
        readonly isTransient: boolean;
        readonly retryAfterMs: number | undefined;
      }
    | undefined;
}

export function errorToWire(error: unknown): WireError {
  const known = asCriError(error);
  const { code, message, step, errno } = known;
  if (!(known instanceof RegistryError)) {
    return { code, message, step, errno, registry: undefined };
  }
  const { host, status, registryCode, registryMessage, reason, isTransient, retryAfterMs } = known;
  const registry = {
    host,
    status,
    registryCode,
    registryMessage,
    reason,
    isTransient,
    retryAfterMs,
  };
  return { code, message, step, errno, registry };
}

export function errorFromWire({ code, message, step, errno, registry }: WireError): CriError {
  return registry === undefined
    ? new CriError(code, message, { step, errno })
    : new RegistryError(code, message, { step, errno, ...registry });
}
