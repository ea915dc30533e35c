import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import type { ExitRecord } from '../isolator/monitor-messages.ts';
import { applyExit } from './container-end.ts';
import { FakeDeps } from './fake-deps.ts';
import { removeContainer } from './remove-container.ts';
import { endSandbox, onMonitorDeath } from './sandbox-end.ts';
import { stopContainer } from './stop-container.ts';
import { stopPodSandbox } from './stop-pod-sandbox.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('a dead monitor makes the sandbox not ready at once; its pod is ended until that works', async () => {
  await using fake = await FakeDeps.make();
  const { store } = fake.deps;
  const id = await fake.sandbox(1);
  const [ended, lost] = [
    await fake.container(2, 1, 'running'),
    await fake.container(3, 1, 'running'),
  ];
  const directory = fake.deps.monitors.containerDir(id, ended);
  await mkdir(directory, { recursive: true });
  const { ExitRecord } = estiba.isolation.v1;
  await writeFile(join(directory, 'exit'), ExitRecord.encode({ exitCode: 0 }).finish());
  let failures = 2;
  const states: (string | undefined)[] = [];
  fake.onDestroy = async () => {
    states.push(store.sandboxes.get(id)?.state);
    failures -= 1;
    if (failures >= 0) {
      throw new Error('cannot remove cgroup: device or resource busy');
    }
  };
  await onMonitorDeath(fake.deps, id, 'nobody listens');
  await vi.waitFor(() => expect(fake.deps.jobs.size).toBe(0));
  expect(states).toEqual(['notReady', 'notReady', 'notReady']);
  expect(fake.detached).toEqual([[id, true]]);
  expect(fake.destroyed[0]?.cgroups).toEqual([
    `/kubepods/pod-1/${ended}`,
    `/kubepods/pod-1/${lost}`,
  ]);
  expect(store.containers.get(ended)).toMatchObject({ exitCode: 0, reason: 'Completed' });
  expect(store.containers.get(lost)).toMatchObject({
    state: 'exited',
    exitCode: 255,
    reason: 'Unknown',
    message: 'monitor died: nobody listens',
  });
});

test('containers of a dead pod can be removed while a plugin hangs', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const containerId = await fake.container(2, 1, 'running');
  fake.onDetach = () => new Promise(() => {});
  await onMonitorDeath(fake.deps, id, 'nobody listens');
  await vi.waitFor(() => expect(fake.detached).toHaveLength(1));
  await removeContainer(fake.deps, { containerId });
  expect(fake.deps.store.containers.get(containerId)).toBeUndefined();
});

test('StopPodSandbox without a monitor ends the pod each time, also when it is not ready', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1, 'notReady');
  const container = await fake.container(2, 1, 'running');
  fake.onDestroy = async () => await Promise.reject(new Error('busy'));
  await expect(endSandbox(fake.deps, id, 'stopped')).rejects.toThrow('busy');
  expect(fake.deps.store.containers.get(container)?.state).toBe('running');
  fake.onDestroy = async () => {};
  await endSandbox(fake.deps, id, 'stopped');
  await endSandbox(fake.deps, id, 'stopped');
  expect(fake.destroyed).toHaveLength(3);
  expect(fake.deps.store.containers.get(container)?.state).toBe('exited');
});

test('a container that may have outlived its monitor ends before anything of it is removed', async () => {
  await using fake = await FakeDeps.make();
  await fake.sandbox(1, 'notReady');
  const containerId = await fake.container(2, 1, 'running');
  fake.onDestroy = async () => await Promise.reject(new Error('busy'));
  await expect(removeContainer(fake.deps, { containerId })).rejects.toThrow('busy');
  expect(fake.removedTrees).toEqual([]);
  fake.onDestroy = async () => {};
  await removeContainer(fake.deps, { containerId });
  expect(fake.removedTrees).toEqual([join(fake.runDir, 'state', 'containers', containerId)]);
  expect(fake.deps.store.containers.get(containerId)).toBeUndefined();
});

test('StopContainer without a monitor ends the pod', async () => {
  await using fake = await FakeDeps.make();
  await fake.sandbox(1, 'notReady');
  const containerId = await fake.container(2, 1, 'running');
  await stopContainer(fake.deps, { containerId });
  expect(fake.destroyed).toHaveLength(1);
  expect(fake.deps.store.containers.get(containerId)?.state).toBe('exited');
});

test('StopContainer of a container that its monitor does not have finds it ended', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const containerId = await fake.container(2, 1, 'unknown');
  const code = estiba.isolation.v1.ErrorCode.NOT_FOUND;
  await fake.monitor(1, ({ getPod }) =>
    getPod
      ? {
          pod: { containers: [{ containerId, phase: estiba.isolation.v1.ContainerPhase.CREATED }] },
        }
      : { fault: { code, message: 'cannot find container' } },
  );
  await fake.deps.monitors.reach(id, undefined);
  await stopContainer(fake.deps, { containerId });
  expect(fake.deps.store.containers.get(containerId)).toMatchObject({
    state: 'exited',
    message: 'its monitor does not know it',
  });
});

const told: ExitRecord = {
  exitCode: 3,
  signal: 0,
  oomKilled: false,
  startedAtNs: 2n,
  finishedAtNs: 3n,
  message: '',
  startFailed: false,
  oom: undefined,
};

test('an exit that the monitor tells while its pod is being ended stays what was told', async () => {
  await using fake = await FakeDeps.make();
  await fake.sandbox(1, 'notReady');
  const containerId = await fake.container(2, 1, 'running');
  fake.onDestroy = () => applyExit(fake.deps, containerId, told);
  await stopContainer(fake.deps, { containerId });
  expect(fake.destroyed).toHaveLength(1);
  expect(fake.deps.store.containers.get(containerId)).toMatchObject({ exitCode: 3 });
});

test('an exit that is told before the monitor says that it knows no such container stays', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const containerId = await fake.container(2, 1, 'running');
  const code = estiba.isolation.v1.ErrorCode.NOT_FOUND;
  const phase = estiba.isolation.v1.ContainerPhase.RUNNING;
  await fake.monitor(1, ({ getPod }) => {
    if (getPod) {
      return { pod: { containers: [{ containerId, phase }] } };
    }
    void applyExit(fake.deps, containerId, told);
    return { fault: { code, message: 'cannot find container' } };
  });
  await fake.deps.monitors.reach(id, undefined);
  await stopContainer(fake.deps, { containerId });
  expect(fake.deps.store.containers.get(containerId)).toMatchObject({ exitCode: 3 });
});

test('what hangs in the kernel keeps the pod, not its network, and is told', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const calls: string[] = [];
  const code = estiba.isolation.v1.ErrorCode.FAILED_PRECONDITION;
  const message = 'cannot stop pod: process 7 (cat) hangs';
  await fake.monitor(1, ({ getPod, stopPod, releasePod }) => {
    calls.push(...(stopPod ? ['stop'] : []), ...(releasePod ? ['release'] : []));
    return getPod ? { pod: { containers: [] } } : { fault: { code, message } };
  });
  await fake.deps.monitors.reach(id, undefined);
  await expect(endSandbox(fake.deps, id, 'stopped')).rejects.toThrow(message);
  expect(fake.deps.store.sandboxes.get(id)?.state).toBe('notReady');
  expect(fake.detached).toEqual([[id, false]]);
  expect(calls).toEqual(['stop']);
});

test('StopPodSandbox ends what holds the queue of its pod', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const hung = Promise.withResolvers<void>();
  const waiting = fake.deps.queue.run(id, () => hung.promise);
  let stops = 0;
  await fake.monitor(1, ({ getPod, stopPod }) => {
    if (stopPod) {
      stops += 1;
      hung.resolve();
      return { podStopped: {} };
    }
    return getPod ? { pod: { containers: [] } } : { podReleased: {} };
  });
  await fake.deps.monitors.reach(id, undefined);
  await stopPodSandbox(fake.deps, { podSandboxId: id });
  await waiting;
  expect(stops).toBe(2);
});

/** Lets `seconds` of faked time pass; sockets and files have their turn after each. */
async function forward(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    for (let turns = 0; turns < 20; turns += 1) {
      await turn();
    }
  }
}

test('a monitor that is connected and hangs is given up, and its pod ends without it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const containerId = await fake.container(2, 1, 'running');
  let isHanging = false;
  const phase = estiba.isolation.v1.ContainerPhase.RUNNING;
  const died = vi.fn<() => void>();
  fake.deps.monitors.listen({
    onEvent: () => {},
    onState: async () => {},
    onOutOfReach: () => {},
    onDeath: died,
  });
  await fake.monitor(1, () =>
    isHanging ? undefined : { pod: { containers: [{ containerId, phase }] } },
  );
  await fake.deps.monitors.reach(id, undefined);
  isHanging = true;
  const ended = vi.fn<() => void>();
  void endSandbox(fake.deps, id, 'stopped').then(ended, ended);
  await forward(20);
  await vi.waitFor(() => expect(ended).toHaveBeenCalledExactlyOnceWith(undefined));
  expect(fake.destroyed).toHaveLength(1);
  expect(fake.deps.monitors.find(id)).toBeUndefined();
  expect(fake.deps.store.containers.get(containerId)).toMatchObject({ state: 'exited' });
  expect(died).not.toHaveBeenCalled();
});

test('a monitor that takes its time to end a pod and answers is waited for', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  await fake.monitor(1, ({ stopPod, releasePod }, connection, requestId) => {
    if (stopPod) {
      setTimeout(() => connection.monitorReply(requestId, { done: true, podStopped: {} }), 30_000);
      return undefined;
    }
    return releasePod ? { podReleased: {} } : { pod: {} };
  });
  await fake.deps.monitors.reach(id, undefined);
  const ended = vi.fn<() => void>();
  void endSandbox(fake.deps, id, 'stopped').then(ended, ended);
  await forward(40);
  await vi.waitFor(() => expect(ended).toHaveBeenCalledExactlyOnceWith(undefined));
  expect(fake.destroyed).toHaveLength(0);
});

test('nothing is taken from under a container whose monitor is out of reach', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const containerId = await fake.container(2, 1, 'running');
  await fake.monitor(1, () => ({ fault: { message: 'cannot answer: no' } }));
  await fake.deps.monitors.reach(id, undefined);
  if (!fake.deps.monitors.isOutOfReach(id)) {
    throw new Error('the monitor should be out of reach');
  }
  const outOfReach = { code: 'Unavailable' };
  await expect(removeContainer(fake.deps, { containerId })).rejects.toMatchObject(outOfReach);
  await expect(stopContainer(fake.deps, { containerId })).rejects.toMatchObject(outOfReach);
  expect([fake.destroyed, fake.removedTrees]).toEqual([[], []]);
  // A pod that has to end does not depend on it.
  await endSandbox(fake.deps, id, 'stopped');
  expect(fake.destroyed).toHaveLength(1);
  expect(fake.deps.monitors.isOutOfReach(id)).toBe(false);
});
