import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import { sampleId } from '../store/record-samples.ts';
import type { Loaded } from '../store/store.ts';
import { FakeDeps } from './fake-deps.ts';
import { followMonitors, recover } from './recovery.ts';

const { ContainerPhase } = estiba.isolation.v1;

async function restart(fake: FakeDeps): Promise<void> {
  followMonitors(fake.deps);
  const nothing = { gone: { sandboxes: [], containers: [] }, quarantined: [] };
  await recover(fake.deps, { ...nothing, store: fake.deps.store } satisfies Loaded);
}

test('an interrupted sandbox is taken back, and so is an interrupted container', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1, 'creating');
  const podDir = fake.deps.monitors.podDir(id);
  await mkdir(podDir);
  await fake.sandbox(2);
  const container = await fake.container(3, 2, 'creating');
  const removed: (string | undefined)[] = [];
  await fake.monitor(2, ({ getPod, removeContainer }) => {
    if (getPod) {
      return { pod: { containers: [{ containerId: container, phase: ContainerPhase.CREATED }] } };
    }
    removed.push(removeContainer?.containerId ?? undefined);
    return { removed: {} };
  });
  await restart(fake);
  await vi.waitFor(() => {
    expect(fake.deps.store.sandboxes.get(id)).toBeUndefined();
    expect(fake.deps.store.containers.get(container)).toBeUndefined();
  });
  expect(removed).toEqual([container]);
  expect(fake.destroyed.map((request) => request.podDir)).toEqual([podDir]);
  expect(fake.detached).toEqual([[id, true]]);
  expect(await readdir(join(fake.runDir, 'pods'))).toEqual([sampleId(2)]);
});

test('an interrupted sandbox that cannot be taken back is listed with the reason', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1, 'creating');
  const podDir = fake.deps.monitors.podDir(id);
  await mkdir(podDir);
  fake.onDetach = async () => await Promise.reject(new Error('cannot run DEL: busy'));
  await restart(fake);
  await vi.waitFor(() => expect(fake.detachedInBackground).toEqual([id]));
  const [sandbox] = fake.deps.store.sandboxes.list();
  expect(sandbox).toMatchObject({ id, state: 'notReady' });
  expect(sandbox?.reason).toContain('cannot release the network: cannot run DEL: busy');
  // It tells what is to be ended when the kubelet stops the sandbox.
  expect(await readdir(join(fake.runDir, 'pods'))).toEqual([id]);
});

test('left-overs are removed one by one, each until it works, and nobody waits for them', async () => {
  await using fake = await FakeDeps.make();
  await fake.sandbox(1);
  const lost = await fake.container(2, 3, 'running'); // its sandbox has no record
  const writable = join(fake.runDir, 'state', 'containers');
  const files = join(fake.runDir, 'state', 'pods');
  await mkdir(join(writable, sampleId(4)), { recursive: true });
  await mkdir(join(writable, lost));
  await mkdir(join(files, sampleId(4)), { recursive: true });
  await writeFile(join(files, sampleId(4), 'hosts'), '');
  await mkdir(join(files, sampleId(1)));
  await mkdir(fake.deps.monitors.podDir(sampleId(5)));
  let failures = 1;
  fake.onDestroy = async ({ podDir }) => {
    failures -= 1;
    if (podDir.endsWith(sampleId(5)) && failures >= 0) {
      throw new Error('busy');
    }
  };
  await restart(fake);
  await vi.waitFor(() => expect(fake.deps.jobs.size).toBe(0));
  expect(fake.removedTrees).toEqual([join(writable, sampleId(4))]);
  expect(await readdir(files)).toEqual([sampleId(1)]);
  const whole = fake.destroyed.filter(({ removeDir }) => removeDir);
  expect(whole.map(({ podDir }) => podDir.slice(-64)).toSorted()).toEqual([
    sampleId(3),
    sampleId(5),
  ]);
  expect(fake.deps.store.containers.get(lost)).toMatchObject({
    state: 'exited',
    message: 'its sandbox has no record',
  });
});
