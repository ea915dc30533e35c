// Restarts among bad left-overs and starts that meet trouble: what is healthy must live, what is
// listed must be removable, and nothing may keep the server from answering.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill } from 'node:process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { importBusybox } from '../lib/images.ts';
import {
  containerConfig,
  eventually,
  exec,
  exited,
  hostNetworkPodConfig,
  podConfig,
  runContainer,
  runPod,
  statusOf,
} from '../lib/pods.ts';
import { binaries, TestServer } from '../lib/test-server.ts';
import { limitMs } from '../lib/time.ts';

const { ContainerState, PodSandboxState } = runtime.v1;
const run = promisify(execFile);

/** Obeys the file `mode` beside it: "ok", "addsleep", "delsleep" or "delfail". */
const plugin = `#!/bin/sh
cat >/dev/null
case "$CNI_COMMAND:$(cat "$(dirname "$0")/mode")" in
  ADD:addsleep | DEL:delsleep) exec sleep 1000 ;;
  DEL:delfail) echo '{"cniVersion":"1.0.0","code":7,"msg":"agent is not up"}'; exit 1 ;;
esac
[ "$CNI_COMMAND" = ADD ] || exit 0
echo '{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"'"$CNI_NETNS"'"}],
  "ips":[{"address":"10.9.9.9/24","interface":0}]}'
`;

let binDir: string;
let server: TestServer;

beforeAll(async () => {
  binDir = await mkdtemp(join(tmpdir(), 'estiba-cni-'));
  await writeFile(join(binDir, 'moody'), plugin, { mode: 0o755 });
});

afterAll(async () => {
  await rm(binDir, { recursive: true });
});

beforeEach(async () => {
  await mood('ok');
  server = await TestServer.start({
    network: false,
    binDirs: [binDir],
    config: { cni: ['deadline_seconds = 5'] },
  });
  const conflist = { cniVersion: '1.0.0', name: 'moody', plugins: [{ type: 'moody' }] };
  await writeFile(join(server.confDir, '10-moody.conflist'), JSON.stringify(conflist));
  await importBusybox(server);
});

afterEach(async () => {
  await mood('ok');
  expect(await server.stop()).toEqual([]);
});

async function mood(mode: string): Promise<void> {
  await writeFile(join(binDir, 'mode'), mode);
}

async function monitorPid(podSandboxId: string): Promise<number> {
  const reply = await server.client.runtime.podSandboxStatus({ podSandboxId, verbose: true });
  return (JSON.parse(reply.info?.['info'] ?? '{}') as { pid: number }).pid;
}

async function podState(podSandboxId: string): Promise<unknown> {
  const { status } = await server.client.runtime.podSandboxStatus({ podSandboxId });
  return status?.state;
}

/** Kills the server, lets `meanwhile` happen, and serves again; returns how long that took. */
async function restart(meanwhile: () => Promise<unknown>): Promise<number> {
  await server.stopServing('SIGKILL');
  await meanwhile();
  const since = performance.now();
  await server.serve();
  return performance.now() - since;
}

describe('a server that starts', () => {
  it('answers although a left-over cannot be removed, and removes it when it can', async () => {
    const orphan = join(server.stateDir, 'containers', 'a'.repeat(64));
    const file = join(orphan, 'upper', 'f');
    const other = join(server.stateDir, 'containers', 'b'.repeat(64));
    try {
      await restart(async () => {
        await mkdir(join(orphan, 'upper'), { recursive: true });
        await mkdir(other);
        await writeFile(file, 'x');
        await run('chattr', ['+i', file]);
      });
      await eventually(async () => {
        expect(server.log).toContain(`remove \\"${orphan}\\"`);
        await expect(readFile(other)).rejects.toMatchObject({ code: 'ENOENT' });
      });
    } finally {
      await run('chattr', ['-i', file]);
    }
    await eventually(async () => {
      await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });

  it('waits for no CNI plugin, and has attachments released until that has worked', async () => {
    const pod = await runPod(server, podConfig());
    const journal = join(server.stateDir, 'network');
    const entry = JSON.parse(await readFile(join(journal, `${pod}.json`), 'utf8')) as object;
    const strays = ['1', '2', '3'].map((digit) => digit.repeat(64));
    await mood('delsleep');
    const tookMs = await restart(async () => {
      for (const sandboxId of strays) {
        const text = JSON.stringify({ ...entry, sandboxId, bootId: 'another' });
        await writeFile(join(journal, `${sandboxId}.json`), text);
      }
    });
    expect(tookMs).toBeLessThan(limitMs(4000));
    await eventually(async () => expect(server.log).toContain('cannot release network'));
    await mood('ok');
    for (const sandboxId of strays) {
      await eventually(async () => {
        const left = readFile(join(journal, `${sandboxId}.json`));
        await expect(left).rejects.toMatchObject({ code: 'ENOENT' });
      }, limitMs(60_000));
    }
    expect(await podState(pod)).toBe(PodSandboxState.SANDBOX_READY);
  });

  it('lists a sandbox whose interrupted start cannot be undone; its name is not lost', async () => {
    await mood('addsleep');
    const config = podConfig();
    const call = server.client.runtime.runPodSandbox({ config }).catch(() => undefined);
    await eventually(async () =>
      expect(await run('pgrep', ['-f', 'moody|sleep 1000'])).toBeDefined(),
    );
    await restart(async () => {
      await call;
      await mood('delfail');
    });
    const listed = await eventually(async () => {
      const { items } = await server.client.runtime.listPodSandbox({});
      expect(items).toHaveLength(1);
      return items?.[0]?.id ?? '';
    });
    expect(await podState(listed)).toBe(PodSandboxState.SANDBOX_NOTREADY);
    await mood('ok');
    await server.client.runtime.stopPodSandbox({ podSandboxId: listed });
    await server.client.runtime.removePodSandbox({ podSandboxId: listed });
    await expect(runPod(server, config)).resolves.toMatch(/^[0-9a-f]{64}$/u);
  });

  it('undoes an interrupted start before the same is asked for again', async () => {
    await mood('addsleep');
    const config = podConfig();
    const call = server.client.runtime.runPodSandbox({ config }).catch(() => undefined);
    await eventually(async () =>
      expect(await run('pgrep', ['-f', 'moody|sleep 1000'])).toBeDefined(),
    );
    await restart(async () => {
      await call;
      await mood('ok');
    });
    const pod = await runPod(server, config);
    const { items } = await server.client.runtime.listPodSandbox({});
    expect(items?.map(({ id }) => id)).toEqual([pod]);
  });

  it('keeps pods whose changes it cannot save, and saves them when it can', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const ends = await runContainer(server, pod, config, containerConfig('sleep 1; exit 3'));
    const lives = await runContainer(server, pod, config, containerConfig(['sleep', '1000']));
    const record = join(server.runDir, 'records', 'containers', `${ends}.json`);
    const filler = join(server.runDir, 'fill');
    try {
      await restart(async () => {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await fillRun(filler);
      });
      expect(await statusOf(server, ends)).toMatchObject({ exitCode: 3, reason: 'Error' });
      expect((await statusOf(server, lives)).state).toBe(ContainerState.CONTAINER_RUNNING);
      expect(await podState(pod)).toBe(PodSandboxState.SANDBOX_READY);
      expect(server.log).toContain('cannot save a change yet');
    } finally {
      await rm(filler, { force: true });
      await run('mount', ['-o', 'remount,size=50%', '/run']);
    }
    await eventually(async () => {
      expect(JSON.parse(await readFile(record, 'utf8'))).toMatchObject({ state: 'exited' });
    });
    expect((await exec(server, lives, 'echo alive')).stdout).toBe('alive\n');
  });

  it('keeps a pod whose monitor is stopped, and knows it again when that goes on', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig(['sleep', '1000']));
    const pid = await monitorPid(pod);
    const tookMs = await restart(async () => kill(pid, 'SIGSTOP'));
    expect(tookMs).toBeLessThan(limitMs(8000));
    expect(await podState(pod)).toBe(PodSandboxState.SANDBOX_READY);
    const timeout = toLong(0);
    await expect(server.client.runtime.stopContainer({ containerId: id, timeout })).rejects.toThrow(
      'does not answer',
    );
    kill(pid, 'SIGCONT');
    await eventually(async () => {
      expect((await exec(server, id, 'echo alive')).stdout).toBe('alive\n');
    });
    expect((await statusOf(server, id)).state).toBe(ContainerState.CONTAINER_RUNNING);
  });

  it('ends a pod with its stopped monitor when that is asked for', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig(['sleep', '1000']));
    const pid = await monitorPid(pod);
    await restart(async () => kill(pid, 'SIGSTOP'));
    await server.client.runtime.stopPodSandbox({ podSandboxId: pod });
    expect((await statusOf(server, id)).state).toBe(ContainerState.CONTAINER_EXITED);
    await server.client.runtime.removePodSandbox({ podSandboxId: pod });
  });

  it('believes the exit record of a monitor that died while nobody served', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig('sleep 0.5; exit 0'));
    const pid = await monitorPid(pod);
    await restart(async () => {
      const record = join(server.runDir, 'pods', pod, 'containers', id, 'exit');
      await eventually(() => readFile(record));
      kill(pid, 'SIGKILL');
    });
    expect(await exited(server, id)).toMatchObject({ exitCode: 0, reason: 'Completed' });
    await eventually(async () => {
      expect(await podState(pod)).toBe(PodSandboxState.SANDBOX_NOTREADY);
    });
  });

  it('can stop and remove a container whose record is broken', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig(['sleep', '1234']));
    const { imageRef } = await statusOf(server, id);
    expect(imageRef).not.toBe('');
    await restart(async () => {
      const path = join(server.runDir, 'records', 'containers', `${id}.json`);
      await writeFile(path, (await readFile(path, 'utf8')).slice(0, 50));
    });
    const { containers } = await server.client.runtime.listContainers({
      filter: { podSandboxId: pod },
    });
    expect(containers).toMatchObject([{ id, state: ContainerState.CONTAINER_UNKNOWN }]);
    const status = await statusOf(server, id);
    expect([status.image?.image, status.imageRef]).not.toContain('');
    await expect(run('pgrep', ['-fx', 'sleep 1234'])).resolves.toBeDefined();
    await server.client.runtime.stopContainer({ containerId: id, timeout: toLong(0) });
    await expect(run('pgrep', ['-fx', 'sleep 1234'])).rejects.toMatchObject({ code: 1 });
    expect((await statusOf(server, id)).exitCode).toBe(137);
    await server.client.runtime.removeContainer({ containerId: id });
    expect((await server.client.runtime.listContainers({})).containers).toEqual([]);
  });
});

describe('servers that start at once', () => {
  it('are one in the end', async () => {
    await server.stopServing('SIGKILL');
    const others = Array.from({ length: 3 }, () =>
      run(binaries.estiba, ['serve', '--config', server.configPath], {
        timeout: limitMs(5000),
      }).then(
        () => 'served', // until it was told to stop
        (error: { stderr: string }) => error.stderr,
      ),
    );
    const ends = await Promise.all(others);
    expect(ends.filter((end) => end === 'served').length).toBeLessThanOrEqual(1);
    for (const end of ends.filter((each) => each !== 'served')) {
      expect(end).toContain('cannot use run directory');
    }
    await server.serve();
  });
});

describe('a pod without its monitor', () => {
  it('is ended again and again until that works, also by StopPodSandbox', async () => {
    const config = hostNetworkPodConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig(['sleep', '1000']));
    const { stdout } = await run('find', [
      '/sys/fs/cgroup',
      '-type',
      'd',
      '-name',
      id,
      '-print',
      '-quit',
    ]);
    // A mount in there keeps the container's cgroup, as a process that cannot be killed would.
    const child = join(stdout.trim(), 'kept');
    await mkdir(child);
    await run('mount', ['--bind', child, child]);
    try {
      kill(await monitorPid(pod), 'SIGKILL');
      await eventually(async () => {
        expect(await podState(pod)).toBe(PodSandboxState.SANDBOX_NOTREADY);
      }, limitMs(1000));
      await eventually(async () => expect(server.log).toContain(`end pod \\"${pod}\\"`));
    } finally {
      await run('umount', [child]);
    }
    await expect(exited(server, id)).resolves.toMatchObject({ exitCode: 255 });
    await server.client.runtime.stopPodSandbox({ podSandboxId: pod });
    await server.client.runtime.removePodSandbox({ podSandboxId: pod });
  });
});

// Nothing of more than a page fits in after this.
async function fillRun(filler: string): Promise<void> {
  await writeFile(filler, Buffer.alloc(1024 * 1024));
  const { stdout } = await run('df', ['-k', '--output=used', '/run']);
  const usedKiB = Number(stdout.trim().split('\n')[1]);
  await run('mount', ['-o', `remount,size=${usedKiB}k`, '/run']);
}
