// What ends without a good-bye: the server, the launcher, a monitor. Pods live through the first two;
// the third ends its pod, and says so.
import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { importBusybox } from '../lib/images.ts';
import {
  containerConfig,
  eventually,
  exec,
  exited,
  podConfig,
  runContainer,
  runPod,
  statusOf,
} from '../lib/pods.ts';
import { hasEnded } from '../lib/processes.ts';
import { TestServer } from '../lib/test-server.ts';

const { ContainerState, PodSandboxState } = runtime.v1;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await importBusybox(server);
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

async function listing(): Promise<unknown> {
  const [pods, containers] = await Promise.all([
    server.client.runtime.listPodSandbox({}),
    server.client.runtime.listContainers({}),
  ]);
  return JSON.parse(JSON.stringify({ pods, containers }));
}

describe('a restart of the server', () => {
  it('changes no listing, keeps containers running and loses no exit', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const lives = await runContainer(server, pod, config, containerConfig('sleep 1000'));
    await server.client.runtime.startContainer({ containerId: lives }).catch(() => undefined);
    const before = await listing();
    await server.stopServing('SIGKILL');
    await server.serve();
    expect(await listing()).toEqual(before);
    expect((await exec(server, lives, 'echo alive')).stdout).toBe('alive\n');
    const ends = await runContainer(server, pod, config, containerConfig('sleep 1; exit 9'));
    await server.stopServing('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await server.serve();
    await expect(exited(server, ends, 1000)).resolves.toMatchObject({
      exitCode: 9,
      reason: 'Error',
    });
  });
});

describe('the death of the launcher', () => {
  it('is not noticed by pods and mended by the next job', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig('sleep 1000'));
    const launcher = new Launcher({ socketPath: `${server.runDir}/launcher.sock` });
    const { launcherPid } = await launcher.ping();
    kill(launcherPid, 'SIGKILL');
    await eventually(async () => expect(await hasEnded(launcherPid)).toBe(true));
    expect((await exec(server, id, 'echo alive')).stdout).toBe('alive\n');
    await expect(runPod(server, podConfig())).resolves.toMatch(/^[0-9a-f]{64}$/u);
  });
});

describe('the death of a monitor', () => {
  it('ends its pod within a second, exit code 255, and lets it be removed', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig('sleep 1000'));
    const { info } = await server.client.runtime.podSandboxStatus({
      podSandboxId: pod,
      verbose: true,
    });
    const { pid } = JSON.parse(info?.['info'] ?? '{}') as { pid: number };
    kill(pid, 'SIGKILL');
    await expect(exited(server, id, 2000)).resolves.toMatchObject({
      exitCode: 255,
      reason: 'Unknown',
    });
    await eventually(async () => {
      const { status } = await server.client.runtime.podSandboxStatus({ podSandboxId: pod });
      expect(status?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
    }, 2000);
    expect((await statusOf(server, id)).state).toBe(ContainerState.CONTAINER_EXITED);
    await server.client.runtime.stopPodSandbox({ podSandboxId: pod });
    await server.client.runtime.removePodSandbox({ podSandboxId: pod });
  });
});
