// Volumes whose server stops answering: every call names what hangs, and nothing else waits for it.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture } from '../lib/fixture.ts';
import { FuseVolume } from '../lib/fuse-volume.ts';
import { containerConfig, eventually, exec, exited, statusOf } from '../lib/pods.ts';
import { limitMs } from '../lib/time.ts';

const { ContainerState, PodSandboxState } = runtime.v1;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start({ config: { timeouts: ['create_seconds = 20'] } });
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const call = () => ground.server.client.runtime;

async function mounted(name: string): Promise<FuseVolume> {
  return FuseVolume.mount(join(ground.server.stateDir, 'volumes', name));
}

const reading = (volume: FuseVolume) =>
  containerConfig('while cat /v/file >/dev/null; do :; done', {
    mounts: [{ hostPath: volume.at, containerPath: '/v' }],
  });

const hangs = (volume: FuseVolume) =>
  eventually(async () => expect(volume.waiting).toBeGreaterThan(0));

/** The rest of the node goes on: this pod's other container, other pods, lists. */
async function expectNothingElseWaits(neighbour: string): Promise<void> {
  const before = performance.now();
  expect(await exec(ground.server, neighbour, 'echo well')).toMatchObject({ stdout: 'well\n' });
  await call().listContainers({});
  await call().podSandboxStatus({ podSandboxId: ground.podSandboxId });
  const other = await ground.another();
  await exited(ground.server, await other.run(containerConfig('true')));
  await call().stopPodSandbox({ podSandboxId: other.podSandboxId });
  await call().removePodSandbox({ podSandboxId: other.podSandboxId });
  expect(performance.now() - before).toBeLessThan(limitMs(5_000));
}

it(
  'one that dies under a container is named by StopContainer, RemoveContainer and StopPodSandbox',
  async () => {
    await using volume = await mounted('dies-later');
    const pod = await ground.another();
    const [neighbour, id] = [await pod.wait(), await pod.run(reading(volume))];
    volume.die();
    await hangs(volume);
    const hang = /process \d+ \(cat\) hangs in request_wait_answer on mount "\/v" \(fuse\)/u;
    const stopping = call()
      .stopContainer({ containerId: id, timeout: toLong(0) })
      .then(
        () => 'stopped',
        (error: unknown) => String(error),
      );
    await expectNothingElseWaits(neighbour);
    const stopped = await stopping;
    expect(stopped).toMatch(/FAILED_PRECONDITION.*cannot stop container/u);
    expect(stopped).toMatch(hang);
    expect((await statusOf(ground.server, id)).state).toBe(ContainerState.CONTAINER_RUNNING);
    await expect(call().removeContainer({ containerId: id })).rejects.toThrow(hang);
    await expectNothingElseWaits(neighbour);
    const { podSandboxId } = pod;
    await expect(call().stopPodSandbox({ podSandboxId })).rejects.toThrow(hang);
    const { status } = await call().podSandboxStatus({ podSandboxId });
    expect(status?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
    const attachment = join(ground.server.stateDir, 'network', `${podSandboxId}.json`);
    await expect(access(attachment)).rejects.toThrow('ENOENT');
    expect(await statusOf(ground.server, neighbour)).toMatchObject({ exitCode: 137 });
    await expect(call().removePodSandbox({ podSandboxId })).rejects.toThrow(hang);

    volume.revive();
    expect(await exited(ground.server, id)).toMatchObject({ exitCode: 137 });
    await call().removePodSandbox({ podSandboxId });
  },
  limitMs(120_000),
);

it(
  'one that is dead when its container is created is named, and its pod can be stopped meanwhile',
  async () => {
    await using volume = await mounted('is-dead');
    const pod = await ground.another();
    const neighbour = await pod.wait();
    volume.die();
    const named = new RegExp(`hangs in request_wait_answer.*busy with volume .*${volume.at}`, 'u');
    const creating = pod.create(reading(volume)).then(
      () => 'created',
      (error: unknown) => String(error),
    );
    await hangs(volume);
    await expectNothingElseWaits(neighbour);
    expect(await creating).toMatch(named);
    // Again, and this time nobody wants to wait.
    const waiting = volume.waiting;
    const again = pod.create(reading(volume)).then(
      () => 'created',
      (error: unknown) => String(error),
    );
    await eventually(async () => expect(volume.waiting).toBeGreaterThan(waiting));
    const before = performance.now();
    const { podSandboxId } = pod;
    await expect(call().stopPodSandbox({ podSandboxId })).rejects.toThrow(named);
    expect(performance.now() - before).toBeLessThan(limitMs(15_000));
    expect(await again).toMatch(/the pod is being stopped/u);
    volume.revive();
    await eventually(() => call().removePodSandbox({ podSandboxId }));
  },
  limitMs(120_000),
);
