// The server is killed in the middle of everything, again and again. What it promised is there when it
// comes back, what it did not promise is gone, and at the end nothing is left.
import { readdir } from 'node:fs/promises';
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
  podConfig,
  runContainer,
  runPod,
  statusOf,
} from '../lib/pods.ts';
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

/** What the server said "yes" to before it died. */
interface Promised {
  readonly pods: Set<string>;
  readonly running: Set<string>;
}

async function lifeOfPod(promised: Promised): Promise<void> {
  const config = podConfig();
  const pod = await runPod(server, config);
  promised.pods.add(pod);
  const container = containerConfig(['sleep', '1000']);
  const id = await createContainer(server, pod, config, container);
  await server.client.runtime.startContainer({ containerId: id });
  promised.running.add(id);
  await exec(server, id, 'true');
  const other = await runContainer(server, pod, config, containerConfig('exit 3'));
  await server.client.runtime.removeContainer({ containerId: other });
}

async function killDuring(work: (promised: Promised) => Promise<unknown>, delayMs: number) {
  const promised = { pods: new Set<string>(), running: new Set<string>() };
  const lives = Array.from({ length: 4 }, () => work(promised).catch(() => undefined));
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  await server.stopServing('SIGKILL');
  await Promise.all(lives);
  await server.serve();
  return promised;
}

// A server answers before it has swept away what nobody was promised.
async function nothingLeft(): Promise<void> {
  const { runDir, stateDir } = server;
  const directories = [
    join(runDir, 'pods'),
    join(stateDir, 'containers'),
    join(stateDir, 'network'),
    '/run/netns',
  ];
  await eventually(async () => {
    const names = await Promise.all(directories.map((directory) => readdir(directory)));
    expect(names).toEqual(directories.map(() => []));
  }, 10_000);
}

describe('a server killed', () => {
  it.each([3, 15, 40, 80, 120, 160, 220, 300])(
    'after %i ms of four pods starting keeps what it promised, and only that',
    async (delayMs) => {
      const promised = await killDuring(lifeOfPod, delayMs);
      const { items } = await server.client.runtime.listPodSandbox({});
      const listed = new Set(items?.map((item) => item.id ?? ''));
      expect([...promised.pods].filter((id) => !listed.has(id))).toEqual([]);
      for (const id of promised.running) {
        expect((await statusOf(server, id)).state).toBe(ContainerState.CONTAINER_RUNNING);
        expect((await exec(server, id, 'echo here')).stdout).toBe('here\n');
      }
      for (const { id, state } of items ?? []) {
        expect([PodSandboxState.SANDBOX_READY, PodSandboxState.SANDBOX_NOTREADY]).toContain(state);
        await server.client.runtime.stopPodSandbox({ podSandboxId: id ?? '' });
        await server.client.runtime.removePodSandbox({ podSandboxId: id ?? '' });
      }
      await nothingLeft();
    },
  );

  it.each([2, 10, 25, 50, 90])(
    'after %i ms of four pods ending lets them be ended again',
    async (delayMs) => {
      const promised = { pods: new Set<string>(), running: new Set<string>() };
      await Promise.all(Array.from({ length: 4 }, () => lifeOfPod(promised)));
      const pods = [...promised.pods];
      const ended = await killDuring(async (gone) => {
        const podSandboxId = pods.pop() ?? '';
        await server.client.runtime.stopContainer({
          containerId: [...promised.running][pods.length] ?? '',
          timeout: toLong(0),
        });
        await server.client.runtime.stopPodSandbox({ podSandboxId });
        await server.client.runtime.removePodSandbox({ podSandboxId });
        gone.pods.add(podSandboxId);
      }, delayMs);
      const { items } = await server.client.runtime.listPodSandbox({});
      expect(items?.filter((item) => ended.pods.has(item.id ?? ''))).toEqual([]);
      for (const podSandboxId of promised.pods) {
        await server.client.runtime.stopPodSandbox({ podSandboxId });
        await server.client.runtime.removePodSandbox({ podSandboxId });
      }
      await nothingLeft();
    },
  );
});
