import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import type { ContainerState } from '../isolator/monitor-messages.ts';
import { sampleId } from '../store/record-samples.ts';
import { FakeDeps } from './fake-deps.ts';
import { takeInPodState } from './take-in-pod-state.ts';

function state(containerId: string, change: Partial<ContainerState>): ContainerState {
  return {
    containerId,
    phase: 'running',
    pid: 77,
    startTimeTicks: 1,
    createdAtNs: 1n,
    startedAtNs: 2n,
    exit: undefined,
    user: { uid: 0, gid: 0, additionalGids: [] },
    oom: undefined,
    ...change,
  };
}

function client(): { removeContainer: () => Promise<void>; stopContainer: () => Promise<never> } {
  return {
    removeContainer: vi.fn(async () => {}),
    stopContainer: vi.fn(async () => await Promise.reject(new Error('it is gone'))),
  };
}

const pod = {
  podId: '',
  monitorPid: 1,
  monitorStartTimeTicks: 1,
  build: '',
  initPid: 0,
  bootId: '',
} as const;

test('records follow the monitor; strangers go, and so do the dead that live', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const started = await fake.container(2, 1, 'created');
  const beingMade = await fake.container(3, 1, 'creating');
  const toldDead = await fake.container(4, 1, 'exited');
  const unknown = await fake.container(5, 1, 'unknown');
  const stranger = sampleId(6);
  const exit = {
    exitCode: 3,
    signal: 0,
    oomKilled: false,
    startedAtNs: 2n,
    finishedAtNs: 3n,
    message: '',
    startFailed: false,
    oom: undefined,
  };
  const calls = client();
  const containers = [
    ...[started, beingMade, toldDead, stranger].map((known) => state(known, {})),
    state(unknown, { phase: 'exited', exit }),
  ];
  await takeInPodState(fake.deps, id, { ...pod, containers }, calls);
  const get = (known: string): unknown => fake.deps.store.containers.get(known);
  expect(get(started)).toMatchObject({ state: 'running', pid: 77, startedAtNs: 2n });
  expect(get(beingMade)).toMatchObject({ state: 'creating' });
  expect(get(unknown)).toMatchObject({ state: 'exited', exitCode: 3, reason: 'Error' });
  expect(calls.removeContainer).toHaveBeenCalledExactlyOnceWith(stranger);
  expect(calls.stopContainer).toHaveBeenCalledExactlyOnceWith(toldDead, 9, 0);
});

test('a container that the monitor does not know has ended as its exit record says', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const [recorded, lost] = [
    await fake.container(2, 1, 'running'),
    await fake.container(3, 1, 'running'),
  ];
  const directory = fake.deps.monitors.containerDir(id, recorded);
  await mkdir(directory, { recursive: true });
  const { ExitRecord } = estiba.isolation.v1;
  await writeFile(join(directory, 'exit'), ExitRecord.encode({ exitCode: 4 }).finish());
  await takeInPodState(fake.deps, id, { ...pod, containers: [] }, client());
  expect(fake.deps.store.containers.get(recorded)).toMatchObject({ exitCode: 4, reason: 'Error' });
  expect(fake.deps.store.containers.get(lost)).toMatchObject({
    state: 'exited',
    exitCode: 255,
    reason: 'Unknown',
    message: 'its monitor does not know it',
  });
});
