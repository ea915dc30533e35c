// A CA of the test's own, and what it signs: made by openssl in a moment.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Runs openssl with what all groups of arguments hold. */
async function openssl(...groups: readonly (readonly string[])[]): Promise<void> {
  await promisify(execFile)('openssl', groups.flat());
}

export interface KeyPair {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificate: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: KeyPair;
  /** For localhost, 127.0.0.1, ::1 and registry.test. */
  readonly server: KeyPair;
  /** For another name, by the same CA. */
  readonly stranger: KeyPair;
  /** For localhost and 127.0.0.1, over since yesterday. */
  readonly expired: KeyPair;
  readonly client: KeyPair;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes everything below `directory`. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const own = 'DNS:localhost,DNS:registry.test,IP:127.0.0.1,IP:::1';
  const ca = await selfSigned(directory, 'ca');
  return {
    ca,
    server: await signed(directory, 'server', ca, `subjectAltName=${own}`),
    stranger: await signed(directory, 'stranger', ca, 'subjectAltName=DNS:elsewhere.test'),
    expired: await signed(directory, 'expired', ca, `subjectAltName=${own}`, '-1'),
    client: await signed(directory, 'client', ca, 'extendedKeyUsage=clientAuth'),
  };
}

function files(directory: string, name: string): { certificateFile: string; keyFile: string } {
  return {
    certificateFile: join(directory, `${name}.crt`),
    keyFile: join(directory, `${name}.key`),
  };
}

async function loaded(paths: { certificateFile: string; keyFile: string }): Promise<KeyPair> {
  const certificate = await readFile(paths.certificateFile, 'utf8');
  return { ...paths, certificate, key: await readFile(paths.keyFile, 'utf8') };
}

async function selfSigned(directory: string, name: string): Promise<KeyPair> {
  const paths = files(directory, name);
  await openssl(
    ['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=estiba test ${name}`],
    ['-keyout', paths.keyFile, '-out', paths.certificateFile],
  );
  return await loaded(paths);
}

async function signed(
  directory: string,
  name: string,
  ca: KeyPair,
  extension: string,
  days = '2',
): Promise<KeyPair> {
  const paths = files(directory, name);
  const request = join(directory, `${name}.csr`);
  const extensions = join(directory, `${name}.ext`);
  await writeFile(extensions, `${extension}\n`);
  await openssl(
    ['req', '-new', ...newKey, '-subj', `/CN=estiba test ${name}`],
    ['-keyout', paths.keyFile, '-out', request],
  );
  await openssl(
    ['x509', '-req', '-in', request, '-CA', ca.certificateFile, '-CAkey', ca.keyFile],
    ['-CAcreateserial', '-days', days, '-extfile', extensions, '-out', paths.certificateFile],
  );
  return await loaded(paths);
}
