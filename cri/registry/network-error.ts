// What a connection's failure means, in words.
import { CriError, describeError } from '../core/error.ts';
import { RegistryError } from './registry-error.ts';

interface Meaning {
  readonly why: string;
  /** The same request may succeed a moment later. */
  readonly isTransient: boolean;
  /** The registry is there; what it shows us is not what we accept. */
  readonly isRefusal?: boolean;
}

const meanings: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: { why: 'connection refused', isTransient: false },
  EHOSTUNREACH: { why: 'no route to the host', isTransient: false },
  ENETUNREACH: { why: 'the network is unreachable', isTransient: false },
  ENOTFOUND: { why: 'the name does not resolve', isTransient: false },
  EAI_AGAIN: { why: 'the name server does not answer', isTransient: true },
  ETIMEDOUT: { why: 'the connection timed out', isTransient: true },
  UND_ERR_CONNECT_TIMEOUT: { why: 'no connection within the dial time-out', isTransient: true },
  UND_ERR_HEADERS_TIMEOUT: { why: 'no answer in time', isTransient: true },
  UND_ERR_BODY_TIMEOUT: { why: 'the answer stopped', isTransient: true },
  UND_ERR_SOCKET: { why: 'the connection was closed', isTransient: true },
  ECONNRESET: { why: 'the connection was reset', isTransient: true },
  EPIPE: { why: 'the connection was closed', isTransient: true },
  UND_ERR_ABORTED: { why: 'the proxy refused the connection', isTransient: false },
  DEPTH_ZERO_SELF_SIGNED_CERT: refusal('its certificate is self-signed and not trusted'),
  SELF_SIGNED_CERT_IN_CHAIN: refusal('its certificate comes from a CA that is not trusted'),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: refusal('its certificate comes from a CA that is not trusted'),
  UNABLE_TO_GET_ISSUER_CERT: refusal('its certificate comes from a CA that is not trusted'),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: refusal('its certificate comes from a CA that is not trusted'),
  CERT_HAS_EXPIRED: refusal('its certificate has expired'),
  CERT_NOT_YET_VALID: refusal('its certificate is not valid yet (check the clock)'),
  CERT_REVOKED: refusal('its certificate is revoked'),
  ERR_TLS_CERT_ALTNAME_INVALID: refusal('its certificate is for another name'),
  ERR_SSL_WRONG_VERSION_NUMBER: refusal('it does not speak TLS (plain HTTP?)'),
  ERR_SSL_PACKET_LENGTH_TOO_LONG: refusal('it does not speak TLS (plain HTTP?)'),
};

/** Alerts that the other side sends; their codes carry the TLS version in changing ways. */
const alerts: readonly (readonly [code: RegExp, why: string])[] = [
  [/ALERT_CERTIFICATE_REQUIRED$/u, 'it wants a client certificate'],
  [/ALERT_UNKNOWN_CA$/u, 'it does not trust the client certificate'],
  [/ALERT_(?:BAD|EXPIRED|REVOKED|UNKNOWN)_?CERTIFICATE/u, 'it wants a (better) client certificate'],
  [/ALERT_CERTIFICATE_(?:EXPIRED|REVOKED|UNKNOWN)$/u, 'it does not accept the client certificate'],
  [/ALERT_(?:HANDSHAKE_FAILURE|PROTOCOL_VERSION)$/u, 'it refuses the TLS handshake'],
];

function refusal(why: string): Meaning {
  return { why, isTransient: false, isRefusal: true };
}

/** The code of an error or of what caused it ("ECONNREFUSED"), "" for none. */
function networkCode(error: unknown): string {
  if (!(error instanceof Error)) {
    return '';
  }
  const own = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  return meanings[own] === undefined ? networkCode(error.cause ?? first) || own : own;
}

/** Says whether the other side does not speak TLS at all. */
export function isNotTls(error: unknown): boolean {
  return ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'].includes(
    networkCode(error),
  );
}

/**
 * Wraps what the HTTP client threw; a CriError passes as it is. `via` names the proxy, "" for a
 * direct connection.
 */
export function networkError(what: string, host: string, error: unknown, via = ''): CriError {
  if (error instanceof CriError) {
    return error;
  }
  const code = networkCode(error);
  const meaning = meanings[code];
  const target = via === '' ? `"${host}"` : `"${host}" through the proxy "${via}"`;
  if (meaning?.isRefusal === true || code.startsWith('ERR_SSL_')) {
    const alert = alerts.find(([pattern]) => pattern.test(code))?.[1];
    const why = meaning?.why ?? alert ?? `TLS failed (${code})`;
    const message = `cannot ${what}: no trusted connection to ${target}: ${why}`;
    return new RegistryError('FailedPrecondition', message, { host, cause: error });
  }
  const why = meaning?.why ?? describeError(error);
  return new RegistryError('Unavailable', `cannot ${what}: no connection to ${target}: ${why}`, {
    host,
    cause: error,
    reason: 'RegistryUnavailable',
    isTransient: meaning?.isTransient ?? true,
  });
}
