// What a container may do: users, groups, capabilities, hidden paths, privileges.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { importOnBusybox, programLayer } from '../lib/images.ts';
import { containerConfig, exec, statusOf } from '../lib/pods.ts';

const { SupplementalGroupsPolicy } = runtime.v1;

/** An image with a set-uid root program and a user in a further group. */
const special = 'localhost/estiba/special:latest';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
  await importOnBusybox(ground.server, special, [
    programLayer('/bin/cat', 'bin/suid-cat', 0o4755),
    [
      { name: 'etc/passwd', content: 'default-user:x:1000:1000::/home:/bin/sh\n' },
      { name: 'etc/group', content: 'default-user:x:1000:\nextra:x:50000:default-user\n' },
    ],
  ]);
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const ids = 'id -u; id -g; id -G';
const user = (value: number) => ({ value: toLong(value) });

/** Runs `script` as the first process and as an exec; both must print the same, which is returned. */
async function printed(
  security: runtime.v1.LinuxContainerSecurityContext.$Properties,
  script: string,
  change: Parameters<typeof withSecurity>[2] = {},
): Promise<string> {
  const first = await ground.outcome(withSecurity(script, security, change));
  expect(first).toMatchObject({ stderr: '', status: { exitCode: 0 } });
  const id = await ground.run(withSecurity(['sleep', '1000'], security, change));
  const second = await exec(ground.server, id, script);
  expect(second).toEqual({ stdout: first.stdout, stderr: '', exitCode: 0 });
  await ground.server.client.runtime.removeContainer({ containerId: id });
  return first.stdout;
}

describe('the user of a container', () => {
  it.each([
    ['root by default', {}, '0\n0\n0\n'],
    ['a number, in group 0', { runAsUser: user(1001) }, '1001\n0\n0\n'],
    [
      'a number and a group',
      { runAsUser: user(1001), runAsGroup: user(1002) },
      '1001\n1002\n1002\n',
    ],
    ['a name of the image', { runAsUsername: 'nobody' }, '65534\n65534\n65534\n'],
    [
      'in supplemental groups',
      { supplementalGroups: [toLong(1234), toLong(5678)] },
      '0\n0\n0 1234 5678\n',
    ],
  ])('is %s', async (_what, security, expected) => {
    expect(await printed(security, ids)).toBe(expected);
  });

  it('cannot be a group alone, nor a name that the image has not', async () => {
    await expect(ground.create(withSecurity('true', { runAsGroup: user(5) }))).rejects.toThrow(
      /INVALID_ARGUMENT.*run_as_group "5" without a user/u,
    );
    await expect(
      ground.create(withSecurity('true', { runAsUsername: 'no-such-user' })),
    ).rejects.toThrow(/no-such-user/u);
  });

  it('is told by the status, with all groups', async () => {
    const supplementalGroups = [toLong(1234)];
    const security = { runAsUser: user(1001), runAsGroup: user(1002), supplementalGroups };
    const id = await ground.create(withSecurity('true', security));
    const { linux } = (await statusOf(ground.server, id)).user ?? {};
    expect(Number(linux?.uid)).toBe(1001);
    expect(Number(linux?.gid)).toBe(1002);
    expect(linux?.supplementalGroups?.map(Number)).toEqual([1002, 1234]);
    await ground.server.client.runtime.removeContainer({ containerId: id });
  });

  it('is in the groups of /etc/group under the policy Merge, not under Strict', async () => {
    const asked = { runAsUser: user(1000), supplementalGroups: [toLong(1234)] };
    const change = { image: { image: special } };
    const merged = { ...asked, supplementalGroupsPolicy: SupplementalGroupsPolicy.Merge };
    expect(await printed(merged, 'id -G', change)).toBe('1000 1234 50000\n');
    const strict = { ...asked, supplementalGroupsPolicy: SupplementalGroupsPolicy.Strict };
    expect(await printed(strict, 'id -G', change)).toBe('1000 1234\n');
  });
});

describe('capabilities', () => {
  const bounding = 'grep -E "Cap(Prm|Eff|Bnd|Inh|Amb)" /proc/self/status';
  const sets = (text: string): Record<string, bigint> =>
    Object.fromEntries(
      [...text.matchAll(/^Cap(\w+):\s+([0-9a-f]+)$/gmu)].map(([, name = '', hex = '']) => [
        name,
        BigInt(`0x${hex}`),
      ]),
    );

  it('are the usual fourteen, none inheritable or ambient', async () => {
    const found = sets(await printed({}, bounding));
    expect(found).toEqual({
      Inh: 0n,
      Prm: 0xa80425fbn,
      Eff: 0xa80425fbn,
      Bnd: 0xa80425fbn,
      Amb: 0n,
    });
  });

  it('can all be dropped', async () => {
    const security = { capabilities: { dropCapabilities: ['ALL'] } };
    const found = sets(await printed(security, bounding));
    expect(found).toEqual({ Inh: 0n, Prm: 0n, Eff: 0n, Bnd: 0n, Amb: 0n });
  });

  it('can be added, one or all the host gives', async () => {
    const one = sets(await printed({ capabilities: { addCapabilities: ['NET_ADMIN'] } }, bounding));
    expect(one['Eff']).toBe(0xa80425fbn | (1n << 12n));
    const all = sets(await printed({ capabilities: { addCapabilities: ['ALL'] } }, bounding));
    expect(all['Bnd']).toBeGreaterThan(0xa80425fbn);
    expect((all['Bnd'] ?? 0n) & (1n << 12n)).not.toBe(0n);
  });

  it('do not reach a user other than root, unless ambient', async () => {
    const plain = sets(await printed({ runAsUser: user(1001) }, bounding));
    expect(plain).toMatchObject({ Prm: 0n, Eff: 0n, Bnd: 0xa80425fbn, Amb: 0n });
    const ambient = {
      runAsUser: user(1001),
      capabilities: { addAmbientCapabilities: ['NET_BIND_SERVICE'] },
    };
    const found = sets(await printed(ambient, bounding));
    expect(found).toMatchObject({ Eff: 1n << 10n, Amb: 1n << 10n });
  });

  it('decide what works: a bridge needs NET_ADMIN, ping needs NET_RAW', async () => {
    const bridge = 'brctl addbr foobar && brctl delbr foobar';
    const admin = { capabilities: { addCapabilities: ['NET_ADMIN'] } };
    const allowed = await ground.outcome(withSecurity(bridge, admin));
    expect(allowed).toMatchObject({ stderr: '', status: { exitCode: 0 } });
    const refused = await ground.outcome(containerConfig(bridge));
    expect(refused.status.exitCode).not.toBe(0);
    const raw = { capabilities: { dropCapabilities: ['NET_RAW'] } };
    const ping = await ground.outcome(withSecurity('ping -c 1 -W 1 127.0.0.1', raw));
    expect(ping.stderr).toMatch(/permission denied/iu);
  });
});

describe('privileges', () => {
  const suid = (noNewPrivs: boolean) =>
    withSecurity('/bin/suid-cat /proc/self/status | grep -E "^(Uid|NoNewPrivs)"', {
      runAsUser: user(1000),
      noNewPrivs,
    });

  it('are gained by set-uid programs, except under no_new_privs', async () => {
    const image = { image: special };
    const gained = await ground.outcome({ ...suid(false), image });
    expect(gained.stdout).toBe('Uid:\t1000\t0\t0\t0\nNoNewPrivs:\t0\n');
    const kept = await ground.outcome({ ...suid(true), image });
    expect(kept.stdout).toBe('Uid:\t1000\t1000\t1000\t1000\nNoNewPrivs:\t1\n');
  });

  it('are all given to a privileged container of a privileged pod only', async () => {
    const namespaceOptions = ground.pod.linux?.securityContext?.namespaceOptions ?? {};
    const pod = await ground.another({
      linux: { securityContext: { privileged: true, namespaceOptions } },
    });
    const script =
      'brctl addbr foobar && brctl delbr foobar && echo 1 >/proc/sys/net/ipv4/ip_forward && ls /dev/null && test -w /sys/fs/cgroup';
    const config = withSecurity(script, { privileged: true });
    expect(await pod.outcome(config)).toMatchObject({ stderr: '', status: { exitCode: 0 } });
    await expect(ground.create(withSecurity('true', { privileged: true }))).rejects.toThrow(
      'cannot make a privileged container: its sandbox is not privileged',
    );
  });
});

describe('the file system', () => {
  it('refuses writes to a read-only root, and takes them where it is not', async () => {
    const touch = 'touch /test.go';
    const readonly = await ground.outcome(withSecurity(touch, { readonlyRootfs: true }));
    expect(readonly.stderr).toBe('touch: /test.go: Read-only file system\n');
    const writable = await ground.outcome(withSecurity(touch, { readonlyRootfs: false }));
    expect(writable).toMatchObject({ stderr: '', status: { exitCode: 0 } });
  });

  it('hides masked paths and protects read-only ones', async () => {
    const maskedPaths = ['/bin/ls', '/proc/acpi', '/no/such', '/usr/sbin'];
    const readonlyPaths = ['/tmp', '/proc/sys'];
    const script =
      '/bin/ls; cat /bin/ls | wc -c; echo /usr/sbin/*; touch /tmp/test; echo x >/proc/sys/kernel/domainname';
    const found = await ground.outcome(withSecurity(script, { maskedPaths, readonlyPaths }));
    expect(found.stdout).toBe('0\n/usr/sbin/*\n');
    expect(found.stderr.split('\n')).toEqual([
      expect.stringMatching(/^\/bin\/sh: .*\/bin\/ls: Permission denied$/u),
      'touch: /tmp/test: Read-only file system',
      expect.stringMatching(/domainname: Read-only file system/u),
      '',
    ]);
  });

  it('has the standard devices, and no other can be made or opened', async () => {
    const script =
      'for d in null zero full random urandom tty; do test -c /dev/$d || echo missing $d; done; ' +
      'ls -l /dev/fd /dev/stdin /dev/ptmx | wc -l; ' +
      'mknod /tmp/k c 1 1 && dd if=/tmp/k of=/dev/null bs=1 count=1';
    const found = await ground.outcome(containerConfig(script));
    expect(found.stdout).toBe('3\n');
    expect(found.stderr).toMatch(/not permitted/u);
  });

  it('shows nothing of the host in /proc/1 of a container of its own', async () => {
    const found = await ground.outcome(
      containerConfig('readlink /proc/1/exe; ls /proc/1/fd | wc -l'),
    );
    expect(found.status.exitCode).toBe(0);
    expect(found.stdout).not.toContain('estiba');
  });
});
