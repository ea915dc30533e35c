import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { launcherHelpers } from './credential-helper.ts';
import type { HelperEnded } from './credential-helper.ts';
import { findCredentials, pullAuthOf } from './credentials.ts';
import type { Credentials, PullAuth } from './credentials.ts';
import { findEndpoints } from './endpoints.ts';
import type { Endpoint } from './endpoints.ts';
import { parseImageReference } from '../core/image-reference.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-auth-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function endpointOf(domain: string, change: Partial<Endpoint> = {}): Promise<Endpoint> {
  const [endpoint] = (await findEndpoints([], domain)).endpoints;
  if (endpoint === undefined) {
    throw new Error('no endpoint');
  }
  return { ...endpoint, ...change };
}

async function writeConfig(name: string, config: unknown): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, typeof config === 'string' ? config : JSON.stringify(config));
  return path;
}

/** Kind and the revealed values, for comparing. */
function told(credentials: Credentials): string {
  if (credentials.kind === 'none') {
    return 'none';
  }
  return credentials.kind === 'password'
    ? `${credentials.username}:${credentials.password.reveal()}`
    : `${credentials.kind} ${credentials.token.reveal()}`;
}

const reference = parseImageReference('r.example/team/app:1');
const mirror = { host: 'mirror.example', isUpstream: false, namespace: 'r.example' };

describe('the AuthConfig of a pull', () => {
  const auth = Buffer.from('me:word').toString('base64');
  test.each([
    [{ username: 'me', password: 'word' }, 'me:word'],
    [{ auth }, 'me:word'],
    [{ username: 'me', password: 'word', auth: 'never looked at' }, 'me:word'],
    [{ identityToken: 'id', username: 'me' }, 'identity-token id'],
    [{ registryToken: 'reg', identityToken: 'id' }, 'registry-token reg'],
    [{}, 'none'],
    [{ serverAddress: 'r.example', username: 'me', password: 'word' }, 'me:word'],
    [{ serverAddress: 'https://r.example/v1/', username: 'me', password: 'word' }, 'me:word'],
    [{ serverAddress: 'other.example', username: 'me', password: 'word' }, 'none'],
    [{ serverAddress: 'r.example:5000', username: 'me', password: 'word' }, 'none'],
  ])('%j gives the registry %j', async (fields, expected) => {
    const found = await findCredentials(await endpointOf('r.example'), reference, {
      pullAuth: pullAuthOf(fields),
      files: [],
    });
    expect(told(found)).toBe(expected);
  });

  test.each([
    ['', 'none'],
    ['r.example', 'none'],
    ['mirror.example', 'me:word'],
  ])('with server address %j gives a mirror %j', async (serverAddress, expected) => {
    const pullAuth = pullAuthOf({ serverAddress, username: 'me', password: 'word' });
    const found = await findCredentials(await endpointOf('r.example', mirror), reference, {
      pullAuth,
      files: [],
    });
    expect(told(found)).toBe(expected);
  });

  test('reaches Docker Hub under any of its names', async () => {
    const pullAuth = pullAuthOf({
      serverAddress: 'https://index.docker.io/v1/',
      username: 'me',
      password: 'word',
    });
    const found = await findCredentials(
      await endpointOf('docker.io'),
      parseImageReference('busybox'),
      { pullAuth, files: [] },
    );
    expect(told(found)).toBe('me:word');
  });

  test('that cannot be read is refused without being told', async () => {
    const pullAuth: PullAuth = pullAuthOf({ auth: 'hunter2' });
    const failed = findCredentials(await endpointOf('r.example'), reference, {
      pullAuth,
      files: [],
    });
    await expect(failed).rejects.toMatchObject({
      code: 'InvalidArgument',
      message: 'cannot pull image: field "auth" of its AuthConfig is not base64 of user:password',
    });
    expect(inspect(pullAuth)).not.toContain('hunter2');
  });
});

describe('files', () => {
  test('serve where the pull brings nothing, mirrors by their own name', async () => {
    const first = await writeConfig('one.json', {
      auths: { 'r.example': { username: 'one', password: 'a' } },
    });
    const second = await writeConfig('two.json', {
      auths: {
        'r.example': { username: 'two', password: 'b' },
        'mirror.example': { username: 'three', password: 'c' },
      },
    });
    const files = [join(directory, 'missing.json'), first, second];
    const upstream = await endpointOf('r.example');
    const ofMirror = await endpointOf('r.example', mirror);
    const elsewhere = await endpointOf('r.example', { ...mirror, host: 'x.example' });
    expect(told(await findCredentials(upstream, reference, { files }))).toBe('one:a');
    expect(told(await findCredentials(ofMirror, reference, { files }))).toBe('three:c');
    expect(told(await findCredentials(elsewhere, reference, { files }))).toBe('none');
    const found = await findCredentials(ofMirror, reference, { files });
    expect(found.source).toBe(`"${second}" (auths."mirror.example")`);
  });

  test('a broken one fails the pull and names the file', async () => {
    const path = await writeConfig('broken.json', '{"hunter2');
    const found = findCredentials(await endpointOf('r.example'), reference, { files: [path] });
    await expect(found).rejects.toThrow(`cannot read "${path}": it is not JSON`);
    const endless = findCredentials(await endpointOf('r.example'), reference, {
      files: ['/dev/zero'],
    });
    await expect(endless).rejects.toThrow('cannot read "/dev/zero": it is not a file');
  });
});

describe('helpers', () => {
  const asked: string[][] = [];
  const answering =
    (ended: Partial<HelperEnded>) =>
    async (name: string, server: string): Promise<HelperEnded> => {
      asked.push([name, server]);
      return await Promise.resolve({ exitCode: 0, stdout: '', timedOut: false, ...ended });
    };
  const answer = (Username: string, Secret: string): string =>
    JSON.stringify({ ServerURL: 'x', Username, Secret });

  test.each([
    [{ stdout: answer('me', 'word') }, 'me:word'],
    [{ stdout: answer('<token>', 'id') }, 'identity-token id'],
    [{ stdout: answer('', '') }, 'file:word'],
    [{ exitCode: 1, stdout: 'credentials not found in native keychain\n' }, 'file:word'],
  ])('%j gives %j', async (ended, expected) => {
    asked.length = 0;
    const path = await writeConfig('config.json', {
      credHelpers: { 'r.example': 'pass' },
      auths: { 'r.example': { username: 'file', password: 'word' } },
    });
    const found = await findCredentials(await endpointOf('r.example'), reference, {
      files: [path],
      runHelper: answering(ended),
    });
    expect(told(found)).toBe(expected);
    expect(asked).toEqual([['pass', 'r.example']]);
  });

  test.each([
    [{ exitCode: 1, stdout: 'exit status 2: gpg is missing\n' }, 'ended with 1: exit status 2'],
    [{ exitCode: 1, stdout: answer('me', 'hunter2') }, 'it ended with 1'],
    [{ stdout: 'hunter2' }, 'its answer is not {Username, Secret}'],
    [{ stdout: '{"Username":"hunter2"}' }, 'its answer is not {Username, Secret}'],
    [{ timedOut: true, exitCode: -1 }, 'it did not end in time'],
  ])('%j fails the pull without telling a secret', async (ended, why) => {
    const path = await writeConfig('config.json', { credsStore: 'pass' });
    const failed = findCredentials(await endpointOf('r.example'), reference, {
      files: [path],
      runHelper: answering(ended),
    });
    const error = await failed.catch((caught: unknown) => caught);
    expect(String(error)).toContain('from "docker-credential-pass": ');
    expect(String(error)).toContain(why);
    expect(inspect(error)).not.toContain('hunter2');
  });

  test('run through the launcher, with the host on standard input', async () => {
    const program = join(directory, 'docker-credential-pass');
    await writeFile(program, '', { mode: 0o755 });
    const run = launcherHelpers({
      directories: ['/nonexistent', directory],
      env: ['HOME=/root'],
      launcher: {
        async runProgram(request) {
          expect(request).toEqual({
            argv: [program, 'get'],
            env: ['HOME=/root'],
            stdin: 'r.example',
            deadlineMs: 30_000,
          });
          return await Promise.resolve({
            exitCode: 0,
            signal: 0,
            stdout: Buffer.from('out'),
            stderr: Buffer.from(''),
            timedOut: false,
            outputCut: false,
            elapsedUs: 1,
          });
        },
      },
    });
    expect(await run('pass', 'r.example')).toEqual({ exitCode: 0, timedOut: false, stdout: 'out' });
    await expect(run('absent', 'r.example')).rejects.toMatchObject({
      code: 'NotFound',
      message: `cannot run "docker-credential-absent": no such program in "/nonexistent", "${directory}"`,
    });
  });
});
