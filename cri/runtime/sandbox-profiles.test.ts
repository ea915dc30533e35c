import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CriError } from '../core/error.ts';
import type { SeccompChoice } from '../spec/seccomp.ts';
import type { Deps } from './deps.ts';
import { checkSandboxProfiles } from './sandbox-profiles.ts';

const unconfined: SeccompChoice = { kind: 'unconfined' };
const asked: SeccompChoice[] = [];
const deps = {
  seccomp: {
    confinement: async (choice: SeccompChoice) => {
      asked.push(choice);
      throw new CriError('NotFound', 'no such file');
    },
  },
} as unknown as Pick<Deps, 'seccomp'>;

test('a seccomp profile of the node has to be there, others are not even compiled', async () => {
  await checkSandboxProfiles(deps, { seccomp: unconfined, apparmorName: '' });
  const ours: SeccompChoice = { kind: 'default', profile: '{}' };
  await checkSandboxProfiles(deps, { seccomp: ours, apparmorName: '' });
  expect(asked).toEqual([]);
  const named: SeccompChoice = { kind: 'localhost', path: '/no/such.json' };
  await expect(checkSandboxProfiles(deps, { seccomp: named, apparmorName: '' })).rejects.toThrow(
    'no such file',
  );
  expect(asked).toEqual([named]);
});

test('an AppArmor profile of the node has to be loaded', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'estiba-profiles-'));
  const path = join(directory, 'profiles');
  await writeFile(path, 'web-server (enforce)\n/usr/bin/man (complain)\n');
  const check = (apparmorName: string, from = path) =>
    checkSandboxProfiles(deps, { seccomp: unconfined, apparmorName }, from);
  await check('web-server');
  await check('/usr/bin/man');
  await expect(check('web')).rejects.toThrow(
    'cannot confine the sandbox: AppArmor profile "web" is not loaded',
  );
  await check('web', join(directory, 'nowhere'));
  await rm(directory, { recursive: true });
});
