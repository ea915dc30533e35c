// RuntimeClass handlers: pods whose containers are made by Debian's runc and crun.
import { execFile } from 'node:child_process';
import { access, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { cgroupOf } from '../lib/cgroups.ts';
import { importBusybox } from '../lib/images.ts';
import {
  containerConfig,
  createContainer,
  eventually,
  exec,
  exited,
  podConfig,
  readLog,
  runContainer,
  statusOf,
} from '../lib/pods.ts';
import { hasEnded, pidsNamed } from '../lib/processes.ts';
import { skip } from '../lib/skip.ts';
import { TestServer } from '../lib/test-server.ts';

const { ContainerState, MountPropagation, NamespaceMode, PodSandboxState } = runtime.v1;
const run = promisify(execFile);
type Sandbox = runtime.v1.PodSandboxConfig.$Properties;

const programs = { runc: '/usr/sbin/runc', crun: '/usr/bin/crun' };
const names = Object.keys(programs) as (keyof typeof programs)[];

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({
    config: Object.fromEntries(
      [...Object.entries(programs), ['gone', '/nowhere/runtime']].map(([name, path]) => [
        `runtimes.${name}`,
        [`path = "${path}"`],
      ]),
    ),
  });
  await importBusybox(server);
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

async function hasProgram(name: keyof typeof programs): Promise<boolean> {
  return await access(programs[name]).then(
    () => true,
    () => false,
  );
}

async function mustRun(context: TestContext, name: keyof typeof programs): Promise<void> {
  if (!(await hasProgram(name))) {
    skip(context, `${programs[name]} is not installed`);
  }
  const hybrid = '/sys/fs/cgroup/unified/cgroup.controllers';
  const controllers = await readFile(hybrid, 'utf8').catch(() => '');
  if (name === 'crun' && controllers.trim() !== '') {
    skip(context, 'crun refuses hosts with controllers of both cgroup versions');
  }
}

async function runPodBy(runtimeHandler: string, change: Partial<Sandbox> = {}) {
  const config = podConfig({ logDirectory: join(server.stateDir, 'logs'), ...change });
  const { podSandboxId } = await server.client.runtime.runPodSandbox({ config, runtimeHandler });
  return { config, podSandboxId: podSandboxId ?? '' };
}

async function removePod(podSandboxId: string): Promise<void> {
  await server.client.runtime.stopPodSandbox({ podSandboxId });
  await server.client.runtime.removePodSandbox({ podSandboxId });
}

describe('runtime handlers', () => {
  it('are listed, with what they are known to do', async () => {
    // Programs are asked in the background.
    await eventually(async () => {
      const { runtimeHandlers } = await server.client.runtime.status({});
      const listed = runtimeHandlers?.map((handler) => handler.name);
      expect(listed).toEqual(['', 'estiba', 'runc', 'crun', 'gone']);
      const [own, , runc, , gone] = runtimeHandlers ?? [];
      const isThere = await hasProgram('runc');
      expect(runc?.features?.recursiveReadOnlyMounts ?? false).toBe(
        isThere && own?.features?.recursiveReadOnlyMounts,
      );
      expect(runc?.features?.userNamespaces ?? false).toBe(false);
      expect(gone?.features?.recursiveReadOnlyMounts ?? false).toBe(false);
    });
  });

  it('have no user namespaces but our own', async () => {
    const ids = [{ hostId: 1_000_000, containerId: 0, length: 65_536 }];
    const usernsOptions = { mode: NamespaceMode.POD, uids: ids, gids: ids };
    const security = { namespaceOptions: { ipc: NamespaceMode.POD, usernsOptions } };
    await expect(runPodBy('runc', { linux: { securityContext: security } })).rejects.toThrow(
      'pods of the runtime handler "runc" have none',
    );
  });

  it('that are unknown are refused by name, with the names that are known', async () => {
    await expect(runPodBy('kata')).rejects.toThrow(
      'runtime handler "kata" is not one of "", "estiba", "runc", "crun", "gone"',
    );
  });

  it('whose program is not there make no pod', async () => {
    await expect(runPodBy('gone')).rejects.toThrow(
      /cannot use OCI runtime "\/nowhere\/runtime": .*no such file/iu,
    );
    const { items } = await server.client.runtime.listPodSandbox({});
    expect(items ?? []).toEqual([]);
  });
});

describe.each(names)('a pod by %s', (name) => {
  it('lives: create, start, exec, logs, exit, remove', async (context) => {
    await mustRun(context, name);
    const { config, podSandboxId } = await runPodBy(name);
    const script = 'echo out; echo err >&2; id -u; cat /etc/hostname; sleep 1000 & wait; exit 3';
    const id = await createContainer(
      server,
      podSandboxId,
      config,
      containerConfig(script, {
        logPath: `${name}/0.log`,
        envs: [{ key: 'A', value: Buffer.from('b') }],
      }),
    );
    expect((await statusOf(server, id)).state).toBe(ContainerState.CONTAINER_CREATED);
    await server.client.runtime.startContainer({ containerId: id });
    expect((await statusOf(server, id)).state).toBe(ContainerState.CONTAINER_RUNNING);
    const told = await exec(server, id, 'echo $A; echo problem >&2; cat /proc/1/cmdline; exit 7');
    expect(told).toMatchObject({ stderr: 'problem\n', exitCode: 7 });
    expect(told.stdout).toMatch(/^b\n.*echo out/su);
    await exec(server, id, 'kill $(pidof sleep)');
    const status = await exited(server, id);
    expect(status).toMatchObject({ exitCode: 3, reason: 'Error' });
    const lines = await readLog(status.logPath ?? '');
    expect(lines.map(({ stream, text }) => `${stream} ${text}`).toSorted()).toEqual(
      ['stdout out', 'stderr err', 'stdout 0', `stdout ${config.hostname}`].toSorted(),
    );
    await server.client.runtime.removeContainer({ containerId: id });
    await expect(readdir(join(server.runDir, 'pods', podSandboxId, 'runtime'))).resolves.toEqual(
      [],
    );
    await removePod(podSandboxId);
    expect(await pidsNamed('estiba-shim')).toEqual([]);
  });

  it('stops its containers by their signal, and by force after the grace', async (context) => {
    await mustRun(context, name);
    const { config, podSandboxId } = await runPodBy(name);
    const start = (script: string) =>
      runContainer(server, podSandboxId, config, containerConfig(script));
    const polite = await start('trap "exit 5" TERM; while :; do sleep 0.05; done');
    const deaf = await start('trap "" TERM; while :; do sleep 0.05; done');
    const stop = (containerId: string, seconds: number) =>
      server.client.runtime.stopContainer({ containerId, timeout: toLong(seconds) });
    await stop(polite, 60);
    expect(await statusOf(server, polite)).toMatchObject({ exitCode: 5 });
    await stop(deaf, 1);
    expect(await statusOf(server, deaf)).toMatchObject({ exitCode: 137, reason: 'Error' });
    await removePod(podSandboxId);
  });

  it('shares the pod’s namespaces and its /dev/shm', async (context) => {
    await mustRun(context, name);
    const options = {
      network: NamespaceMode.POD,
      pid: NamespaceMode.POD,
      ipc: NamespaceMode.POD,
    };
    const security = { securityContext: { namespaceOptions: options } };
    const { config, podSandboxId } = await runPodBy(name, { linux: security });
    const start = (script: string) =>
      runContainer(server, podSandboxId, config, containerConfig(script, { linux: security }));
    const one = await start('echo shared >/dev/shm/x; exec sleep 1000');
    const two = await start('exec sleep 2000');
    await eventually(async () => {
      expect((await exec(server, two, 'cat /dev/shm/x')).stdout).toBe('shared\n');
    });
    expect((await exec(server, two, 'ps')).stdout).toContain('sleep 1000');
    const netns = (id: string) => exec(server, id, 'readlink /proc/self/ns/net /proc/self/ns/ipc');
    expect((await netns(one)).stdout).toBe((await netns(two)).stdout);
    const { status } = await server.client.runtime.podSandboxStatus({ podSandboxId });
    expect((await exec(server, one, 'ip -4 addr show eth0')).stdout).toContain(status?.network?.ip);
    await removePod(podSandboxId);
  });

  it('gives its containers terminals, users, volumes and read-only roots', async (context) => {
    await mustRun(context, name);
    const { config, podSandboxId } = await runPodBy(name);
    const hostPath = join(server.stateDir, `volume-${name}`);
    await mkdir(hostPath);
    const script = 'tty; id -u; id -G; touch /v/x && echo written; touch /y; touch /r/x; true';
    const container = containerConfig(script, {
      tty: true,
      logPath: `${name}/tty.log`,
      mounts: [
        { hostPath, containerPath: '/v' },
        { hostPath, containerPath: '/r', readonly: true },
      ],
    });
    const security = container.linux?.securityContext;
    container.linux = {
      securityContext: {
        ...security,
        runAsUser: { value: toLong(0) },
        runAsGroup: { value: toLong(7) },
        supplementalGroups: [toLong(50)],
        readonlyRootfs: true,
      },
    };
    const id = await runContainer(server, podSandboxId, config, container);
    const status = await exited(server, id);
    expect(status).toMatchObject({ exitCode: 0, reason: 'Completed' });
    const lines = (await readLog(status.logPath ?? '')).map(({ text }) => text.trim());
    expect(lines).toEqual([
      expect.stringMatching(/^\/dev\/(?:pts\/0|console)$/u),
      '0',
      '7 50',
      'written',
      expect.stringContaining('/y: Read-only file system'),
      expect.stringContaining('/r/x: Read-only file system'),
    ]);
    expect(await readdir(hostPath)).toEqual(['x']);
    await removePod(podSandboxId);
  });

  it('lets mounts through between the host and its containers', async (context) => {
    await mustRun(context, name);
    const securityContext = {
      privileged: true,
      namespaceOptions: { ipc: NamespaceMode.POD, pid: NamespaceMode.CONTAINER },
    };
    const { config, podSandboxId } = await runPodBy(name, { linux: { securityContext } });
    const hostPath = join(server.stateDir, `shared-${name}`);
    const [fromHost, fromContainer] = [join(hostPath, 'host'), join(hostPath, 'container')];
    await mkdir(fromHost, { recursive: true });
    await mkdir(fromContainer);
    const { PROPAGATION_HOST_TO_CONTAINER, PROPAGATION_BIDIRECTIONAL } = MountPropagation;
    const mounts = (propagation: number) => [{ hostPath, containerPath: '/v', propagation }];
    const sees = await runContainer(
      server,
      podSandboxId,
      config,
      containerConfig('sleep 1000', { mounts: mounts(PROPAGATION_HOST_TO_CONTAINER) }),
    );
    const makes = await runContainer(
      server,
      podSandboxId,
      config,
      containerConfig('sleep 1000', {
        mounts: mounts(PROPAGATION_BIDIRECTIONAL),
        linux: { securityContext },
      }),
    );
    await run('mount', ['-t', 'tmpfs', 'of-host', fromHost]);
    try {
      expect((await exec(server, sees, 'cat /proc/mounts')).stdout).toContain('of-host /v/host');
      await exec(server, makes, 'mount -t tmpfs of-container /v/container');
      expect(await readFile('/proc/mounts', 'utf8')).toContain(`of-container ${fromContainer}`);
    } finally {
      await run('umount', [fromHost]);
      await run('umount', [fromContainer]).catch(() => undefined);
    }
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(server.runDir);
    await removePod(podSandboxId);
  });

  it('lets a container join another’s processes, and takes new limits in place', async (context) => {
    await mustRun(context, name);
    const { config, podSandboxId } = await runPodBy(name);
    const id = await runContainer(server, podSandboxId, config, containerConfig('sleep 3000'));
    const { POD, TARGET } = NamespaceMode;
    const namespaceOptions = { network: POD, ipc: POD, pid: TARGET, targetId: id };
    const joining = containerConfig('exec sleep 4000', {
      linux: { securityContext: { namespaceOptions } },
    });
    const joined = await runContainer(server, podSandboxId, config, joining);
    expect((await exec(server, joined, 'ps')).stdout).toMatch(/sleep 3000.*sleep 4000/su);
    const cgroup = await cgroupOf(server, id);
    const linux = { cpuPeriod: toLong(100_000), cpuQuota: toLong(50_000) };
    await server.client.runtime.updateContainerResources({ containerId: id, linux });
    expect(await cgroup.limits()).toMatchObject({ cpuPeriod: 100_000, cpuQuota: 50_000 });
    await removePod(podSandboxId);
  });

  it('confines its containers by seccomp', async (context) => {
    await mustRun(context, name);
    const { config, podSandboxId } = await runPodBy(name);
    const container = containerConfig('sleep 1000');
    const seccomp = { profileType: runtime.v1.SecurityProfile.ProfileType.RuntimeDefault };
    container.linux = { securityContext: { ...container.linux?.securityContext, seccomp } };
    const id = await runContainer(server, podSandboxId, config, container);
    expect((await exec(server, id, 'grep ^Seccomp: /proc/1/status')).stdout).toMatch(/2$/mu);
    expect((await exec(server, id, 'grep ^Seccomp: /proc/self/status')).stdout).toMatch(/2$/mu);
    await removePod(podSandboxId);
  });

  it('kills an exec with all it has started when its time is over', async (context) => {
    await mustRun(context, name);
    const { config, podSandboxId } = await runPodBy(name);
    const id = await runContainer(server, podSandboxId, config, containerConfig('sleep 1000'));
    await expect(exec(server, id, 'sleep 4321 & sleep 4321; :', 1)).rejects.toThrow(
      'did not end within 1 s',
    );
    expect((await exec(server, id, 'ps')).stdout).not.toContain('4321');
    await removePod(podSandboxId);
  });

  it('says why a container cannot be made, and leaves nothing of it', async (context) => {
    await mustRun(context, name);
    const { config, podSandboxId } = await runPodBy(name);
    const broken = containerConfig(['/no/such/program']);
    const made = createContainer(server, podSandboxId, config, broken).then((containerId) =>
      server.client.runtime.startContainer({ containerId }),
    );
    await expect(made).rejects.toThrow(/no such program|no such file/iu);
    const { containers } = await server.client.runtime.listContainers({});
    for (const { id } of containers ?? []) {
      await exited(server, id ?? '');
      await server.client.runtime.removeContainer({ containerId: id ?? '' });
    }
    await expect(readdir(join(server.runDir, 'pods', podSandboxId, 'containers'))).resolves.toEqual(
      [],
    );
    await removePod(podSandboxId);
  });

  it('goes on while the server restarts, and ends with its monitor', async (context) => {
    await mustRun(context, name);
    const { config, podSandboxId } = await runPodBy(name);
    const id = await runContainer(server, podSandboxId, config, containerConfig('sleep 1000'));
    const { info } = await server.client.runtime.containerStatus({
      containerId: id,
      verbose: true,
    });
    const { pid = 0 } = JSON.parse(info?.['info'] ?? '{}') as { pid?: number };
    await server.stopServing();
    await server.serve();
    expect((await exec(server, id, 'echo alive')).stdout).toBe('alive\n');
    const [monitor = 0] = await pidsNamed('estiba-monitor');
    process.kill(monitor, 'SIGKILL');
    await eventually(async () => {
      const { status } = await server.client.runtime.podSandboxStatus({ podSandboxId });
      expect(status?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
      expect(await hasEnded(pid)).toBe(true);
    });
    expect(await exited(server, id)).toMatchObject({ exitCode: 255, reason: 'Unknown' });
    await removePod(podSandboxId);
    await eventually(async () => expect(await pidsNamed('estiba-shim')).toEqual([]));
  });
});
