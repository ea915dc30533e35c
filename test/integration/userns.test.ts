// Pods with user namespaces: their root is nobody on the host, and owns everything of its pod.
import { execFile } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultMaskedPaths } from '../../cri/spec/security.ts';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { cgroupOf } from '../lib/cgroups.ts';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { importOnBusybox } from '../lib/images.ts';
import { kubepods } from '../lib/leftovers.ts';
import { containerConfig, exec, statusOf } from '../lib/pods.ts';
import type { TestServer } from '../lib/test-server.ts';
import { base, length, mapped } from '../lib/userns.ts';

const { NamespaceMode } = runtime.v1;
const run = promisify(execFile);

const owned = 'localhost/estiba/owned:latest';

for (const legacyMounts of [false, true]) {
  describe(legacyMounts ? 'with legacy_mounts a pod' : 'a pod', () => {
    let ground: Fixture;

    beforeAll(async () => {
      ground = await Fixture.start({ legacyMounts }, mapped(base));
      await importOnBusybox(ground.server, owned, [
        [
          { name: 'data/', type: 'directory', mode: 0o750, uid: 33, gid: 33 },
          { name: 'data/file', content: 'kept\n', uid: 33, gid: 33, mode: 0o640 },
        ],
      ]);
    });

    afterAll(async () => {
      expect(await ground.server.stop()).toEqual([]);
    });

    it('runs its containers with ids of their own, execs too', async () => {
      const map = new RegExp(`^\\s+0\\s+${base}\\s+${length}\\n$`, 'u');
      const shown = await ground.outcome(containerConfig('cat /proc/self/uid_map; id -u'));
      expect(shown.stderr).toBe('');
      expect(shown.stdout.replace(/0\n$/u, '')).toMatch(map);
      const id = await ground.wait();
      const { stdout } = await exec(ground.server, id, 'cat /proc/self/gid_map');
      expect(stdout).toMatch(map);
      const pid = await pidOf(ground.server, id);
      const { uid } = await stat(`/proc/${pid}`);
      expect(uid).toBe(base);
    });

    it('owns its namespaces', async () => {
      const pid = await pidOf(ground.server, await ground.wait());
      const user = (await stat(`/proc/${pid}/ns/user`)).ino;
      const owners = await ownersOf(pid);
      for (const kind of ['net', 'ipc', 'uts', 'mnt', 'cgroup']) {
        expect([kind, owners.get(kind)]).toEqual([kind, user]);
      }
    });

    it('has an image whose files belong to its users, and writes as them', async () => {
      const id = await ground.wait({ image: { image: owned } });
      const { stdout } = await exec(
        ground.server,
        id,
        'stat -c "%u:%g %n" / /etc /data/file; cat /data/file; touch /made; chown 33:33 /data/file; echo more >>/data/file; stat -c %u /made',
      );
      expect(stdout).toBe('0:0 /\n0:0 /etc\n33:33 /data/file\nkept\n0\n');
      const upper = join(ground.server.stateDir, 'containers', id, 'upper');
      expect(await ownersIn(upper)).toMatchObject({
        '.': [base, base],
        made: [base, base],
        'data/file': [base + 33, base + 33],
      });
    });

    it('leaves the layers as they are for the next pod', async () => {
      const plain = await Fixture.inPod(ground.server);
      const id = await plain.wait({ image: { image: owned } });
      const { stdout } = await exec(ground.server, id, 'stat -c %u:%g / /data/file');
      expect(stdout).toBe('0:0\n33:33\n');
    });

    it('writes to what is its own, and reads what we give it', async () => {
      const id = await ground.wait();
      const script = [
        'for f in /etc/hosts /etc/hostname /etc/resolv.conf; do cat $f >/dev/null && echo "" >>$f || echo cannot; done',
        'touch /dev/shm/x && stat -c %u /dev/shm /dev/shm/x /dev /dev/null /etc/hosts /dev/mqueue',
        'echo out >/dev/null && head -c 3 /dev/zero | wc -c',
        'echo hello >/dev/stdout',
      ].join('\n');
      const found = await exec(ground.server, id, script);
      expect(found).toMatchObject({ stderr: '', stdout: '0\n0\n0\n0\n0\n0\n3\nhello\n' });
    });

    it('has proc, sys, mqueue and pts as any other', async () => {
      const id = await ground.wait();
      const { stdout } = await exec(ground.server, id, 'cat /proc/mounts');
      for (const [place, kind] of [
        ['/proc', 'proc'],
        ['/sys', 'sysfs'],
        ['/dev/mqueue', 'mqueue'],
        ['/dev/pts', 'devpts'],
        ['/dev/shm', 'tmpfs'],
      ]) {
        expect(stdout).toMatch(new RegExp(`^\\S+ ${place} ${kind} `, 'mu'));
      }
      expect(stdout).toMatch(/^sysfs \/sys sysfs ro,/mu);
      expect((await exec(ground.server, id, 'ls /sys/class/net')).stdout).toContain('eth0');
      expect((await exec(ground.server, id, 'ls -d /proc/[0-9]* | wc -l')).stdout).not.toBe('0\n');
    });

    it('has a terminal that its user may open', async () => {
      const config = withSecurity(
        'tty; stat -c %u $(tty); echo x >/dev/console; echo opened',
        { runAsUser: { value: toLong(1000) } },
        { tty: true },
      );
      const found = await ground.outcome(config);
      expect(found.stdout).toMatch(/^\/dev\/pts\/0\r\n1000\r\nx\r\nopened\r\n$/u);
    });

    it('has a network, and may ping from it', async () => {
      const id = await ground.wait();
      const found = await exec(
        ground.server,
        id,
        'cat /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/ip_unprivileged_port_start; ip -4 -o addr show eth0 | wc -l',
      );
      expect(found.stdout.split(/\s+/u)).toEqual(['0', '65535', '0', '1', '']);
      const status = await ground.server.client.runtime.podSandboxStatus({
        podSandboxId: ground.podSandboxId,
      });
      expect(status.status?.network?.ip).toMatch(/^10\./u);
    });

    it('has the sysctls that it asked for, in its own terms', async () => {
      const sysctls = {
        'kernel.shmmax': '12345678',
        'fs.mqueue.msg_max': '11',
        'net.ipv4.ip_local_port_range': '20000 30000',
        'net.ipv4.ping_group_range': '5 10',
      };
      const change = mapped(base + length);
      const pod = await ground.another({ linux: { ...change.linux, sysctls } });
      const id = await pod.wait();
      const names = Object.keys(sysctls).map((name) => `/proc/sys/${name.replaceAll('.', '/')}`);
      const { stdout } = await exec(ground.server, id, `cat ${names.join(' ')}`);
      expect(stdout.trim().split(/\s+/u)).toEqual(['12345678', '11', '20000', '30000', '5', '10']);
      const beyond = { 'net.ipv4.ping_group_range': '0 2147483647' };
      await expect(ground.another({ linux: { ...change.linux, sysctls: beyond } })).rejects.toThrow(
        /ping_group_range.*not groups of the pod's user namespace/u,
      );
    });

    it('resolves users inside, and refuses those that it does not have', async () => {
      const script = 'id -u; id -g; id -G; touch /tmp/mine; stat -c %u:%g /tmp/mine';
      const user = { runAsUser: { value: toLong(1000) }, runAsGroup: { value: toLong(2000) } };
      const groups = { supplementalGroups: [toLong(3000)] };
      const found = await ground.outcome(withSecurity(script, { ...user, ...groups }));
      expect(found.stdout).toBe('1000\n2000\n2000 3000\n1000:2000\n');
      const stranger = withSecurity('true', { runAsUser: { value: toLong(65_536) } });
      await expect(ground.create(stranger)).rejects.toThrow(
        /user 65536 has no id in the pod's user namespace/u,
      );
    });

    it('gives every capability inside and none outside', async () => {
      const privileges = { capabilities: { addCapabilities: ['ALL'] } };
      const id = await ground.run(withSecurity(['sleep', '1000'], privileges));
      const inside = await exec(
        ground.server,
        id,
        'hostname changed && hostname; mkdir /mnt; mount -t tmpfs mine /mnt && echo mounted; mknod /tmp/sda b 8 0; umount /proc; mount -o remount,rw /sys; echo 1 >/proc/sysrq-trigger; date -s 2001-01-01 >/dev/null',
      );
      expect(inside.stdout).toBe('changed\nmounted\n');
      for (const refusal of ['mknod', 'umount', 'mount', '/proc/sysrq-trigger', 'date']) {
        expect(inside.stderr).toMatch(new RegExp(`${refusal}.*: `, 'u'));
      }
    });

    it('gives a privileged container no disk of the host and no file of its kernel', async () => {
      const change = mapped(base + 3 * length);
      const security = { ...change.linux?.securityContext, privileged: true };
      const pod = await ground.another({ linux: { securityContext: security } });
      const devices = [{ hostPath: '/dev/full', containerPath: '/dev/asked', permissions: 'rw' }];
      const config = withSecurity(['sleep', '1000'], { privileged: true }, { devices });
      const id = await pod.run(config);
      const found = await exec(
        ground.server,
        id,
        'find /dev -type b; echo x >/dev/asked; echo x >/proc/sys/kernel/core_pattern; echo x >/sys/kernel/uevent_helper; echo 0 >$(ls /sys/fs/cgroup/pids/cgroup.procs /sys/fs/cgroup/cgroup.procs 2>/dev/null); echo c >/proc/sysrq-trigger; head -c 1 /proc/kcore',
      );
      expect(found.stdout).toBe('');
      expect(found.stderr.match(/Permission denied|nonexistent|No such file/gu)).toHaveLength(5);
      expect(found.stderr).toContain('No space left');
    });

    it('with procMount Unmasked sees all of its procfs, may mount another, and rules nothing', async () => {
      const patterns = ['/proc/sys/kernel/core_pattern', '/proc/sys/vm/drop_caches'];
      const before = await readFile(patterns[0] ?? '', 'utf8');
      const all = { capabilities: { addCapabilities: ['ALL'] } };
      // As a container inside would: the pid namespace of this one is the host's.
      const nested = (script: string): string =>
        `mkdir -p /mnt; unshare -m -p -f sh -c 'mount -t proc proc /mnt && ${script}'`;
      // The kubelet says Unmasked by empty lists, and only in pods like this one.
      const unmasked = await ground.run(
        withSecurity(['sleep', '1000'], { ...all, maskedPaths: [], readonlyPaths: [] }),
      );
      const covered = await exec(ground.server, unmasked, 'grep -c " /proc/" /proc/self/mountinfo');
      expect(covered.stdout).toBe('0\n');
      const attempts = (root: string): string => {
        const places = [...patterns, '/proc/sysrq-trigger', '/proc/irq/default_smp_affinity'];
        const writes = places.map((place) => `echo 1 >${place.replace('/proc', root)}`);
        const reads = [`cat ${root}/kcore`, `cat ${root}/1/root/${ground.server.configPath}`];
        return [...writes, ...reads].map((each) => `(${each}) && echo DONE`).join('; ');
      };
      const own = `${attempts('/proc')}; set -- /proc/[0-9]*; echo $#`;
      // No process but its own: sleep and the shell.
      expect((await exec(ground.server, unmasked, own)).stdout).toBe('2\n');
      const inner = nested(`ls /mnt/self/status; ${attempts('/mnt')}`);
      expect((await exec(ground.server, unmasked, inner)).stdout).toBe('/mnt/self/status\n');
      expect(await readFile(patterns[0] ?? '', 'utf8')).toBe(before);
      // With masks the kernel lets nobody mount a procfs without them.
      const maskedPaths = [...defaultMaskedPaths];
      const masked = await ground.run(
        withSecurity(['sleep', '1000'], { ...all, maskedPaths, readonlyPaths: ['/proc/sys'] }),
      );
      const refused = await exec(ground.server, masked, nested('ls /mnt/self/status'));
      expect(refused.stdout).toBe('');
      expect(refused.stderr).toMatch(/mount.*(permission denied|not permitted)/iu);
    });

    it('stands under the limits that the kubelet gives its pod, and cannot lift them', async () => {
      const cgroupParent = `${ground.server.cgroupBase}/${kubepods}`;
      const change = mapped(base + 5 * length);
      const pod = await ground.another({ linux: { ...change.linux, cgroupParent } });
      const id = await pod.wait();
      const cgroup = await cgroupOf(ground.server, id);
      expect(cgroup.path).toBe(`${cgroupParent}/${id}`);
      const [root, file] = cgroup.isV2 ? ['', 'pids.max'] : ['pids', 'pids.max'];
      await writeFile(join('/sys/fs/cgroup', root, cgroupParent, file), '20');
      const bomb = 'for i in $(seq 40); do sleep 5 & done; echo survived';
      const stopped = await exec(ground.server, id, bomb);
      expect(stopped.stderr).toMatch(/fork/u);
      const lift =
        'cd /sys/fs/cgroup; for f in pids.max pids/pids.max cgroup.procs ../pids.max; do (echo 100 >$f) && echo LIFTED; done; ls -d pids.max pids/pids.max';
      const all = withSecurity(['sleep', '1000'], { capabilities: { addCapabilities: ['ALL'] } });
      await ground.server.client.runtime.removeContainer({ containerId: id });
      const lifted = await exec(ground.server, await pod.run(all), lift);
      expect(lifted.stdout).not.toContain('LIFTED');
      expect(lifted.stdout).toMatch(/pids\.max/u);
    });

    it('is confined by seccomp, with no_new_privs and without', async () => {
      const seccomp = { profileType: runtime.v1.SecurityProfile.ProfileType.RuntimeDefault };
      for (const noNewPrivs of [false, true]) {
        const config = withSecurity(['sleep', '1000'], { seccomp, noNewPrivs });
        const id = await ground.run(config);
        const shown = await exec(
          ground.server,
          id,
          'grep Seccomp: /proc/self/status /proc/1/status',
        );
        expect(shown.stdout.match(/Seccomp:\t2/gu)).toHaveLength(2);
      }
    });

    it('has a session keyring of its own root', async () => {
      // A kernel without keyrings, or without a list of them, has nothing to say.
      const script = 'grep " _ses" /proc/keys | sed "s/  */ /g" | cut -d " " -f 6,7';
      const id = await ground.wait();
      for (const { stdout } of [
        await exec(ground.server, id, script),
        await ground.outcome(containerConfig(script)),
      ]) {
        expect(stdout.replaceAll('0 0\n', '')).toBe('');
      }
    });

    it('may share its processes: pid 1 is ours, and cannot be looked into', async () => {
      const pod = await ground.another(mapped(base, { pid: NamespaceMode.POD }));
      const mounts = { namespaceOptions: { pid: NamespaceMode.POD } };
      const viewer = await pod.run(withSecurity('exec sleep 1000', mounts));
      const seen = await exec(pod.server, viewer, 'wc -l </proc/1/mountinfo');
      expect(seen.stdout).toBe('1\n');
      const shared = { namespaceOptions: { pid: NamespaceMode.POD } };
      const all = { capabilities: { addCapabilities: ['ALL'] }, ...shared };
      const id = await pod.run(withSecurity(['sleep', '1000'], all));
      const found = await exec(
        ground.server,
        id,
        'cat /proc/1/comm; ls /proc/1/fd; ls /proc/1/root/; ls /proc/1/cwd/; cat /proc/1/maps; kill -9 1; sleep 0.1; cat /proc/1/comm; stat -c %u /proc/$$',
      );
      expect(found.stdout).toBe('estiba-init\nestiba-init\n0\n');
      const status = (await statusOf(ground.server, id)).state;
      expect(status).toBe(runtime.v1.ContainerState.CONTAINER_RUNNING);
      const pid = await pidOf(ground.server, id);
      expect((await ownersOf(pid)).get('pid')).toBe((await stat(`/proc/${pid}/ns/user`)).ino);
    });

    it('takes containers after a restart of the server too', async () => {
      await ground.server.stopServing();
      await ground.server.serve();
      const found = await ground.outcome(containerConfig('cat /proc/self/uid_map'));
      expect(found.stdout).toMatch(new RegExp(`^\\s+0\\s+${base}\\s`, 'u'));
    });

    it('is joined by a debugging container, which has the same ids', async () => {
      // As the kubelet has them: what covers a part of /proc is locked, and cannot be left out.
      const covered = { maskedPaths: ['/proc/kcore', '/proc/keys'], readonlyPaths: ['/proc/sys'] };
      const target = await ground.run(withSecurity(['sleep', '1000'], covered));
      const options = { pid: NamespaceMode.TARGET, targetId: target };
      const found = await ground.outcome(
        withSecurity('tr "\\0" " " </proc/1/cmdline; cat /proc/self/uid_map', {
          namespaceOptions: options,
        }),
      );
      expect(found.stdout).toMatch(new RegExp(`^sleep 1000 \\s+0\\s+${base}`, 'u'));
    });
  });
}

async function pidOf(server: TestServer, containerId: string): Promise<number> {
  const { info } = await server.client.runtime.containerStatus({ containerId, verbose: true });
  return (JSON.parse(info?.['info'] ?? '{}') as { pid: number }).pid;
}

/** Inodes of the user namespaces that own the namespaces of a process. */
async function ownersOf(pid: number): Promise<Map<string, number>> {
  const columns = ['--noheadings', '--raw', '--output', 'TYPE,ONS'];
  const { stdout } = await run('lsns', [...columns, '--task', String(pid)]);
  return new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([type, owner]) => [type ?? '', Number(owner)]),
  );
}

async function ownersIn(directory: string): Promise<Record<string, [number, number]>> {
  const names = ['.', ...(await readdir(directory, { recursive: true }))];
  const owners = names.map(async (name) => {
    const { uid, gid } = await stat(join(directory, name));
    return [name, [uid, gid]] as const;
  });
  return Object.fromEntries(await Promise.all(owners)) as Record<string, [number, number]>;
}
