// A monitor that stands still: it keeps its connection and answers nothing.
import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importBusybox } from '../lib/images.ts';
import {
  containerConfig,
  eventually,
  exec,
  podConfig,
  runContainer,
  runPod,
  statusOf,
} from '../lib/pods.ts';
import { hasEnded, pidsNamed } from '../lib/processes.ts';
import { TestServer } from '../lib/test-server.ts';
import { limitMs } from '../lib/time.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  await importBusybox(server);
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

describe('a monitor that hangs', () => {
  it('does not keep its pod from being stopped and removed in time; others do not notice', async () => {
    const other = podConfig();
    const otherPod = await runPod(server, other);
    const otherId = await runContainer(server, otherPod, other, containerConfig('sleep 1000'));
    const before = await pidsNamed('estiba-monitor');
    const config = podConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig('sleep 1000'));
    const { info } = await server.client.runtime.containerStatus({
      containerId: id,
      verbose: true,
    });
    const [monitor = 0] = (await pidsNamed('estiba-monitor')).filter(
      (pid) => !before.includes(pid),
    );
    kill(monitor, 'SIGSTOP');

    const deadlineMs = limitMs(40_000);
    await server.client.runtime.stopPodSandbox({ podSandboxId: pod }, { deadlineMs });
    expect(await statusOf(server, id)).toMatchObject({ exitCode: 255, reason: 'Unknown' });
    await eventually(async () => expect(await hasEnded(monitor)).toBe(true));
    const { pid } = JSON.parse(info?.['info'] ?? '{}') as { pid?: number };
    expect(pid).toBeGreaterThan(1);
    expect(await hasEnded(pid ?? 1)).toBe(true);
    await server.client.runtime.removePodSandbox({ podSandboxId: pod }, { deadlineMs });
    const { items } = await server.client.runtime.listPodSandbox({});
    expect(items?.map((item) => item.id)).toEqual([otherPod]);
    expect((await exec(server, otherId, 'echo alive')).stdout).toBe('alive\n');
  });
});
