// The ways of old kernels, by mount(2) alone, forced with isolator.legacy_mounts: containers are the
// same. On kernels that have no other way this is what every test runs.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fixture } from '../lib/fixture.ts';
import { containerConfig, exec } from '../lib/pods.ts';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start({ legacyMounts: true });
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

describe('with legacy_mounts a container', () => {
  it('has an overlay for its root whose layers were named in one string', async () => {
    const id = await ground.wait();
    const { stdout } = await exec(ground.server, id, 'grep " / / " /proc/self/mountinfo');
    expect(stdout).toMatch(/ - overlay /u);
    expect(stdout).toMatch(/\blowerdir=/u);
    expect(stdout).not.toContain('lowerdir+');
  });

  it('writes to a root of its own', async () => {
    const [one, other] = [await ground.wait(), await ground.wait()];
    await exec(ground.server, one, 'rm /bin/vi && echo mine >/etc/mine');
    const seen = await exec(ground.server, one, 'cat /etc/mine; ls /bin/vi');
    expect(seen.stdout).toBe('mine\n');
    const unseen = await exec(ground.server, other, 'cat /etc/mine; ls /bin/vi');
    expect(unseen.stdout).toBe('/bin/vi\n');
  });

  it('may not write to a root that is read-only', async () => {
    const config = containerConfig('echo x >/file');
    const securityContext = { ...config.linux?.securityContext, readonlyRootfs: true };
    const outcome = await ground.outcome({
      ...config,
      linux: { ...config.linux, securityContext },
    });
    expect(outcome.stderr).toContain('Read-only file system');
    expect(outcome.status.exitCode).not.toBe(0);
  });

  it('shares /dev/shm with the others of its pod and with nobody else', async () => {
    const [one, other] = [await ground.wait(), await ground.wait()];
    await exec(ground.server, one, 'echo shared >/dev/shm/word');
    expect((await exec(ground.server, other, 'cat /dev/shm/word')).stdout).toBe('shared\n');
    const stranger = await (await ground.another()).wait();
    expect((await exec(ground.server, stranger, 'ls /dev/shm')).stdout).toBe('');
  });

  it('has its volumes, writable or not', async () => {
    const hostPath = await ground.directory('legacy');
    await writeFile(join(hostPath, 'in'), 'from the host\n');
    const id = await ground.wait({
      mounts: [
        { hostPath, containerPath: '/rw' },
        { hostPath, containerPath: '/ro', readonly: true },
      ],
    });
    const { stdout } = await exec(
      ground.server,
      id,
      'cat /ro/in; echo out >/rw/out; echo x >/ro/x',
    );
    expect(stdout).toBe('from the host\n');
    await expect(readFile(join(hostPath, 'out'), 'utf8')).resolves.toBe('out\n');
    await expect(readFile(join(hostPath, 'x'), 'utf8')).rejects.toThrow(/ENOENT/u);
  });
});
