// Volumes, for either way of mounting: binds with all their rights and propagations, and what images put in their way.
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { importOnBusybox } from '../lib/images.ts';
import { containerConfig, exec, statusOf } from '../lib/pods.ts';
import type { TestServerOptions } from '../lib/test-server.ts';

const { MountPropagation } = runtime.v1;
const run = promisify(execFile);

/** An image with links and files where volumes are mounted. */
const tricky = 'localhost/estiba/tricky:latest';

type Mount = runtime.v1.Mount.$Properties;

const mounting = (script: string, ...mounts: Mount[]) => containerConfig(script, { mounts });

/** Of the host, sorted. */
async function mountPoints(): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const lines = table.trim().split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').toSorted();
}

/** The tests, against a server with these options. */
export function testVolumes(options: TestServerOptions): void {
  let ground: Fixture;

  beforeAll(async () => {
    ground = await Fixture.start(options);
    await importOnBusybox(
      ground.server,
      tricky,
      [
        [
          { name: 'inside/', type: 'directory' },
          { name: 'inside/file', content: 'of the image\n' },
          { name: 'link', type: 'symlink', linkName: '/inside' },
          { name: 'climb', type: 'symlink', linkName: '../../../../../../tmp' },
          { name: 'dangling', type: 'symlink', linkName: '/not/there' },
          { name: 'loop', type: 'symlink', linkName: 'loop' },
          { name: 'data/', type: 'directory', mode: 0o750, uid: 33, gid: 33 },
          { name: 'data/kept', content: 'kept\n', uid: 33 },
        ],
      ],
      { Volumes: { '/data': {}, '/made/for/you': {} }, WorkingDir: '/work/dir' },
    );
  });

  afterAll(async () => {
    expect(await ground.server.stop()).toEqual([]);
  });

  describe('a bind', () => {
    it('is writable, or not; and the status tells the mounts as asked, already when created', async () => {
      const hostPath = await ground.directory('plain');
      const mounts: Mount[] = [
        { hostPath, containerPath: '/rw' },
        { hostPath, containerPath: '/ro', readonly: true, selinuxRelabel: true },
      ];
      const config = containerConfig('touch /rw/written; touch /ro/not; ls /ro', { mounts });
      const id = await ground.create(config);
      const told = (await statusOf(ground.server, id)).mounts ?? [];
      expect(told.map((mount) => [mount.containerPath, mount.hostPath, mount.readonly])).toEqual([
        ['/rw', hostPath, false],
        ['/ro', hostPath, true],
      ]);
      await ground.server.client.runtime.removeContainer({ containerId: id });
      const found = await ground.outcome({ ...config, metadata: { name: 'rw', attempt: 0 } });
      expect(found.stdout).toBe('written\n');
      expect(found.stderr).toContain('Read-only file system');
    });

    it('may be a file, a link on the host, or below another', async () => {
      const hostPath = await ground.directory('kinds');
      await writeFile(join(hostPath, 'file'), 'of the host\n');
      await symlink(hostPath, `${hostPath}-link`);
      const config = mounting(
        'cat /etc/one /deep/er/link/file; ls /below/a',
        { hostPath: join(hostPath, 'file'), containerPath: '/etc/one', readonly: true },
        { hostPath: `${hostPath}-link`, containerPath: '/deep/er/link' },
        // The inner one first: they are ordered by depth.
        { hostPath, containerPath: '/below/a' },
        { hostPath: await ground.directory('outer'), containerPath: '/below' },
      );
      const found = await ground.outcome(config);
      expect(found).toMatchObject({ stderr: '', stdout: 'of the host\nof the host\nfile\n' });
    });

    it('of a host path that is not there is refused, naming it, and nothing is left', async () => {
      const missing = join(ground.server.stateDir, 'not', 'there');
      const config = mounting('true', { hostPath: missing, containerPath: '/volume' });
      await expect(ground.create(config)).rejects.toThrow(
        new RegExp(`${missing}.*no such file`, 'iu'),
      );
      const { containers } = await ground.server.client.runtime.listContainers({});
      expect(containers?.map(({ metadata }) => metadata?.name)).not.toContain(
        config.metadata?.name,
      );
    });

    it('replaces the files that we mount', async () => {
      const hostPath = join(await ground.directory('hosts'), 'hosts');
      await writeFile(hostPath, 'mine\n');
      const found = await ground.outcome(
        mounting('cat /etc/hosts', { hostPath, containerPath: '/etc/hosts' }),
      );
      expect(found.stdout).toBe('mine\n');
    });

    it('follows links of the image inside the image only', async () => {
      const hostPath = await ground.directory('target');
      await writeFile(join(hostPath, 'mark'), 'mark\n');
      const change = {
        image: { image: tricky },
        mounts: [
          { hostPath, containerPath: '/link/sub' },
          { hostPath, containerPath: '/climb/estiba-climbed' },
        ],
      };
      const script = 'cat /inside/sub/mark /tmp/estiba-climbed/mark; ls /inside';
      const found = await ground.outcome(containerConfig(script, change));
      expect(found).toMatchObject({ stderr: '', stdout: 'mark\nmark\nfile\nsub\n' });
      await expect(readFile('/tmp/estiba-climbed/mark')).rejects.toThrow('ENOENT');
    });

    it('at a link to nowhere is made there, and at a loop refused', async () => {
      const hostPath = await ground.directory('nowhere');
      const at = (containerPath: string) => ({
        image: { image: tricky },
        mounts: [{ hostPath, containerPath }],
      });
      const loop = ground.create(containerConfig('true', at('/loop/x')));
      await expect(loop).rejects.toThrow(/\/loop\/x.*symbolic links/iu);
      const made = ground.outcome(containerConfig('ls -d /not/there/x', at('/dangling/x')));
      await expect(made).resolves.toMatchObject({ stderr: '', stdout: '/not/there/x\n' });
    });
  });

  describe('the options of a mount', () => {
    it('take away what they say', async () => {
      const hostPath = await ground.directory('options');
      await run('cp', ['/bin/busybox', join(hostPath, 'busybox')]);
      await run('mknod', [join(hostPath, 'null'), 'c', '1', '3']);
      const volume = { hostPath, containerPath: '/volume', mountOptions: ['noexec', 'nodev'] };
      const found = await ground.outcome(
        mounting('/volume/busybox true; echo x >/volume/null', volume),
      );
      expect(found.stderr.match(/Permission denied/gu)).toHaveLength(2);
    });

    it('are refused when they would change more than rights', async () => {
      const hostPath = await ground.directory('odd');
      for (const option of ['suid', 'bind', 'context=x', 'ro,rw']) {
        const volume = { hostPath, containerPath: '/volume', mountOptions: [option] };
        await expect(ground.create(mounting('true', volume))).rejects.toThrow(
          new RegExp(`INVALID_ARGUMENT.*mount option "${option}"`, 'u'),
        );
      }
    });
  });

  describe('a pod', () => {
    it('has one /dev/shm for its containers and message queues of its own', async () => {
      const [one, other] = [await ground.wait(), await ground.wait()];
      await exec(ground.server, one, 'echo shared >/dev/shm/word; touch /dev/mqueue/queue');
      const seen = await exec(ground.server, other, 'cat /dev/shm/word; ls /dev/mqueue');
      expect(seen.stdout).toBe('shared\nqueue\n');
      const stranger = await (await ground.another()).wait();
      const unseen = await exec(ground.server, stranger, 'ls -A /dev/shm /dev/mqueue');
      expect(unseen.stdout).not.toMatch(/word|queue\n$/u);
      await expect(readFile('/dev/mqueue/queue')).rejects.toThrow('ENOENT');
    });
  });

  describe('propagation', () => {
    it('needs a mount of the host that has it, and says so', async () => {
      const hostPath = await ground.directory('not-shared');
      await run('mount', ['-t', 'tmpfs', 'private', hostPath]);
      await run('mount', ['--make-private', hostPath]);
      try {
        for (const [propagation, why] of [
          [MountPropagation.PROPAGATION_HOST_TO_CONTAINER, /not on a shared or slave mount/u],
          [MountPropagation.PROPAGATION_BIDIRECTIONAL, /not on a shared mount/u],
        ] as const) {
          const volume = { hostPath, containerPath: '/volume', propagation };
          await expect(ground.create(mounting('true', volume))).rejects.toThrow(why);
        }
      } finally {
        await run('umount', [hostPath]);
      }
    });

    /** Mounts a tmpfs on the host after start, then binds one inside; tells who saw which. */
    async function seen(propagation: runtime.v1.MountPropagation): Promise<[string, string]> {
      const name = `propagation-${propagation}`;
      const hostPath = await ground.directory(name);
      await run('mount', ['--bind', hostPath, hostPath]);
      await run('mount', ['--make-shared', hostPath]);
      await mkdir(join(hostPath, 'late'));
      await mkdir(join(hostPath, 'inner'));
      const options = ground.pod.linux?.securityContext?.namespaceOptions ?? {};
      const pod = await ground.another({
        linux: { securityContext: { privileged: true, namespaceOptions: options } },
      });
      try {
        const mounts = [{ hostPath, containerPath: '/volume', propagation }];
        const config = withSecurity(['sleep', '1000'], { privileged: true }, { mounts });
        const id = await pod.run(config);
        await run('mount', ['-t', 'tmpfs', 'late', join(hostPath, 'late')]);
        await writeFile(join(hostPath, 'late', 'from-host'), '');
        const inside = await exec(pod.server, id, 'ls /volume/late');
        const bound = await exec(pod.server, id, 'mount --bind /etc /volume/inner');
        expect(bound).toMatchObject({ stderr: '', exitCode: 0 });
        const { stdout: outside } = await run('ls', [join(hostPath, 'inner')]);
        return [inside.stdout.trim(), outside.includes('passwd') ? 'passwd' : ''];
      } finally {
        await pod.server.client.runtime.removePodSandbox({ podSandboxId: pod.podSandboxId });
        await run('umount', ['-l', '-R', hostPath]);
      }
    }

    it.each([
      ['private', MountPropagation.PROPAGATION_PRIVATE, ['', '']],
      ['host to container', MountPropagation.PROPAGATION_HOST_TO_CONTAINER, ['from-host', '']],
      ['bidirectional', MountPropagation.PROPAGATION_BIDIRECTIONAL, ['from-host', 'passwd']],
    ])('%s', async (_name, mode, expected) => {
      expect(await seen(mode)).toEqual(expected);
    });

    /** A directory of the host that is a mount of its own and shared, while `act` runs. */
    async function whileShared(name: string, act: (hostPath: string) => Promise<void>) {
      const hostPath = await ground.directory(name);
      await run('mount', ['--bind', hostPath, hostPath]);
      try {
        // With no peer on the host, where a mount would appear twice.
        await run('mount', ['--make-private', hostPath]);
        await run('mount', ['--make-shared', hostPath]);
        await mkdir(join(hostPath, 'late'));
        await act(hostPath);
      } finally {
        await run('umount', ['-l', '-R', hostPath]);
      }
    }

    it.each([
      ['not in a private volume', MountPropagation.PROPAGATION_PRIVATE, ''],
      ['from the host', MountPropagation.PROPAGATION_HOST_TO_CONTAINER, 'from-host\n'],
      ['in both directions', MountPropagation.PROPAGATION_BIDIRECTIONAL, 'from-host\n'],
    ])('between create and start: %s', async (what, propagation, expected) => {
      await whileShared(`between-${propagation}`, async (hostPath) => {
        const options = ground.pod.linux?.securityContext?.namespaceOptions ?? {};
        const pod = await ground.another({
          linux: { securityContext: { privileged: true, namespaceOptions: options } },
        });
        const mounts = [{ hostPath, containerPath: '/volume', propagation }];
        const config = withSecurity(['sleep', '1000'], { privileged: true }, { mounts });
        const id = await pod.create(config);
        await run('mount', ['-t', 'tmpfs', 'late', join(hostPath, 'late')]);
        await writeFile(join(hostPath, 'late', 'from-host'), '');
        await ground.server.client.runtime.startContainer({ containerId: id });
        expect((await exec(ground.server, id, 'ls /volume/late')).stdout, what).toBe(expected);
        // What the host takes away goes away.
        await run('umount', [join(hostPath, 'late')]);
        expect((await exec(ground.server, id, 'ls /volume/late')).stdout, what).toBe('');
        await ground.server.client.runtime.removePodSandbox({ podSandboxId: pod.podSandboxId });
      });
    });

    it('takes from the host what the container unmounts, leaves what it leaves, and nothing of ours', async () => {
      await whileShared('both-ways', async (hostPath) => {
        await mkdir(join(hostPath, 'kept'));
        const propagation = MountPropagation.PROPAGATION_BIDIRECTIONAL;
        const options = ground.pod.linux?.securityContext?.namespaceOptions ?? {};
        const before = await mountPoints();
        const pod = await ground.another({
          linux: { securityContext: { privileged: true, namespaceOptions: options } },
        });
        const mounts = [{ hostPath, containerPath: '/volume', propagation }];
        const config = withSecurity(['sleep', '1000'], { privileged: true }, { mounts });
        const id = await pod.run(config);
        const mounting = 'mount -t tmpfs x /volume/late && mount -t tmpfs x /volume/kept';
        expect(await exec(ground.server, id, mounting)).toMatchObject({ stderr: '', exitCode: 0 });
        const [late, kept] = [join(hostPath, 'late'), join(hostPath, 'kept')];
        expect(await mountPoints()).toEqual(expect.arrayContaining([late, kept]));
        await exec(ground.server, id, 'umount /volume/late');
        expect(await mountPoints()).not.toContain(late);
        await ground.server.client.runtime.removePodSandbox({ podSandboxId: pod.podSandboxId });
        // As with other runtimes: a driver of volumes may be replaced while its mounts are in use.
        expect(await mountPoints()).toEqual([...before, kept].toSorted());
      });
    });
  });

  describe('read-only volumes', () => {
    it('are not read-only below, unless that is asked for', async () => {
      const hostPath = await ground.directory('layers');
      await mkdir(join(hostPath, 'sub'));
      await run('mount', ['-t', 'tmpfs', 'sub', join(hostPath, 'sub')]);
      const volume = { hostPath, containerPath: '/volume', readonly: true };
      const script = 'touch /volume/sub/file; touch /volume/file';
      const shallow = await ground.outcome(mounting(script, volume));
      expect(shallow.stderr).toBe('touch: /volume/file: Read-only file system\n');
      const deep = await ground.outcome(mounting(script, { ...volume, recursiveReadOnly: true }));
      expect(deep.stderr.match(/Read-only file system/gu)).toHaveLength(2);
      await run('umount', [join(hostPath, 'sub')]);
    });

    it('recursive ones need readonly and private propagation', async () => {
      const hostPath = await ground.directory('refused');
      const volume = { hostPath, containerPath: '/volume', recursiveReadOnly: true };
      await expect(ground.create(mounting('true', volume))).rejects.toThrow(/without readonly/u);
      const propagation = MountPropagation.PROPAGATION_BIDIRECTIONAL;
      const shared = mounting('true', { ...volume, readonly: true, propagation });
      await expect(ground.create(shared)).rejects.toThrow(/needs private propagation/u);
    });
  });

  describe('what the image asks for', () => {
    it('is there: its volumes with their content and owner, its working directory', async () => {
      const script =
        'pwd; cat /data/kept; stat -c "%a %u %g" /data; ls -d /made/for/you; touch /data/new /made/for/you/new';
      const found = await ground.outcome(containerConfig(script, { image: { image: tricky } }));
      expect(found).toMatchObject({
        stderr: '',
        stdout: '/work/dir\nkept\n750 33 33\n/made/for/you\n',
      });
    });

    it('stays writable at its volumes when the root is read-only', async () => {
      const change = { image: { image: tricky } };
      const script = 'cat /data/kept; touch /data/new /made/for/you/new && touch /new';
      const found = await ground.outcome(withSecurity(script, { readonlyRootfs: true }, change));
      expect(found.stdout).toBe('kept\n');
      expect(found.stderr).toBe('touch: /new: Read-only file system\n');
    });

    it('gives way to the volumes of the pod', async () => {
      const hostPath = await ground.directory('over');
      await chmod(hostPath, 0o711);
      const change = { image: { image: tricky }, mounts: [{ hostPath, containerPath: '/data' }] };
      const found = await ground.outcome(containerConfig('ls /data; stat -c %a /data', change));
      expect(found).toMatchObject({ stderr: '', stdout: '711\n' });
    });
  });
}
