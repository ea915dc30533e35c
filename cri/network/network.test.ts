import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newSandboxId } from '../core/ids.ts';
import { Network, type AttachRequest } from './network.ts';
import type { ProgramResult, RunProgram } from './plugins.ts';

interface Run {
  readonly command: string;
  readonly plugin: string;
  readonly env: readonly string[];
  readonly stdin: Record<string, unknown>;
}

const answer = {
  cniVersion: '1.0.0',
  interfaces: [{ name: 'br0' }, { name: 'veth1' }, { name: 'eth0', sandbox: '/run/netns/x' }],
  ips: [
    { address: 'fd00::2/64', interface: 2 },
    { address: '10.1.0.2/24', interface: 2 },
    { address: '10.1.0.1/24', interface: 0 },
  ],
};

let directory: string;
let runs: Run[];
let respond: (run: Run) => Partial<ProgramResult>;
let reported: string[];

const run: RunProgram = async (program) => {
  const seen: Run = {
    command: program.env.find((e) => e.startsWith('CNI_COMMAND='))?.slice(12) ?? '',
    plugin: program.argv[0]?.split('/').at(-1) ?? '',
    env: program.env,
    stdin: JSON.parse(program.stdin) as Record<string, unknown>,
  };
  runs.push(seen);
  return {
    exitCode: 0,
    signal: 0,
    stdout: JSON.stringify(answer),
    stderr: '',
    timedOut: false,
    ...respond(seen),
  };
};

function network(bootId = 'boot-1', runProgram = run): Network {
  return new Network({
    run: runProgram,
    binDirs: [join(directory, 'bin')],
    deadlineMs: 5000,
    confDirs: [join(directory, 'net.d')],
    journalDir: join(directory, 'journal'),
    cacheDir: join(directory, 'cache'),
    bootId,
    report: (problem) => reported.push(problem),
  });
}

async function loaded(): Promise<Network> {
  const subject = network();
  await subject.load();
  return subject;
}

async function configure(name = '10-net.conflist', cniVersion = '1.0.0'): Promise<void> {
  const conflist = {
    cniVersion,
    name: 'pods',
    plugins: [
      { type: 'bridge', bridge: 'br0' },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  await writeFile(join(directory, 'net.d', name), JSON.stringify(conflist));
}

function request(): AttachRequest {
  return {
    sandboxId: newSandboxId(),
    name: 'web',
    namespace: 'default',
    uid: 'u-1',
    netnsPath: '/run/netns/x',
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
    annotations: {},
    cgroupParent: '/kubepods/pod1',
    dns: undefined,
  };
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-network-'));
  await mkdir(join(directory, 'net.d'));
  await mkdir(join(directory, 'bin'));
  for (const name of ['bridge', 'portmap']) {
    await writeFile(join(directory, 'bin', name), '');
    await chmod(join(directory, 'bin', name), 0o755);
  }
  runs = [];
  reported = [];
  respond = () => ({});
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe('the network status', () => {
  it('names the directories that hold no configuration', async () => {
    await expect(network().status()).resolves.toEqual({
      ready: false,
      reason: 'NetworkPluginNotReady',
      message: `no CNI configuration in "${directory}/net.d"`,
    });
  });

  it('names the file that cannot be used and why', async () => {
    await writeFile(join(directory, 'net.d', '1.conflist'), '{"cniVersion":"9.9.9","name":"x"}');
    const status = await network().status();
    expect(status.message).toContain('1.conflist": cniVersion "9.9.9" is not one of');
  });

  it('skips a broken file for the next one by name', async () => {
    await writeFile(join(directory, 'net.d', '00-broken.conf'), '{');
    await configure();
    await expect(network().status()).resolves.toMatchObject({ ready: true });
  });

  it('sees a configuration that comes, goes and comes back in a new directory', async () => {
    const subject = network();
    await expect(subject.status()).resolves.toMatchObject({ ready: false });
    await configure();
    await expect(subject.status()).resolves.toMatchObject({ ready: true });
    await rm(join(directory, 'net.d'), { recursive: true });
    await expect(subject.status()).resolves.toMatchObject({ ready: false });
    await mkdir(join(directory, 'other'));
    await symlink(join(directory, 'other'), join(directory, 'net.d'));
    await configure();
    await expect(subject.status()).resolves.toMatchObject({ ready: true });
  });
});

describe('attach', () => {
  it('runs the chain in order and returns the pod addresses, IPv4 first', async () => {
    await configure();
    const { ips } = await (await loaded()).attach(request());
    expect(ips).toEqual(['10.1.0.2', 'fd00::2']);
    expect(runs.map((r) => `${r.command} ${r.plugin}`)).toEqual(['ADD bridge', 'ADD portmap']);
    expect(runs[0]?.stdin).not.toHaveProperty('runtimeConfig');
    expect(runs[1]?.stdin).toMatchObject({
      name: 'pods',
      cniVersion: '1.0.0',
      prevResult: answer,
      runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] },
    });
    expect(runs[0]?.env).toContain('CNI_IFNAME=eth0');
    expect(runs[0]?.env.find((e) => e.startsWith('CNI_ARGS='))).toContain('K8S_POD_NAME=web;');
  });

  it('has its entry on disk before the first plugin runs', async () => {
    await configure();
    const wanted = request();
    let before: string[] = [];
    const subject = network();
    await subject.load();
    const original = respond;
    respond = (seen) => {
      void readdir(join(directory, 'journal')).then((names) => (before = names));
      return original(seen);
    };
    await subject.attach(wanted);
    expect(before).toContain(`${wanted.sandboxId}.json`);
  });

  it("reports a plugin's own words and keeps the entry for detach", async () => {
    await configure();
    respond = (seen) =>
      seen.command === 'ADD' && seen.plugin === 'portmap'
        ? { exitCode: 1, stdout: '{"code":11,"msg":"try again","details":"port in use"}' }
        : {};
    const subject = network();
    await subject.load();
    const wanted = request();
    await expect(subject.attach(wanted)).rejects.toThrow(
      'cannot run CNI plugin "portmap" (ADD): try again; port in use (code 11)',
    );
    expect(subject.attached()).toHaveLength(1);
    runs = [];
    await subject.detach(wanted.sandboxId, false);
    expect(runs.map((r) => `${r.command} ${r.plugin}`)).toEqual(['DEL portmap', 'DEL bridge']);
    expect(subject.attached()).toHaveLength(0);
  });

  it('names a plugin that is not installed and where it was looked for', async () => {
    await configure();
    await rm(join(directory, 'bin', 'portmap'));
    await expect((await loaded()).attach(request())).rejects.toThrow(
      `cannot run CNI plugin "portmap": no such program in "${directory}/bin"`,
    );
    expect(runs).toEqual([]);
    await expect(readdir(join(directory, 'journal'))).resolves.toEqual([]);
  });

  it('calls a plugin that hangs by its name and deadline', async () => {
    await configure();
    respond = () => ({ timedOut: true, exitCode: -1, signal: 9 });
    await expect((await loaded()).attach(request())).rejects.toMatchObject({
      code: 'DeadlineExceeded',
      message: 'cannot run CNI plugin "bridge" (ADD): it did not end within 5 s and was killed',
    });
  });

  it('refuses a bandwidth that is no quantity', async () => {
    await configure();
    const wanted = { ...request(), annotations: { 'kubernetes.io/ingress-bandwidth': 'fast' } };
    await expect(network().attach(wanted)).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});

describe('detach', () => {
  it('does nothing for a sandbox without an attachment', async () => {
    await network().detach(newSandboxId(), false);
    expect(runs).toEqual([]);
  });

  it('lets every plugin try, fails with the first failure and works the next time', async () => {
    await configure();
    const subject = network();
    const wanted = request();
    await subject.load();
    await subject.attach(wanted);
    runs = [];
    respond = (seen) =>
      seen.command === 'DEL' && seen.plugin === 'portmap' ? { exitCode: 3, stderr: 'busy' } : {};
    await expect(subject.detach(wanted.sandboxId, false)).rejects.toThrow(
      'cannot run CNI plugin "portmap" (DEL): busy'.replace('busy', 'exit code 3: busy'),
    );
    expect(runs.map((r) => r.plugin)).toEqual(['portmap', 'bridge']);
    respond = () => ({});
    await subject.detach(wanted.sandboxId, false);
    await expect(readdir(join(directory, 'journal'))).resolves.toEqual([]);
    await expect(readdir(join(directory, 'cache', 'results'))).resolves.toEqual([]);
  });

  it('uses the configuration of the time of ADD', async () => {
    await configure();
    const subject = network();
    const wanted = request();
    await subject.load();
    await subject.attach(wanted);
    await rm(join(directory, 'net.d', '10-net.conflist'));
    runs = [];
    await subject.detach(wanted.sandboxId, false);
    expect(runs[0]?.stdin).toMatchObject({ name: 'pods', type: 'portmap', prevResult: answer });
  });
});

describe('recover', () => {
  it('releases what is not alive, with no namespace after a reboot', async () => {
    await configure();
    const first = network('boot-1');
    await first.load();
    const [alive, dead] = [request(), request()];
    await first.attach(alive);
    await first.attach(dead);
    runs = [];
    const second = network('boot-2');
    await second.load();
    second.recover((id) => id === alive.sandboxId);
    await vi.waitFor(() => {
      expect(second.attached().map((entry) => entry.sandboxId)).toEqual([alive.sandboxId]);
    });
    expect(runs).toHaveLength(2);
    expect(runs[0]?.env).toContain('CNI_NETNS=');
    expect(reported).toEqual([]);
  });

  it('waits for no plugin: one that hangs or fails keeps nobody else, and DEL is tried again', async () => {
    await configure();
    const first = network('boot-1');
    await first.load();
    const [hangs, fails, works] = [request(), request(), request()];
    for (const each of [hangs, fails, works]) {
      await first.attach(each);
    }
    let failures = 0;
    respond = ({ command, env }) => {
      if (
        command !== 'DEL' ||
        !env.includes(`CNI_CONTAINERID=${fails.sandboxId}`) ||
        failures > 1
      ) {
        return {};
      }
      failures += 1; // both plugins, once
      return { exitCode: 1, stdout: '{"code":11,"msg":"busy"}' };
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const second = network('boot-1', async (program, signal) =>
        program.env.includes(`CNI_CONTAINERID=${hangs.sandboxId}`)
          ? await new Promise<never>(() => {})
          : await run(program, signal),
      );
      await second.load();
      second.recover(() => false);
      await vi.waitFor(() => expect(reported).toHaveLength(1));
      expect(reported[0]).toContain(fails.sandboxId);
      expect(reported[0]).toContain('busy');
      expect(reported[0]).toContain('tried again in 1 s');
      await vi.waitFor(() => expect(second.attached()).toHaveLength(2));
      await vi.advanceTimersByTimeAsync(1000);
      await vi.waitFor(() => {
        expect(second.attached().map(({ sandboxId }) => sandboxId)).toEqual([hangs.sandboxId]);
      });
      second.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('sets a broken entry aside and says so', async () => {
    await mkdir(join(directory, 'journal'));
    const path = join(directory, 'journal', `${newSandboxId()}.json`);
    await writeFile(path, '{"version":1');
    const subject = network();
    await subject.load();
    expect(reported[0]).toContain(path);
    await expect(readFile(`${path}.broken`, 'utf8')).resolves.toBe('{"version":1');
  });
});
