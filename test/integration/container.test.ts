// The life of a container: limits in the kernel, exits, logs, exec, stop.
import { readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
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
  runPod,
  statusOf,
} from '../lib/pods.ts';
import { TestServer } from '../lib/test-server.ts';
import { limitMs } from '../lib/time.ts';

const { ContainerState } = runtime.v1;

let server: TestServer;
let podSandboxId: string;
let pod: ReturnType<typeof podConfig>;

beforeAll(async () => {
  server = await TestServer.start();
  await importBusybox(server);
  pod = podConfig({ logDirectory: join(server.stateDir, 'logs') });
  podSandboxId = await runPod(server, pod);
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

describe('a container', () => {
  it('goes from created to running to exited, with exact code, reason and log', async () => {
    const config = containerConfig('echo out; echo err >&2; printf partial; exit 3', {
      logPath: 'life/0.log',
    });
    const id = await createContainer(server, podSandboxId, pod, config);
    expect((await statusOf(server, id)).state).toBe(ContainerState.CONTAINER_CREATED);
    await server.client.runtime.startContainer({ containerId: id });
    const status = await exited(server, id);
    expect(status).toMatchObject({ exitCode: 3, reason: 'Error' });
    const lines = await readLog(status.logPath ?? '');
    expect(lines.map(({ stream, tag, text }) => [stream, tag, text])).toEqual(
      expect.arrayContaining([
        ['stdout', 'F', 'out'],
        ['stderr', 'F', 'err'],
        ['stdout', 'P', 'partial'],
      ]),
    );
  });

  it('has its environment byte by byte, also what is no text, and so have execs', async () => {
    const envs = [
      { key: 'RAW', value: Buffer.from('613dfffec3a92280', 'hex') },
      { key: 'TEXT', value: Buffer.from('é "\n') },
    ];
    const script = 'for value in "$RAW" "$TEXT"; do printf %s "$value" | od -An -tx1; done';
    const expected = ' 61 3d ff fe c3 a9 22 80\n c3 a9 20 22 0a\n';
    const logPath = 'bytes/0.log';
    const config = containerConfig(`${script}; sleep 1000`, { envs, logPath });
    const containerId = await runContainer(server, podSandboxId, pod, config);
    expect((await exec(server, containerId, script)).stdout).toBe(expected);
    await eventually(async () => {
      const lines = await readLog((await statusOf(server, containerId)).logPath ?? '');
      expect(lines.map(({ text }) => `${text}\n`).join('')).toBe(expected);
    });
    const verbose = { containerId, verbose: true };
    const { info } = await server.client.runtime.containerStatus(verbose);
    expect(info?.['info']).toContain('"RAW=a=\\udcff\\udcfeé\\"\\udc80"');
    await server.client.runtime.removeContainer({ containerId });
  });

  it('has the limits it asked for in the kernel', async () => {
    const resources = {
      memoryLimitInBytes: toLong(64 * 1024 * 1024),
      cpuPeriod: toLong(100_000),
      cpuQuota: toLong(20_000),
      cpuShares: toLong(512),
    };
    const config = withResources('sleep 1000', resources);
    const id = await runContainer(server, podSandboxId, pod, config);
    const { pid } = JSON.parse(
      (await server.client.runtime.containerStatus({ containerId: id, verbose: true })).info?.[
        'info'
      ] ?? '{}',
    ) as { pid: number };
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    const limits = await limitsOf(groups);
    expect(limits).toEqual({ memory: '67108864', quota: '20000' });
    await server.client.runtime.removeContainer({ containerId: id });
  });

  it('is told to be out of memory by that very word', async () => {
    const resources = {
      memoryLimitInBytes: toLong(15 * 1024 * 1024),
      memorySwapLimitInBytes: toLong(15 * 1024 * 1024),
    };
    const config = withResources('exec dd if=/dev/zero of=/dev/null bs=40M', resources);
    const id = await runContainer(server, podSandboxId, pod, config);
    await expect(exited(server, id)).resolves.toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('fails to start with the words of execve and is EXITED 128 StartError', async () => {
    const id = await createContainer(
      server,
      podSandboxId,
      pod,
      containerConfig(['/no/such/program']),
    );
    await expect(server.client.runtime.startContainer({ containerId: id })).rejects.toThrow(
      /no\/such\/program.*no such file/iu,
    );
    await expect(exited(server, id)).resolves.toMatchObject({
      exitCode: 128,
      reason: 'StartError',
    });
  });

  it('stops at its signal, or at the end of the grace', async () => {
    const kind = containerConfig('trap "exit 7" TERM; while :; do sleep 0.05; done');
    const polite = await runContainer(server, podSandboxId, pod, kind);
    await eventually(async () => {
      expect((await exec(server, polite, 'true')).exitCode).toBe(0);
    });
    await server.client.runtime.stopContainer({ containerId: polite, timeout: toLong(30) });
    await expect(exited(server, polite, 1000)).resolves.toMatchObject({ exitCode: 7 });
    const stubborn = containerConfig('trap "" TERM; while :; do sleep 0.05; done');
    const deaf = await runContainer(server, podSandboxId, pod, stubborn);
    const slow = server.client.runtime.stopContainer({ containerId: deaf, timeout: toLong(600) });
    await server.client.runtime.stopContainer({ containerId: deaf, timeout: toLong(1) });
    await slow;
    await expect(exited(server, deaf, 1000)).resolves.toMatchObject({ exitCode: 137 });
  });

  it('keeps logging across a rename of its log', async () => {
    const config = containerConfig('while :; do echo tick; sleep 0.02; done', {
      logPath: 'rotate/0.log',
    });
    const id = await runContainer(server, podSandboxId, pod, config);
    const path = (await statusOf(server, id)).logPath ?? '';
    await eventually(async () => expect((await readLog(path)).length).toBeGreaterThan(2));
    await rename(path, `${path}.1`);
    await server.client.runtime.reopenContainerLog({ containerId: id });
    const { size } = await stat(`${path}.1`);
    await eventually(async () => expect((await readLog(path)).length).toBeGreaterThan(2));
    expect((await stat(`${path}.1`)).size).toBe(size);
    await server.client.runtime.removeContainer({ containerId: id });
    await expect(statusOf(server, id)).rejects.toThrow(/NOT_FOUND/u);
  });
});

describe('ExecSync', () => {
  let id: string;

  beforeAll(async () => {
    id = await runContainer(server, podSandboxId, pod, containerConfig('sleep 1000'));
  });

  it('keeps both streams and the exit code apart', async () => {
    await expect(exec(server, id, 'printf out; printf err >&2; exit 5')).resolves.toEqual({
      stdout: 'out',
      stderr: 'err',
      exitCode: 5,
    });
  });

  it('kills everything at its deadline and leaves the container alone', async () => {
    await expect(exec(server, id, 'sleep 4321 & sleep 4321', 1)).rejects.toThrow(
      /DEADLINE_EXCEEDED.*within 1 s/u,
    );
    const left = await exec(server, id, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(left.stdout).not.toContain('4321');
    expect((await statusOf(server, id)).state).toBe(ContainerState.CONTAINER_RUNNING);
  });

  it('does not wait for what a command leaves in the background', async () => {
    const startedAt = performance.now();
    await expect(exec(server, id, 'sleep 20 & echo done')).resolves.toMatchObject({
      stdout: 'done\n',
      exitCode: 0,
    });
    expect(performance.now() - startedAt).toBeLessThan(limitMs(10_000));
  });

  it('returns what fits into 16 MiB and drops the rest', async () => {
    const reply = await server.client.runtime.execSync({
      containerId: id,
      cmd: ['/bin/sh', '-c', 'head -c 17000000 /dev/zero'],
    });
    expect(reply.stdout?.length).toBe(16 * 1024 * 1024 - 64);
    expect(reply.exitCode).toBe(0);
  });

  it('names a command that does not exist', async () => {
    await expect(
      server.client.runtime.execSync({ containerId: id, cmd: ['no-such-command'] }),
    ).rejects.toThrow(/no-such-command.*not found/u);
  });
});

function withResources(
  script: string,
  resources: runtime.v1.LinuxContainerResources.$Properties,
): ReturnType<typeof containerConfig> {
  const config = containerConfig(script);
  return { ...config, linux: { ...config.linux, resources } };
}

async function limitsOf(groups: string): Promise<{ memory: string; quota: string }> {
  const unified = /^0::(.*)$/mu.exec(groups)?.[1] ?? '';
  const memory = /^\d+:memory:(.*)$/mu.exec(groups)?.[1];
  const read = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim();
  if (memory === undefined) {
    const [quota = ''] = (await read(`/sys/fs/cgroup${unified}/cpu.max`)).split(' ');
    return { memory: await read(`/sys/fs/cgroup${unified}/memory.max`), quota };
  }
  const cpu = /^\d+:[^:]*\bcpu\b[^:]*:(.*)$/mu.exec(groups)?.[1] ?? '';
  return {
    memory: await read(`/sys/fs/cgroup/memory${memory}/memory.limit_in_bytes`),
    quota: await read(`/sys/fs/cgroup/cpu${cpu}/cpu.cfs_quota_us`),
  };
}
