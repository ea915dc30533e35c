// Pods with user namespaces: their root is nobody on the host, and owns everything of its pod.
import { execFile } from 'node:child_process';
import { chmod, chown, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { importBusybox, importOnBusybox } from '../lib/images.ts';
import { containerConfig, exec, statusOf } from '../lib/pods.ts';
import { TestServer } from '../lib/test-server.ts';

const { NamespaceMode, MountPropagation } = runtime.v1;
const run = promisify(execFile);

type Options = runtime.v1.NamespaceOption.$Properties;
type Sandbox = runtime.v1.PodSandboxConfig.$Properties;

const length = 65_536;
const base = 1_048_576;
const owned = 'localhost/estiba/owned:latest';

const range = (hostId: number) => ({ hostId, containerId: 0, length });

/** The security context of a pod whose root is `hostId`. */
function mapped(hostId: number, options: Options = {}): Partial<Sandbox> {
  const ranges = [range(hostId)];
  return {
    linux: {
      securityContext: {
        namespaceOptions: {
          network: NamespaceMode.POD,
          pid: NamespaceMode.CONTAINER,
          ipc: NamespaceMode.POD,
          usernsOptions: { mode: NamespaceMode.POD, uids: ranges, gids: ranges },
          ...options,
        },
      },
    },
  };
}

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

    it('may share its processes: pid 1 is ours, and cannot be looked into', async () => {
      const pod = await ground.another(mapped(base, { pid: NamespaceMode.POD }));
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

    it('is joined by a debugging container, which has the same ids', async () => {
      const target = await ground.wait();
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

describe('a volume', () => {
  let ground: Fixture;

  beforeAll(async () => {
    ground = await Fixture.start({}, mapped(base));
  });

  afterAll(async () => {
    expect(await ground.server.stop()).toEqual([]);
  });

  it('shows the ids on disk where the mount has mappings, and nobody where it has none', async () => {
    const hostPath = await ground.directory('mapped');
    await chmod(hostPath, 0o700);
    await writeFile(join(hostPath, 'of-root'), 'root\n', { mode: 0o600 });
    await writeFile(join(hostPath, 'of-33'), '');
    await chown(join(hostPath, 'of-33'), 33, 33);
    const mappings = { uidMappings: [range(base)], gidMappings: [range(base)] };
    const found = await ground.outcome(
      containerConfig(
        'cat /mapped/of-root; stat -c %u /mapped /mapped/of-33; echo new >/mapped/new; chown 7 /mapped/new; stat -c %u /plain; ls /plain',
        {
          mounts: [
            { hostPath, containerPath: '/mapped', ...mappings },
            { hostPath, containerPath: '/plain' },
          ],
        },
      ),
    );
    expect(found.stdout).toBe('root\n0\n33\n65534\n');
    expect(found.stderr).toContain('Permission denied');
    expect((await stat(join(hostPath, 'new'))).uid).toBe(7);
  });

  it('on a file system that cannot be mapped is refused, which names it', async () => {
    const mappings = { uidMappings: [range(base)], gidMappings: [range(base)] };
    const mounts = [{ hostPath: '/proc/sys', containerPath: '/sysctls', ...mappings }];
    await expect(ground.create(containerConfig('true', { mounts }))).rejects.toThrow(
      /FAILED_PRECONDITION.*cannot idmap volume "\/proc\/sys": file system proc does not support it/u,
    );
  });

  it('may have mappings of its own', async () => {
    const hostPath = await ground.directory('own');
    await chown(hostPath, 70, 70);
    const ranges = [{ hostId: base + 5, containerId: 70, length: 1 }];
    const mounts = [{ hostPath, containerPath: '/own', uidMappings: ranges, gidMappings: ranges }];
    const found = await ground.outcome(containerConfig('stat -c %u:%g /own', { mounts }));
    expect(found).toMatchObject({ stderr: '', stdout: '5:5\n' });
  });

  it('gets mounts of the host, but cannot send any to it', async () => {
    const hostPath = await ground.directory('slave');
    await run('mount', ['-t', 'tmpfs', 'shared', hostPath]);
    try {
      await run('mkdir', [join(hostPath, 'late')]);
      const propagation = MountPropagation.PROPAGATION_HOST_TO_CONTAINER;
      const id = await ground.wait({
        mounts: [{ hostPath, containerPath: '/volume', propagation }],
      });
      await run('mount', ['-t', 'tmpfs', 'late', join(hostPath, 'late')]);
      await writeFile(join(hostPath, 'late', 'seen'), '');
      expect((await exec(ground.server, id, 'ls /volume/late')).stdout).toBe('seen\n');
      const both = {
        hostPath,
        containerPath: '/v',
        propagation: MountPropagation.PROPAGATION_BIDIRECTIONAL,
      };
      await expect(ground.create(containerConfig('true', { mounts: [both] }))).rejects.toThrow(
        /bidirectional.*user namespace/u,
      );
      await ground.server.client.runtime.removeContainer({ containerId: id });
    } finally {
      await run('umount', ['-R', hostPath]);
    }
  });
});

describe('pods of different ranges', () => {
  let ground: Fixture;

  beforeAll(async () => {
    ground = await Fixture.start({}, mapped(base));
  });

  afterAll(async () => {
    expect(await ground.server.stop()).toEqual([]);
  });

  it('cannot read each other’s files, nor the host’s', async () => {
    const hostPath = await ground.directory('secrets');
    await chmod(hostPath, 0o777);
    await writeFile(join(hostPath, 'of-the-host'), 'host\n', { mode: 0o600 });
    const mounts = [{ hostPath, containerPath: '/volume' }];
    const first = await ground.wait({ mounts });
    await exec(ground.server, first, 'umask 077; echo secret >/volume/first');
    expect((await stat(join(hostPath, 'first'))).uid).toBe(base);
    const pod = await ground.another(mapped(base + length));
    const all = { capabilities: { addCapabilities: ['ALL'] } };
    const second = await pod.run(withSecurity(['sleep', '1000'], all, { mounts }));
    const found = await exec(ground.server, second, 'cat /volume/first; cat /volume/of-the-host');
    expect(found.stdout).toBe('');
    expect(found.stderr.match(/Permission denied/gu)).toHaveLength(2);
  });
});

describe('the node', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await TestServer.start();
  });

  afterAll(async () => {
    expect(await server.stop()).toEqual([]);
  });

  it('says for every handler that user namespaces work here', async () => {
    const { runtimeHandlers } = await server.client.runtime.status({});
    expect(runtimeHandlers?.map((handler) => handler.features?.userNamespaces)).toEqual([
      true,
      true,
    ]);
  });

  it('refuses what is no user namespace of one range, and leaves nothing', async () => {
    const { POD, NODE, CONTAINER, TARGET } = NamespaceMode;
    const ranges = [range(base)];
    const two = [range(base), { hostId: base + length, containerId: length, length }];
    const cases: [Options, RegExp][] = [
      [{ usernsOptions: { mode: POD, uids: two, gids: two } }, /2 ranges of uids, not one/u],
      [
        {
          usernsOptions: {
            mode: POD,
            uids: [{ ...range(base), containerId: 1 }],
            gids: ranges,
          },
        },
        /begins with 1, not with root/u,
      ],
      [{ usernsOptions: { mode: CONTAINER } }, /"CONTAINER" is neither POD nor NODE/u],
      [{ usernsOptions: { mode: TARGET } }, /"TARGET" is neither POD nor NODE/u],
      [{ usernsOptions: { mode: POD } }, /0 ranges of uids/u],
      [{ usernsOptions: { mode: NODE, uids: ranges } }, /mappings with mode NODE/u],
      [{ network: NODE }, /the host's network namespace/u],
      [{ pid: NODE }, /the host's pid namespace/u],
      [{ ipc: NODE }, /the host's ipc namespace/u],
    ];
    for (const [options, why] of cases) {
      await expect(Fixture.inPod(server, mapped(base, options))).rejects.toThrow(why);
    }
    expect((await server.client.runtime.listPodSandbox({})).items).toEqual([]);
    expect(await readdir(join(server.runDir, 'pods'))).toEqual([]);
  });

  it('refuses a container that asks for other ids than its pod', async () => {
    const ground = await Fixture.inPod(server, mapped(base));
    const ranges = [range(base + length)];
    const usernsOptions = { mode: NamespaceMode.POD, uids: ranges, gids: ranges };
    const namespaceOptions = { pid: NamespaceMode.CONTAINER, usernsOptions };
    await importBusybox(server);
    const config = withSecurity('true', { namespaceOptions });
    await expect(ground.create(config)).rejects.toThrow(/asks for users .*, its pod has users /u);
  });
});

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
