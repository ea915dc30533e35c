// What a TLS connection to a registry trusts and shows.
import { X509Certificate } from 'node:crypto';
import { statSync, readFileSync } from 'node:fs';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { readBoundedText } from '../core/bounded-file.ts';
import { CriError, describeError, errnoCode } from '../core/error.ts';
import type { Endpoint } from './endpoints.ts';

/** Where distributions keep their certificates, in the order in which Go looks. */
const systemBundles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The certificates that the machine trusts, read again when their file changes. */
export class SystemTrust {
  readonly #bundles: readonly string[];
  #seen = '';
  #pem: readonly string[] = rootCertificates;
  #context: SecureContext | undefined;

  /** SSL_CERT_FILE of `env`, if set, is the only file that is looked at. */
  constructor(env: NodeJS.ProcessEnv = process.env, bundles: readonly string[] = systemBundles) {
    const chosen = env['SSL_CERT_FILE'];
    this.#bundles = chosen === undefined || chosen === '' ? bundles : [chosen];
  }

  /** PEM texts; those that come with Node where the machine has none. */
  certificates(): readonly string[] {
    for (const path of this.#bundles) {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined || stat.size === 0) {
        continue;
      }
      const version = `${path} ${stat.mtimeMs} ${stat.size} ${stat.ino}`;
      if (version !== this.#seen) {
        this.#pem = [readFileSync(path, 'utf8')];
        this.#seen = version;
        this.#context = undefined;
      }
      return this.#pem;
    }
    return rootCertificates;
  }

  /**
   * Returns what a connection trusts and shows: the machine's CAs and what `files` adds. Making one
   * with a machine's hundred CAs takes 10 ms, so the plain one is kept.
   */
  context(files: TrustFiles): SecureContext {
    const ca = this.certificates();
    const { certificates, keys } = files;
    if (files.ca.length === 0 && certificates.length === 0) {
      this.#context ??= createSecureContext({ ca: [...ca] });
      return this.#context;
    }
    return createSecureContext({
      ca: [...ca, ...files.ca],
      ...(certificates.length > 0 && { cert: [...certificates], key: [...keys] }),
    });
  }
}

/** Files of an endpoint's configuration, read. Holds private keys. */
export interface TrustFiles {
  readonly ca: readonly string[];
  readonly certificates: readonly string[];
  readonly keys: readonly string[];
}

/**
 * Reads CA and client files of an endpoint. Throws FailedPrecondition naming the file and where it
 * was asked for, also for a file that is no certificate or key.
 */
export async function readTrustFiles(endpoint: Endpoint): Promise<TrustFiles> {
  const ca: string[] = [];
  for (const path of endpoint.caFiles) {
    const pem = await readPem(path, 'CA', endpoint);
    checkAuthorities(pem, path, endpoint);
    ca.push(pem);
  }
  const certificates: string[] = [];
  const keys: string[] = [];
  for (const { certificate, key } of endpoint.clientPairs) {
    const cert = await readPem(certificate, 'client certificate', endpoint);
    const keyPem = key === '' ? cert : await readPem(key, 'client key', endpoint);
    checkClient(cert, keyPem, certificate, endpoint);
    certificates.push(cert);
    keys.push(keyPem);
  }
  return { ca, certificates, keys };
}

/** All CAs that a machine trusts are a quarter of this. */
const mostPemBytes = 1 << 20;

async function readPem(path: string, what: string, endpoint: Endpoint): Promise<string> {
  try {
    return await readBoundedText(path, mostPemBytes);
  } catch (cause) {
    throw unusable(path, what, endpoint, errnoCode(cause) || describeError(cause));
  }
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/gu;

/** A broken CA would just not be there: TLS ignores what it cannot read. */
function checkAuthorities(pem: string, path: string, endpoint: Endpoint): void {
  const blocks = pem.match(pemCertificate) ?? [];
  if (blocks.length === 0) {
    throw unusable(path, 'CA', endpoint, 'it holds no PEM certificate');
  }
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (cause) {
      throw unusable(path, 'CA', endpoint, describeError(cause));
    }
  }
}

function checkClient(cert: string, key: string, path: string, endpoint: Endpoint): void {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw unusable(path, 'client certificate', endpoint, describeError(cause));
  }
}

function unusable(path: string, what: string, endpoint: Endpoint, why: string): CriError {
  const message = `cannot use ${what} "${path}" (asked for by ${endpoint.origin}): ${why}`;
  return new CriError('FailedPrecondition', message);
}
