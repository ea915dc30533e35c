// Volumes of pods with user namespaces, who can read what, and what is refused.
import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { importBusybox } from '../lib/images.ts';
import { containerConfig, exec } from '../lib/pods.ts';
import { TestServer } from '../lib/test-server.ts';
import { base, length, mapped, range } from '../lib/userns.ts';

const { NamespaceMode, MountPropagation } = runtime.v1;
const run = promisify(execFile);

type Options = runtime.v1.NamespaceOption.$Properties;

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

  it('on tmpfs is mapped, or refused by an old kernel, of which the log warned', async () => {
    const hostPath = await ground.directory('tmpfs');
    await run('mount', ['-t', 'tmpfs', 'secret', hostPath]);
    await writeFile(join(hostPath, 'token'), 'token\n', { mode: 0o600 });
    const mappings = { uidMappings: [range(base)], gidMappings: [range(base)] };
    const mounts = [{ hostPath, containerPath: '/secret', ...mappings }];
    const warned = ground.server.log.includes('volumes on tmpfs');
    const outcome = ground.outcome(containerConfig('cat /secret/token', { mounts }));
    await (warned
      ? expect(outcome).rejects.toThrow(/cannot idmap volume .*: file system tmpfs/u)
      : expect(outcome).resolves.toMatchObject({ stdout: 'token\n' }));
    await run('umount', ['-l', hostPath]);
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

  it('gets mounts of the host, but cannot send any to it, which the log tells', async () => {
    const hostPath = await ground.directory('slave');
    await run('mount', ['-t', 'tmpfs', 'shared', hostPath]);
    try {
      await run('mkdir', [join(hostPath, 'late'), join(hostPath, 'inner')]);
      const { PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL } = MountPropagation;
      const ids = [];
      for (const propagation of [PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL]) {
        const mounts = [{ hostPath, containerPath: '/volume', propagation }];
        const security = { capabilities: { addCapabilities: ['SYS_ADMIN'] } };
        ids.push(await ground.run(withSecurity(['sleep', '1000'], security, { mounts })));
      }
      await run('mount', ['-t', 'tmpfs', 'late', join(hostPath, 'late')]);
      await writeFile(join(hostPath, 'late', 'seen'), '');
      for (const id of ids) {
        const script =
          'ls /volume/late; mount -t tmpfs own /volume/inner && touch /volume/inner/mine; ls /volume/inner';
        const found = await exec(ground.server, id, script);
        expect(found).toMatchObject({ stderr: '', stdout: 'seen\nmine\n' });
        expect(await readdir(join(hostPath, 'inner'))).toEqual([]);
        await ground.server.client.runtime.removeContainer({ containerId: id });
      }
      const told = 'mounts that the container makes at \\"/volume\\" stay its own';
      expect(ground.server.log.split(told)).toHaveLength(2);
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

describe('a node whose layers are on a file system that cannot be id-mapped', () => {
  it('says so, refuses pods with user namespaces and runs the others', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'estiba-overlay-'));
    const before = process.env['TMPDIR'];
    for (const name of ['lower', 'upper', 'work', 'merged']) {
      await mkdir(join(scratch, name));
    }
    const layers = ['lower', 'upper', 'work'].map((name) => `${name}dir=${join(scratch, name)}`);
    const merged = join(scratch, 'merged');
    await run('mount', ['-t', 'overlay', '-o', layers.join(','), 'overlay', merged]);
    process.env['TMPDIR'] = merged;
    try {
      const server = await TestServer.start();
      const { runtimeHandlers } = await server.client.runtime.status({});
      expect(runtimeHandlers?.map(({ features }) => features?.userNamespaces)).toEqual([
        false,
        false,
      ]);
      await expect(Fixture.inPod(server, mapped(base))).rejects.toThrow(
        /FAILED_PRECONDITION.*cannot idmap layer .*: file system overlay does not support it/u,
      );
      await Fixture.inPod(server);
      expect(await server.stop()).toEqual([]);
    } finally {
      if (before === undefined) {
        delete process.env['TMPDIR'];
      } else {
        process.env['TMPDIR'] = before;
      }
      await run('umount', [merged]);
      await rm(scratch, { recursive: true });
    }
  });
});
