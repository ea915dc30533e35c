// What pods and containers leave in the mount table of the host, however many there are.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { Fixture } from '../lib/fixture.ts';
import { containerConfig, exec } from '../lib/pods.ts';
import { standard } from '../lib/standard.ts';
import { base, mapped } from '../lib/userns.ts';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

describe('the mount table of the host', () => {
  /** Mount points that the process sees. */
  async function mountPoints(pid: number): Promise<string[]> {
    const table = await readFile(`/proc/${pid}/mountinfo`, 'utf8');
    return table
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .toSorted();
  }

  /** As server and launcher see it. */
  async function tables(): Promise<[string[], string[]]> {
    const socketPath = join(ground.server.runDir, 'launcher.sock');
    const { launcherPid } = await new Launcher({ socketPath }).ping();
    return Promise.all([mountPoints(ground.server.serverPid), mountPoints(launcherPid ?? 0)]);
  }

  it('has one line more for each pod, none for a container, and is as before in the end', async () => {
    const before = await tables();
    const pods = await Promise.all([
      ground.another(),
      ground.another(mapped(base)),
      ground.another({ linux: { securityContext: { privileged: true } } }),
    ]);
    const lines = pods.map(({ podSandboxId }) => `/run/netns/estiba-${podSandboxId}`);
    const withPods = before.map((table) => [...table, ...lines].toSorted());
    expect(await tables()).toEqual(withPods);
    for (const [index, pod] of pods.entries()) {
      const config = await standard(ground, `volumes-${index}`);
      const ids = await Promise.all([
        pod.run(config),
        pod.create(containerConfig('true')),
        pod.run(containerConfig(['sleep', '1000'])),
      ]);
      expect((await exec(ground.server, ids[0], 'cat /etc/hosts')).exitCode).toBe(0);
      expect(await tables()).toEqual(withPods);
      const mounts = [...(config.mounts ?? []), { hostPath: '/tmp', containerPath: '/proc/sys' }];
      const bad = { ...(await standard(ground, 'bad')), mounts };
      await expect(pod.create(bad)).rejects.toThrow(/procfs/u);
      expect(await tables()).toEqual(withPods);
      for (const containerId of ids) {
        await ground.server.client.runtime.removeContainer({ containerId });
      }
      expect(await tables()).toEqual(withPods);
    }
    for (const { podSandboxId } of pods) {
      await ground.server.client.runtime.stopPodSandbox({ podSandboxId });
      await ground.server.client.runtime.removePodSandbox({ podSandboxId });
    }
    expect(await tables()).toEqual(before);
  });
});
