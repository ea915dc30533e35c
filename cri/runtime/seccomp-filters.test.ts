import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CriError } from '../core/error.ts';
import { capabilities, capabilityNames } from '../spec/capabilities.ts';
import { defaultProfile } from '../spec/seccomp-default.ts';
import { SeccompFilters, warmFilters } from './seccomp-filters.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-seccomp-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** Answers with a filter as long as the profile, and remembers what it was asked. */
class FakeCompiler {
  readonly asked: string[] = [];
  refuses = false;

  async compileSeccomp(profile: string) {
    this.asked.push(profile);
    if (this.refuses) {
      throw new CriError('InvalidArgument', 'cannot use seccomp profile: flag "x" is not known');
    }
    return { program: new Uint8Array(profile.length), flags: 4 };
  }
}

const profileOf = (profile: string) => ({ kind: 'default' as const, profile });

describe('SeccompFilters', () => {
  it('compiles a profile once, also for containers that ask at the same time', async () => {
    const compiler = new FakeCompiler();
    const filters = new SeccompFilters(compiler);
    const [one, other] = await Promise.all([
      filters.confinement(profileOf('abc')),
      filters.confinement(profileOf('abc')),
    ]);
    expect(one).toEqual({ profile: 'abc', filter: { program: new Uint8Array(3), flags: 4 } });
    expect(other?.filter).toBe(one?.filter);
    expect(await filters.confinement({ kind: 'unconfined' })).toBeUndefined();
    expect(compiler.asked).toEqual(['abc']);
    expect(filters.compilations).toBe(1);
  });

  it('forgets the profile that was used least, and only that', async () => {
    const compiler = new FakeCompiler();
    const filters = new SeccompFilters(compiler);
    for (let number = 0; number < 256; number += 1) {
      await filters.confinement(profileOf(`${number}`));
    }
    await filters.confinement(profileOf('0'));
    await filters.confinement(profileOf('256'));
    compiler.asked.length = 0;
    await filters.confinement(profileOf('0'));
    await filters.confinement(profileOf('1'));
    expect(compiler.asked).toEqual(['1']);
  });

  it('asks again after a failure', async () => {
    const compiler = new FakeCompiler();
    const filters = new SeccompFilters(compiler);
    compiler.refuses = true;
    await expect(filters.confinement(profileOf('abc'))).rejects.toThrow('flag "x"');
    compiler.refuses = false;
    expect(await filters.confinement(profileOf('abc'))).toMatchObject({ profile: 'abc' });
  });

  it('reads a file of the node each time', async () => {
    const compiler = new FakeCompiler();
    const filters = new SeccompFilters(compiler);
    const path = join(directory, 'p.json');
    await writeFile(path, 'first');
    expect(await filters.confinement({ kind: 'localhost', path })).toMatchObject({
      profile: 'first',
    });
    await writeFile(path, 'second');
    expect(await filters.confinement({ kind: 'localhost', path })).toMatchObject({
      profile: 'second',
    });
    compiler.refuses = true;
    await writeFile(path, 'third');
    await expect(filters.confinement({ kind: 'localhost', path })).rejects.toThrow(
      `cannot load seccomp profile "${path}": flag "x" is not known`,
    );
  });

  it('says why a file cannot be read', async () => {
    const filters = new SeccompFilters(new FakeCompiler());
    const refusal = (path: string) => filters.confinement({ kind: 'localhost', path });
    await expect(refusal(join(directory, 'none'))).rejects.toMatchObject({
      code: 'NotFound',
      message: `cannot load seccomp profile "${join(directory, 'none')}": no such file or directory`,
    });
    await expect(refusal(directory)).rejects.toThrow('it is not a file');
    await expect(refusal('/dev/zero')).rejects.toThrow('it is not a file');
    const long = join(directory, 'long');
    await writeFile(long, '');
    await truncate(long, 2 ** 20 + 1);
    await expect(refusal(long)).rejects.toThrow('it has 1048577 bytes, more than 1048576');
  });

  it('has the profiles of ordinary containers compiled before anybody asks', async () => {
    const compiler = new FakeCompiler();
    const host = { capabilities: capabilityNames, architecture: 'x64' } as const;
    const filters = warmFilters(compiler, host);
    await expect.poll(() => compiler.asked.length).toBe(2);
    const asked = [{}, { dropCapabilities: ['ALL'], addCapabilities: ['NET_BIND_SERVICE'] }];
    for (const change of asked) {
      const { bounding } = capabilities({ capabilities: change }, host.capabilities);
      await filters.confinement(profileOf(defaultProfile(bounding, host.architecture)));
    }
    expect(compiler.asked.length).toBe(2);
  });
});
