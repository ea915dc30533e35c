// Published escapes, replayed: a hostile image, then a hostile request. None may get out, and none may
// keep the server busy. Races are in cri/native/isolator/tests/escape.rs.
import { access, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TarInput } from '../../hack/images/tar-writer.ts';
import type { ImageInput } from '../../hack/images/build-image.ts';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { importOnBusybox } from '../lib/images.ts';
import {
  containerConfig,
  exec,
  hostNetworkPodConfig,
  podConfig,
  runContainer,
  runPod,
  statusOf,
} from '../lib/pods.ts';
import { binaries } from '../lib/test-server.ts';
import { limitMs } from '../lib/time.ts';

let ground: Fixture;
/** A directory of the host that nothing may be made in, with a secret that nobody may read. */
let outside: string;
/** The way there for a link inside a root: through the top, and by climbing. */
let climb: string;

const secret = 'secret of the host';
const corePattern = '/proc/sys/kernel/core_pattern';
let corePatternBefore: string;

beforeAll(async () => {
  ground = await Fixture.start();
  corePatternBefore = await readFile(corePattern, 'utf8');
  outside = await ground.directory('outside');
  climb = `${'../'.repeat(30)}${outside.slice(1)}`;
  await writeFile(join(outside, 'secret'), secret);
});

afterAll(async () => {
  expect(await readdir(outside)).toEqual(['secret']);
  expect(await readFile(corePattern, 'utf8')).toBe(corePatternBefore);
  expect(await ground.server.stop()).toEqual([]);
});

type Config = runtime.v1.ContainerConfig.$Properties;

let tag: string;
let counter = 0;

beforeEach(() => {
  tag = `localhost/estiba/hostile-${(counter += 1)}:latest`;
});

async function image(
  layer: readonly TarInput[],
  config: ImageInput['config'] = {},
): Promise<Partial<Config>> {
  await importOnBusybox(ground.server, tag, [layer], config);
  return { image: { image: tag } };
}

const link = (name: string, linkName: string): TarInput => ({ name, linkName, type: 'symlink' });

/** What the container printed, or why it was refused; either way the host stays as it was. */
async function tried(config: Config): Promise<string> {
  try {
    const { stdout, stderr } = await ground.outcome(config);
    return `${stdout}${stderr}`;
  } catch (error) {
    return String(error);
  }
}

async function expectNothingOutside(): Promise<void> {
  expect(await readdir(outside)).toEqual(['secret']);
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(`${outside} `);
  expect(await readFile(corePattern, 'utf8')).toBe(corePatternBefore);
}

describe('links in an image', () => {
  it.each([
    '/data',
    '/dev',
    '/etc/hosts',
    '/etc/hostname',
    '/etc/resolv.conf',
    '/etc/mtab',
    '/run',
  ])('at %s lead nowhere else when something is mounted or made there', async (place) => {
    const hostPath = await ground.directory('harmless');
    const change = await image([link(place.slice(1), climb)]);
    const mounts = [{ hostPath, containerPath: `${place}/made` }];
    const script = `cat ${place}/secret; ls ${place}/`;
    for (const config of [
      containerConfig(script, change),
      containerConfig(script, { ...change, mounts }),
      containerConfig(script, { ...change, workingDir: `${place}/cwd` }),
      containerConfig(script, { ...change, tty: true }),
    ]) {
      expect(await tried(config)).not.toContain(secret);
      await expectNothingOutside();
    }
  });

  it.each(['proc', 'sys'])(
    'at /%s are refused: its protection would be elsewhere',
    async (name) => {
      const change = await image([
        link(name, 'elsewhere'),
        { name: 'elsewhere', type: 'directory' },
      ]);
      await expect(ground.create(containerConfig('true', change))).rejects.toThrow(
        new RegExp(`"/${name}"`, 'u'),
      );
    },
  );

  it('do not take a volume that the image declares out of its root', async () => {
    const layer = [link('vol', climb), link('sub', '/proc')];
    const Volumes = { '/vol/made': {}, '/../../vol': {}, '/sub/sys/kernel': {} };
    for (const path of Object.keys(Volumes)) {
      tag = `${tag.replace(/:.*$/u, '')}-x:latest`;
      const change = await image(layer, { Volumes: { [path]: {} } });
      const printed = await tried(containerConfig('cat /vol/secret', change));
      expect(printed).not.toContain(secret);
      await expectNothingOutside();
    }
  });
});

describe('a path that is to be hidden', () => {
  it('and is a link shows nothing of what it leads to, and hides nothing of the host', async () => {
    const layer = [
      link('masked', climb),
      link('dev/null', corePattern),
      link('hidden', corePattern),
      link('readonly', `${climb}/secret`),
    ];
    const change = await image(layer);
    const config = withSecurity(
      `cat /masked/secret; echo '|/x' >/hidden; echo '|/x' >/dev/null; echo '|/x' >${corePattern}; head -c 20 /proc/keys`,
      {
        maskedPaths: ['/masked', '/hidden', '/proc/keys', '/proc/kcore'],
        readonlyPaths: ['/readonly', '/proc/sys'],
      },
      change,
    );
    expect(await tried(config)).not.toContain(secret);
    await expectNothingOutside();
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe(secret);
  });

  it('is not covered by a null device that a volume at /dev brings along', async () => {
    const hostPath = await ground.directory('fake-dev');
    await symlink(corePattern, join(hostPath, 'null'));
    await symlink('/proc/sysrq-trigger', join(hostPath, 'console'));
    await mkdir(join(hostPath, 'pts'));
    const mounts = [{ hostPath, containerPath: '/dev' }];
    for (const tty of [false, true]) {
      const config = withSecurity(
        `echo '|/x' >/proc/keys; echo '|/x' >/dev/console; cat /proc/keys`,
        { maskedPaths: ['/proc/keys'], readonlyPaths: ['/proc/sys', '/proc/sysrq-trigger'] },
        { mounts, tty },
      );
      expect(await tried(config)).not.toContain(corePatternBefore.trim());
      await expectNothingOutside();
    }
  });
});

describe('procfs', () => {
  it.each([
    '/proc/self/attr',
    '/proc/sys',
    '/proc/1',
    '/proc/sysrq-trigger',
    '/proc/./self/../sys',
  ])('cannot be covered at %s, where labels and limits are written', async (containerPath) => {
    const hostPath = await ground.directory('fake-proc');
    const config = containerConfig('true', { mounts: [{ hostPath, containerPath }] });
    await expect(ground.create(config)).rejects.toThrow(/INVALID_ARGUMENT.*procfs/u);
  });

  it('cannot be reached through a link of the image either', async () => {
    const hostPath = await ground.directory('fake-proc');
    const change = await image([link('door', '/proc')]);
    for (const containerPath of ['/door/sys', '/door/self/attr']) {
      const mounts = [{ hostPath, containerPath }];
      const config = containerConfig('true', { ...change, mounts });
      await expect(ground.create(config)).rejects.toThrow(/procfs/u);
    }
  });
});

describe('a working directory', () => {
  const shapes = ['/proc/self/fd/N', '/proc/self/fd/N/../../..', '/proc/1/cwd', '/proc/1/root'];
  const places = shapes.flatMap((shape) =>
    shape.includes('N') ? [3, 5, 7, 9, 11].map((n) => shape.replace('N', String(n))) : [shape],
  );

  it('behind a descriptor of the helper is refused, or inside', async () => {
    const script = `cat ${climb}/secret; cat ../../..${outside}/secret; cat .${outside}/secret`;
    for (const workingDir of places) {
      expect(await tried(containerConfig(script, { workingDir }))).not.toContain(secret);
    }
    const change = await image([], { WorkingDir: '/proc/self/fd/8' });
    expect(await tried(containerConfig(script, change))).not.toContain(secret);
  });
});

describe('the helper', () => {
  it('is not there to be overwritten or copied by an image that runs /proc/self/exe', async () => {
    const script = '/proc/self/exe';
    const change = await image([], { Entrypoint: [script, '--version'] });
    const config = containerConfig('', { ...change, command: [] });
    const printed = await tried(config);
    expect(printed).not.toContain('launcher is ready');
    const id = await ground.wait();
    const writing = await exec(
      ground.server,
      id,
      'for p in /proc/[0-9]*; do case $(cat $p/comm) in estiba*) echo x >$p/exe && echo WRITTEN;; esac; done',
    );
    expect(writing.stdout).not.toContain('WRITTEN');
  });

  it('is not there to be overwritten by an exec that leads to it either', async () => {
    const before = await readFile(binaries.isolator);
    // CVE-2019-5736: the program of the exec is the one that runs it, and its file is written to.
    const layer = [
      { name: 'bin/evil', content: '#!/proc/self/exe\n', mode: 0o755 },
      link('bin/link', '/proc/self/exe'),
    ];
    const watch =
      'while :; do for p in /proc/[0-9]*; do case $(cat $p/comm) in sleep|sh) ;; ' +
      '*) echo owned >$p/exe && echo WRITTEN;; esac; done; done 2>/dev/null';
    const config = containerConfig(watch, { ...(await image(layer)), logPath: 'watch.log' });
    const id = await ground.run(config);
    for (const program of ['/proc/self/exe', '/proc/1/exe', '/bin/evil', '/bin/link']) {
      for (const word of ['--version', 'serve', 'create']) {
        const call = ground.server.client.runtime.execSync({
          containerId: id,
          cmd: [program, word],
        });
        const reply = await call.catch((error: unknown) => ({ stdout: String(error) }));
        expect(Buffer.from(reply.stdout ?? []).toString('utf8')).not.toContain('launcher is ready');
      }
    }
    const { logPath } = await statusOf(ground.server, id);
    expect(await readFile(logPath ?? '', 'utf8')).not.toContain('WRITTEN');
    await ground.server.client.runtime.removeContainer({ containerId: id });
    expect((await readFile(binaries.isolator)).equals(before)).toBe(true);
  });

  it('listens nowhere that a pod on the host’s network could connect to', async () => {
    const config = hostNetworkPodConfig({ logDirectory: await ground.directory('logs') });
    const podSandboxId = await runPod(ground.server, config);
    const id = await runContainer(
      ground.server,
      podSandboxId,
      config,
      containerConfig(['sleep', '1000']),
    );
    const { stdout } = await exec(ground.server, id, 'grep -a @ /proc/net/unix; true');
    expect(stdout).not.toMatch(/estiba|monitor|launcher/u);
    await ground.server.client.runtime.removePodSandbox({ podSandboxId });
  });

  it('gives no inheritable capability, not even to a privileged container and its execs', async () => {
    const namespaceOptions = ground.pod.linux?.securityContext?.namespaceOptions ?? {};
    const pod = await ground.another({
      linux: { securityContext: { privileged: true, namespaceOptions } },
    });
    const look = 'grep -E "Cap(Inh|Amb)" /proc/self/status';
    const none = 'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000\n';
    const config = withSecurity(look, { privileged: true });
    expect((await pod.outcome(config)).stdout).toBe(none);
    const id = await pod.run(withSecurity(['sleep', '1000'], { privileged: true }));
    expect((await exec(ground.server, id, look)).stdout).toBe(none);
  });
});

describe('users', () => {
  it.each(['4294967296', '4294967295', '-1', '0x0', '00000000004294967296', '1000\n0', '1000:-1'])(
    'that an image writes as %j never become root by wrapping or cutting',
    async (User) => {
      const change = await image([], { User });
      const printed = await tried(containerConfig('id -u', change));
      expect(printed).toMatch(/Error|INVALID_ARGUMENT|NOT_FOUND/u);
    },
  );

  it.each([-1, 2 ** 32, 2 ** 32 - 1, 2 ** 40])('by number %d are refused', async (value) => {
    const config = withSecurity('id -u', { runAsUser: { value: toLong(value) } });
    await expect(ground.create(config)).rejects.toThrow(/INVALID_ARGUMENT/u);
  });

  it('are not added to the image’s passwd by what the environment holds', async () => {
    const lines = 'x:/\nmallory::0:0::/:/bin/sh\n';
    const envs = [{ key: 'HOME', value: Buffer.from(lines) }];
    const script = 'grep -c mallory /etc/passwd; id -u mallory';
    const config = withSecurity(script, { runAsUser: { value: toLong(1001) } }, { envs });
    expect(await tried(config)).toMatch(/^0\n/u);
  });

  const hostile: readonly (readonly [string, readonly TarInput[]])[] = [
    ['that never ends', [link('etc/passwd', '/dev/zero')]],
    ['that is a pipe', [{ name: 'etc/passwd', type: 'fifo' }]],
    ['that is a directory', [{ name: 'etc/passwd', type: 'directory' }]],
    ['of one endless line', [{ name: 'etc/passwd', content: Buffer.alloc(64 << 20, 'x') }]],
    ['that is kernel memory', [link('etc/passwd', '/proc/kcore')]],
    ['of the host', [link('etc/passwd', `../${'../'.repeat(30)}etc/passwd`)]],
  ];

  it.each(hostile)('are not looked for in a passwd %s', async (_what, layer) => {
    const change = await image(layer, { User: 'mallory' });
    const before = performance.now();
    const printed = await tried(containerConfig('id -u', change));
    expect(printed).toMatch(/mallory|passwd/u);
    expect(performance.now() - before).toBeLessThan(limitMs(10_000));
  });
});

describe('text that ends up in files and kernel settings', () => {
  const refused = async (change: Partial<runtime.v1.PodSandboxConfig.$Properties>) => {
    const config = podConfig(change);
    await expect(runPod(ground.server, config)).rejects.toThrow(/INVALID_ARGUMENT/u);
  };

  it('is refused with a line break in it: host name, DNS', async () => {
    await refused({ hostname: 'a\n6.6.6.6 kubernetes.default' });
    await refused({ dnsConfig: { servers: ['1.1.1.1\nnameserver 6.6.6.6'] } });
    await refused({ dnsConfig: { searches: ['a\nnameserver 6.6.6.6'] } });
    await refused({ dnsConfig: { options: ['ndots:5\nnameserver 6.6.6.6'] } });
  });

  it.each([
    ['kernel.shm_rmid_forced', '1+kernel.core_pattern=|/x'],
    ['kernel.shm_rmid_forced', '1\nkernel.core_pattern = |/x'],
    ['net/../kernel/core_pattern', '|/x'],
    ['net.ipv4.ip_forward/../../../kernel/core_pattern', '|/x'],
    ['kernel.core_pattern', '|/x'],
    ['net...kernel.core_pattern', '|/x'],
  ])('cannot carry another sysctl: %j = %j', async (name, value) => {
    const config = podConfig({
      linux: { ...podConfig().linux, sysctls: { [name]: value } },
    });
    await expect(runPod(ground.server, config)).rejects.toThrow(/cannot/u);
    await expectNothingOutside();
  });

  it('cannot lead a log or a cgroup elsewhere', async () => {
    for (const logPath of ['../../escaped.log', 'a/../../../escaped.log', 'a/..', '..']) {
      await expect(ground.create(containerConfig('true', { logPath }))).rejects.toThrow(
        /INVALID_ARGUMENT.*log/u,
      );
    }
    // Absolute or not, it is below the pod's log directory.
    await ground.outcome(containerConfig('true', { logPath: '/etc/escaped.log' }));
    await expect(access('/etc/escaped.log')).rejects.toThrow('ENOENT');
    for (const cgroupParent of ['/../../escaped', '/a/../../escaped', 'escaped\n']) {
      await refused({ linux: { ...podConfig().linux, cgroupParent } });
    }
  });

  it('in an image’s labels and annotations is nobody’s instruction', async () => {
    const target = join(outside, 'ran');
    const change = await image([], {
      Labels: {
        'io.containerd.image.log-uri': `binary:///bin/touch?${target}`,
        'org.opencontainers.image.ref.name': '../../../etc/passwd',
        'cdi.k8s.io/x': 'vendor.com/class=device',
      },
    });
    expect(await tried(containerConfig('echo ran', change))).toBe('ran\n');
    await expectNothingOutside();
  });
});
