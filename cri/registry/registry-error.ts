import { CriError } from '../core/error.ts';
import type { CriErrorOptions, ErrorCode } from '../core/error.ts';

/**
 * What the kubelet shows as the reason of a waiting container. It knows RegistryUnavailable by the
 * first word of the message, and only when the gRPC code is Unknown; ErrImagePull is what it makes of
 * everything else (and ImagePullBackOff of both while it waits to try again).
 */
export type PullReason = 'RegistryUnavailable' | 'ErrImagePull';

export interface RegistryErrorOptions extends CriErrorOptions {
  /** Host with port that was asked. */
  readonly host: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status?: number | undefined;
  /** The registry's own code ("MANIFEST_UNKNOWN") and message. */
  readonly registryCode?: string | undefined;
  readonly registryMessage?: string | undefined;
  readonly reason?: PullReason | undefined;
  /** Another try of the same request may succeed. */
  readonly isTransient?: boolean | undefined;
  /** How long the registry asks to wait. */
  readonly retryAfterMs?: number | undefined;
}

/** A registry's refusal, its silence, or content that is not what it must be. Holds no secret. */
export class RegistryError extends CriError {
  readonly host: string;
  readonly status: number;
  readonly registryCode: string;
  readonly registryMessage: string;
  readonly reason: PullReason;
  readonly isTransient: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: RegistryErrorOptions) {
    super(code, message, options);
    this.name = 'RegistryError';
    this.host = options.host;
    this.status = options.status ?? 0;
    this.registryCode = options.registryCode ?? '';
    this.registryMessage = options.registryMessage ?? '';
    this.reason = options.reason ?? 'ErrImagePull';
    this.isTransient = options.isTransient ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'InvalidArgument',
  401: 'Unauthenticated',
  403: 'PermissionDenied',
  404: 'NotFound',
  405: 'Unimplemented',
  407: 'PermissionDenied',
  408: 'Unavailable',
  416: 'FailedPrecondition',
  429: 'ResourceExhausted',
};

const transientStatuses: readonly number[] = [408, 425, 429, 500, 502, 503, 504];
const maxQuotedLength = 300;

/** Cuts foreign text to what a message can bear and takes control characters out. */
export function quotable(text: string): string {
  const plain = text.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return plain.length > maxQuotedLength ? `${plain.slice(0, maxQuotedLength)}…` : plain;
}

/** Returns code and message of the first error in a registry's answer; "" where it has none. */
function registryFault(body: string): { code: string; message: string } {
  try {
    const value: unknown = JSON.parse(body);
    const errors = field(value, 'errors');
    // Token servers answer {"details": …} or {"error": …, "error_description": …}.
    const first: unknown = Array.isArray(errors) ? errors[0] : value;
    const code = textField(first, 'code') || textField(first, 'error');
    const message =
      textField(first, 'message') ||
      textField(first, 'error_description') ||
      textField(first, 'details');
    return { code: quotable(code), message: quotable(message) };
  } catch {
    return { code: '', message: '' };
  }
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function textField(value: unknown, key: string): string {
  const found = field(value, key);
  return typeof found === 'string' ? found : '';
}

export interface Answer {
  readonly host: string;
  readonly status: number;
  /** As much of the body as is worth reading. */
  readonly body: string;
  /** The Retry-After header, "" for none. */
  readonly retryAfter: string;
  /** Added to the message, to say what to do about it. */
  readonly hint?: string | undefined;
}

/** The error of an answer that is not what was asked for. `what`: "fetch manifest "a/b:c"". */
export function answerError(what: string, answer: Answer, nowMs: number): RegistryError {
  const { host, status } = answer;
  const { code, message } = registryFault(answer.body);
  const said = [code, message && `"${message}"`].filter((part) => part !== '').join(': ');
  const why = `status ${status}${said === '' ? '' : ` (${said})`}`;
  const isTransient = transientStatuses.includes(status);
  const hint = answer.hint === undefined ? '' : `; ${answer.hint}`;
  const retryAfterMs = parseRetryAfter(answer.retryAfter, nowMs);
  const patience =
    retryAfterMs === undefined ? '' : `; it asks to wait ${Math.ceil(retryAfterMs / 1000)} s`;
  return new RegistryError(
    codeOfStatus[status] ?? (status >= 500 ? 'Unavailable' : 'FailedPrecondition'),
    `cannot ${what}: "${host}" answered ${why}${patience}${hint}`,
    {
      host,
      status,
      registryCode: code,
      registryMessage: message,
      isTransient,
      reason: isTransient || status >= 500 ? 'RegistryUnavailable' : 'ErrImagePull',
      retryAfterMs,
    },
  );
}

/** Reads Retry-After (seconds or a date); undefined when it says nothing. */
export function parseRetryAfter(text: string, nowMs: number): number | undefined {
  if (/^[0-9]{1,9}$/.test(text)) {
    return Number(text) * 1000;
  }
  // Date.parse takes nearly anything for a date; HTTP's begin with the day of the week.
  const date = /^[A-Z][a-z]+, /u.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
