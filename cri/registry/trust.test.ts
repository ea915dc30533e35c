import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findEndpoints } from './endpoints.ts';
import type { Endpoint } from './endpoints.ts';
import { readTrustFiles, SystemTrust } from './trust.ts';

const [certificate = ''] = rootCertificates;
const plain = { ca: [], certificates: [], keys: [] };
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-trust-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function write(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

test('the first bundle that is there is the machine’s', async () => {
  const empty = await write('empty.pem', '');
  const path = await write('ca.pem', certificate);
  const trust = new SystemTrust({}, [join(directory, 'none'), empty, path]);
  expect(trust.certificates()).toEqual([certificate]);
});

test('a machine without any has Node’s', () => {
  expect(new SystemTrust({}, []).certificates()).toBe(rootCertificates);
});

test('SSL_CERT_FILE is the only one that counts when it is set', async () => {
  const chosen = await write('chosen.pem', certificate);
  const other = await write('other.pem', 'other');
  const trust = new SystemTrust({ SSL_CERT_FILE: chosen }, [other]);
  expect(trust.certificates()).toEqual([certificate]);
  expect(new SystemTrust({ SSL_CERT_FILE: '' }, [other]).certificates()).toEqual(['other']);
});

test('a bundle that changes is read again, and its context made anew', async () => {
  const path = await write('ca.pem', certificate);
  const trust = new SystemTrust({ SSL_CERT_FILE: path });
  const before = trust.context(plain);
  expect(trust.context(plain)).toBe(before);
  const [, second = ''] = rootCertificates;
  await writeFile(path, `${certificate}\n${second}`);
  expect(trust.certificates()).toEqual([`${certificate}\n${second}`]);
  expect(trust.context(plain)).not.toBe(before);
  expect(trust.context({ ...plain, ca: [second] })).not.toBe(trust.context(plain));
});

async function endpoint(change: Partial<Endpoint>): Promise<Endpoint> {
  const [first] = (await findEndpoints([], 'r.example')).endpoints;
  if (first === undefined) {
    throw new Error('no endpoint');
  }
  return { ...first, ...change, origin: 'the test' };
}

test('files of an endpoint are read', async () => {
  const path = await write('ca.crt', certificate);
  expect(await readTrustFiles(await endpoint({ caFiles: [path] }))).toEqual({
    ca: [certificate],
    certificates: [],
    keys: [],
  });
});

test.each([
  ['missing', undefined, 'ENOENT'],
  ['empty', '', 'it holds no PEM certificate'],
  ['text', 'hello', 'it holds no PEM certificate'],
  ['broken', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', ''],
])('a CA file that is %s is refused, naming it and who asks for it', async (name, text, why) => {
  const path = text === undefined ? join(directory, name) : await write(name, text);
  const failed = readTrustFiles(await endpoint({ caFiles: [path] }));
  await expect(failed).rejects.toMatchObject({ code: 'FailedPrecondition' });
  await expect(failed).rejects.toThrow(`cannot use CA "${path}" (asked for by the test): ${why}`);
});

test('a client certificate without its key is refused', async () => {
  const path = await write('client.pem', certificate);
  const pair = { certificate: path, key: '' };
  const failed = readTrustFiles(await endpoint({ clientPairs: [pair] }));
  await expect(failed).rejects.toThrow(`cannot use client certificate "${path}"`);
});
