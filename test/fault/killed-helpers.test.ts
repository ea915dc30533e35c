// Launcher and monitors are killed while pods start: what fails says so, leaves nothing, and works when
// it is tried again.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { importBusybox } from '../lib/images.ts';
import { containerConfig, eventually, podConfig, runContainer, runPod } from '../lib/pods.ts';
import { hasEnded, pidsNamed, statOf } from '../lib/processes.ts';
import { TestServer } from '../lib/test-server.ts';

const { PodSandboxState } = runtime.v1;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await importBusybox(server);
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function life(config: ReturnType<typeof podConfig>): Promise<string> {
  const pod = await runPod(server, config);
  await runContainer(server, pod, config, containerConfig(['sleep', '1000']));
  return pod;
}

async function removeAll(): Promise<void> {
  const { items } = await server.client.runtime.listPodSandbox({});
  for (const { id, state } of items ?? []) {
    expect([PodSandboxState.SANDBOX_READY, PodSandboxState.SANDBOX_NOTREADY]).toContain(state);
    await server.client.runtime.stopPodSandbox({ podSandboxId: id ?? '' });
    await server.client.runtime.removePodSandbox({ podSandboxId: id ?? '' });
  }
  const { runDir, stateDir } = server;
  const directories = [
    join(runDir, 'pods'),
    join(stateDir, 'containers'),
    join(stateDir, 'network'),
  ];
  for (const directory of [...directories, '/run/netns']) {
    await expect(readdir(directory)).resolves.toEqual([]);
  }
}

/** Without the children that a monitor has for a moment, which have its name until they get their own. */
async function podMonitors(): Promise<number[]> {
  const named = await pidsNamed('estiba-monitor');
  const stats = await Promise.all(named.map(statOf));
  return stats.flatMap((stat) => (stat && !named.includes(stat.parent) ? stat.pid : []));
}

describe('a launcher killed', () => {
  it.each([2, 10, 30, 60, 100])('%i ms after four pods began to start', async (delayMs) => {
    const launcher = new Launcher({ socketPath: `${server.runDir}/launcher.sock` });
    const { launcherPid } = await launcher.ping();
    const configs = Array.from({ length: 4 }, () => podConfig());
    const first = configs.map((config) => life(config).catch(String));
    await pause(delayMs);
    kill(launcherPid, 'SIGKILL');
    // A killed process lives until it gets a processor: what it takes in by then breaks, too.
    await eventually(async () => expect(await hasEnded(launcherPid)).toBe(true), 5000);
    for (const outcome of await Promise.all(first)) {
      expect(outcome).toMatch(/^[0-9a-f]{64}$|cannot /u);
    }
    // What could not be undone is listed as not ready: the kubelet removes it, and tries again.
    const { items } = await server.client.runtime.listPodSandbox({});
    for (const { id, state } of items ?? []) {
      if (state === PodSandboxState.SANDBOX_NOTREADY) {
        await server.client.runtime.stopPodSandbox({ podSandboxId: id ?? '' });
        await server.client.runtime.removePodSandbox({ podSandboxId: id ?? '' });
      }
    }
    for (const config of configs) {
      await expect(runPod(server, config)).resolves.toMatch(/^[0-9a-f]{64}$/u);
    }
    await removeAll();
  });
});

describe('monitors killed', () => {
  it.each([5, 20, 40, 80])('%i ms after four pods began to start', async (delayMs) => {
    const lives = Array.from({ length: 4 }, () => life(podConfig()).catch(String));
    await pause(delayMs);
    const { items } = await server.client.runtime.listPodSandbox({});
    const monitors = await podMonitors();
    for (const pid of monitors) {
      kill(pid, 'SIGKILL');
    }
    for (const outcome of await Promise.all(lives)) {
      expect(outcome).toMatch(/^[0-9a-f]{64}$|cannot /u);
    }
    expect(items?.length).toBeLessThanOrEqual(4);
    await eventually(async () => {
      const after = await server.client.runtime.listPodSandbox({});
      const ready = after.items?.filter(({ state }) => state === PodSandboxState.SANDBOX_READY);
      expect(ready?.length ?? 0).toBeLessThanOrEqual(4 - monitors.length);
    }, 5000);
    await removeAll();
    await expect(runPod(server, podConfig())).resolves.toMatch(/^[0-9a-f]{64}$/u);
    await removeAll();
  });
});
