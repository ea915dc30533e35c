// A launcher that stands still: it keeps its socket and its lock, and answers nothing.
import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { importBusybox } from '../lib/images.ts';
import { containerConfig, eventually, exec, podConfig, runContainer, runPod } from '../lib/pods.ts';
import { hasEnded } from '../lib/processes.ts';
import { TestServer } from '../lib/test-server.ts';

const { PodSandboxState } = runtime.v1;

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({ config: { timeouts: ['start_pod_seconds = 1'] } });
  await importBusybox(server);
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

describe('a launcher that hangs', () => {
  it('is replaced after the first job that it does not answer; pods do not notice', async () => {
    const config = podConfig();
    const pod = await runPod(server, config);
    const id = await runContainer(server, pod, config, containerConfig('sleep 1000'));
    const launcher = new Launcher({ socketPath: `${server.runDir}/launcher.sock` });
    const { launcherPid } = await launcher.ping();
    kill(launcherPid, 'SIGSTOP');
    const failed = podConfig();
    await expect(runPod(server, failed)).rejects.toThrow(/cannot start pod/u);
    expect((await exec(server, id, 'echo alive')).stdout).toBe('alive\n');
    await eventually(async () => {
      expect(await hasEnded(launcherPid)).toBe(true);
    });
    await expect(runPod(server, podConfig())).resolves.toMatch(/^[0-9a-f]{64}$/u);
    // What could not be undone without a launcher stays listed until the kubelet removes it.
    const { items } = await server.client.runtime.listPodSandbox({});
    const left = items?.find((item) => item.metadata?.name === failed.metadata?.name);
    if (left !== undefined) {
      expect(left.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
      await server.client.runtime.removePodSandbox({ podSandboxId: left.id ?? '' });
    }
    await expect(runPod(server, failed)).resolves.toMatch(/^[0-9a-f]{64}$/u);
  });
});
