// Debian's containerd and podman run containers with our helper as their OCI runtime.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  command,
  containerdPaths,
  EngineGround,
  hasProgram,
  onTerminal,
  type Ended,
} from '../lib/oci-engine.ts';
import { eventually } from '../lib/pods.ts';
import { skip } from '../lib/skip.ts';
import { binaries } from '../lib/test-server.ts';
import { limitMs } from '../lib/time.ts';

/** Ends by TERM with 7, as pid 1 too. */
const untilTerm = 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done';

describe('containerd', async () => {
  const isThere = (await hasProgram('containerd')) && (await hasProgram('ctr'));
  let ground: EngineGround;
  let daemon: ChildProcess | undefined;
  let ended: Promise<unknown[]>;
  let log = '';

  const ctr = async (...words: string[]): Promise<Ended> =>
    command(['ctr', '--address', join(ground.dir, 'containerd.sock'), ...words]);

  const runtime = (name: string): string[] => [
    '--rootfs',
    '--runc-binary',
    binaries.isolator,
    '--runc-root',
    join(ground.dir, 'runc'),
    '--cgroup',
    `${ground.cgroup}/${name}`,
    ground.rootfs,
    name,
  ];

  const statusOf = async (name: string): Promise<string | undefined> => {
    const { stdout } = await ctr('task', 'ls');
    const line = stdout.split('\n').find((one) => one.startsWith(`${name} `));
    return line?.trim().split(/\s+/u).at(-1);
  };

  const start = async (name: string, script: string): Promise<void> => {
    const told = await ctr('run', '--detach', ...runtime(name), 'sh', '-c', script);
    expect(told).toMatchObject({ code: 0, stderr: '' });
  };

  beforeAll(async () => {
    ground = await EngineGround.make();
    if (!isThere) {
      return;
    }
    const { dir } = ground;
    const disabled = 'disabled_plugins = ["io.containerd.grpc.v1.cri"]';
    await writeFile(join(dir, 'config.toml'), `${disabled}\n${containerdPaths(dir)}\n`);
    daemon = spawn('containerd', ['--config', join(dir, 'config.toml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    daemon.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
    ended = once(daemon, 'exit');
    await eventually(async () => {
      const { code, stderr } = await ctr('version');
      if (code !== 0) {
        throw new Error(`containerd does not answer: ${stderr}\n${log}`);
      }
    });
  });

  beforeEach((context) => {
    if (!isThere) {
      skip(context, 'containerd is not installed');
    }
  });

  afterAll(async () => {
    if (daemon !== undefined) {
      daemon.kill('SIGTERM');
      const timer = setTimeout(() => daemon?.kill('SIGKILL'), limitMs(30_000));
      expect(await ended, log).toEqual([0, null]);
      clearTimeout(timer);
      const states = await readdir(join(ground.dir, 'runc', 'default')).catch(() => []);
      expect(states).toEqual([]);
    }
    expect(await ground.leave()).toEqual([]);
  });

  it('runs a container to its end', async () => {
    const script = 'echo out; echo err >&2; exit 3';
    const told = await ctr('run', '--rm', ...runtime('one'), 'sh', '-c', script);
    expect(told).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('gives a container a terminal', async () => {
    const words = ['run', '--rm', '--tty', ...runtime('tty'), 'sh', '-c', 'tty; exit 4'];
    const socket = join(ground.dir, 'containerd.sock');
    const told = await onTerminal(['ctr', '--address', socket, ...words]);
    expect(told.stdout).toContain('/dev/pts/0');
    expect(told.code).toBe(4);
  });

  it('runs commands in a container, pauses, resumes, shows, ends and deletes it', async () => {
    await start('two', untilTerm);
    const exec = ['task', 'exec', '--exec-id'];
    const told = await ctr(...exec, 'a', 'two', 'sh', '-c', 'cat /proc/1/comm; exit 5');
    expect(told).toMatchObject({ code: 5, stdout: 'sh\n' });
    const socket = join(ground.dir, 'containerd.sock');
    const shown = await onTerminal(
      // The pause is for ctr, which gives the terminal its size when the command runs.
      ['ctr', '--address', socket, ...exec, 'b', '-t', 'two', 'sh', '-c', 'tty; sleep 1; exit 6'],
    );
    expect(shown.stdout).toContain('/dev/pts/0');
    expect(shown.code).toBe(6);

    expect(await ctr('task', 'pause', 'two')).toMatchObject({ code: 0, stderr: '' });
    expect(await statusOf('two')).toBe('PAUSED');
    const refused = await ctr(...exec, 'c', 'two', 'cat', '/proc/1/comm');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('pause');
    expect(await ctr('task', 'resume', 'two')).toMatchObject({ code: 0, stderr: '' });
    expect(await statusOf('two')).toBe('RUNNING');
    const { stdout } = await ctr('task', 'ps', 'two');
    const pids = stdout.trim().split('\n').slice(1);
    expect(pids.length).toBeGreaterThanOrEqual(1);

    expect(await ctr('task', 'kill', 'two')).toMatchObject({ code: 0 });
    await eventually(async () => expect(await statusOf('two')).toBe('STOPPED'));
    const deleted = await ctr('task', 'delete', 'two');
    expect(deleted.stderr).toContain('exit code 7');
    expect(await ctr('container', 'delete', 'two')).toMatchObject({ code: 0 });
  });

  it('kills a paused container', async () => {
    await start('three', untilTerm);
    expect(await ctr('task', 'pause', 'three')).toMatchObject({ code: 0 });
    expect(await ctr('task', 'kill', '--signal', 'KILL', 'three')).toMatchObject({ code: 0 });
    await eventually(async () => expect(await statusOf('three')).toBe('STOPPED'));
    const deleted = await ctr('task', 'delete', 'three');
    expect(deleted.stderr).toContain('exit code 137');
    expect(await ctr('container', 'delete', 'three')).toMatchObject({ code: 0 });
  });
});

describe('podman', async () => {
  const isThere = await hasProgram('podman');
  let ground: EngineGround;
  let env: Record<string, string> = {};

  const words = (...rest: string[]): string[] => [
    'podman',
    '--runtime',
    binaries.isolator,
    '--cgroup-manager',
    'cgroupfs',
    '--root',
    join(ground.dir, 'root'),
    '--runroot',
    join(ground.dir, 'runroot'),
    '--tmpdir',
    join(ground.dir, 'tmp'),
    '--storage-driver',
    'vfs',
    ...rest,
  ];
  const podman = async (...rest: string[]): Promise<Ended> => command(words(...rest), env);
  const container = (script: string): string[] => [
    '--network',
    'none',
    '--cgroup-parent',
    ground.cgroup,
    '--rootfs',
    ground.rootfs,
    '/bin/sh',
    '-c',
    script,
  ];

  beforeAll(async () => {
    ground = await EngineGround.make();
    await mkdir(join(ground.dir, 'tmp'));
    // Its locks would otherwise stay in the machine's /dev/shm.
    const config = '[engine]\nlock_type = "file"\nevents_logger = "file"\n';
    await writeFile(join(ground.dir, 'containers.conf'), config);
    env = { CONTAINERS_CONF: join(ground.dir, 'containers.conf') };
  });

  beforeEach((context) => {
    if (!isThere) {
      skip(context, 'podman is not installed');
    }
  });

  afterAll(async () => {
    if (isThere) {
      const listed = await podman('ps', '--all', '--quiet');
      expect(listed.stdout).toBe('');
    }
    // Its monitors end a moment after its containers.
    await eventually(async () => {
      const { stdout } = await command(['sh', '-c', 'pidof conmon || true']);
      expect(stdout).toBe('');
    });
    expect(await ground.leave()).toEqual([]);
  });

  it('runs a container to its end', async () => {
    const told = await podman('run', '--rm', ...container('echo out; echo err >&2; exit 3'));
    expect(told).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('gives a container a terminal', async () => {
    const told = await onTerminal(words('run', '--rm', '--tty', ...container('tty; exit 4')), env);
    expect(told.stdout).toContain('/dev/pts/0');
    expect(told.code).toBe(4);
  });

  it('says why a program cannot be run', async () => {
    const rootfs = ['--network', 'none', '--cgroup-parent', ground.cgroup, '--rootfs'];
    const told = await podman('run', '--rm', ...rootfs, ground.rootfs, 'no-such-program');
    expect(told.code).not.toBe(0);
    expect(told.stderr).toContain('executable file not found in $PATH');
  });

  it('runs commands in a container, pauses, stops and removes it', async () => {
    expect(await podman('run', '-d', '--name', 'one', ...container(untilTerm))).toMatchObject({
      code: 0,
      stderr: '',
    });
    const told = await podman(
      'exec',
      '--user',
      '5:6',
      'one',
      '/bin/sh',
      '-c',
      'id -u; id -g; exit 5',
    );
    expect(told).toEqual({ code: 5, stdout: '5\n6\n', stderr: '' });
    const shown = await onTerminal(
      words('exec', '--tty', 'one', '/bin/sh', '-c', 'tty; exit 6'),
      env,
    );
    expect(shown.stdout).toContain('/dev/pts/0');
    expect(shown.code).toBe(6);

    const status = async (): Promise<string> => {
      const format = '{{.State.Status}} {{.State.ExitCode}}';
      const { stdout } = await podman('inspect', '--format', format, 'one');
      return stdout.trim();
    };
    expect(await podman('pause', 'one')).toMatchObject({ code: 0, stderr: '' });
    expect(await status()).toBe('paused 0');
    expect(await podman('unpause', 'one')).toMatchObject({ code: 0, stderr: '' });
    expect(await status()).toBe('running 0');

    expect(await podman('stop', '--time', '10', 'one')).toMatchObject({ code: 0, stderr: '' });
    expect(await status()).toBe('exited 7');
    expect((await podman('logs', 'one')).stdout).toBe('up\n');
    expect(await podman('rm', 'one')).toMatchObject({ code: 0, stderr: '' });
  });

  it('removes a container that is paused', async () => {
    await podman('run', '-d', '--name', 'two', ...container(untilTerm));
    expect(await podman('pause', 'two')).toMatchObject({ code: 0 });
    expect(await podman('rm', '--force', '--time', '0', 'two')).toMatchObject({ code: 0 });
  });
});
