// What a create leaves that fails, when taking it back fails too.
import { expect, test, vi } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { estiba } from '../../proto/gen/isolation.js';
import { createContainer } from './create-container.ts';
import { FakeDeps } from './fake-deps.ts';
import { runPodSandbox } from './run-pod-sandbox.ts';

const call = { signal: new AbortController().signal };
const metadata = { name: 'a', namespace: 'b', uid: 'c', attempt: 0 };
const network = runtime.v1.NamespaceMode.NODE;
const request = {
  config: { metadata, linux: { securityContext: { namespaceOptions: { network } } } },
};

const podStarted = {
  monitorPid: 2,
  monitorStartTimeTicks: 1,
  ipcPath: '/proc/2/fd/3',
  utsPath: '/proc/2/fd/4',
  pidPath: '/proc/2/fd/5',
  shmPath: '/proc/2/fd/6',
  netnsInode: 1,
  initPid: 3,
  userPath: '',
};

test('a sandbox whose record cannot be removed is listed as not ready, and its first error told', async () => {
  await using fake = await FakeDeps.make();
  const { sandboxes } = fake.deps.store;
  vi.spyOn(fake.deps.launcher, 'startPod').mockRejectedValue(new Error('cannot start pod: no'));
  vi.spyOn(sandboxes, 'remove').mockRejectedValueOnce(new Error('cannot remove record: full'));
  await expect(runPodSandbox(fake.deps, request, call)).rejects.toThrow('cannot start pod: no');
  expect(sandboxes.list({})).toMatchObject([
    { state: 'notReady', reason: 'cannot start pod: no; cannot remove record: full' },
  ]);
});

test('a sandbox that cannot be taken back is not ready, also when that cannot be saved', async () => {
  await using fake = await FakeDeps.make();
  const { sandboxes } = fake.deps.store;
  vi.spyOn(fake.deps.launcher, 'startPod').mockRejectedValue(new Error('cannot start pod: no'));
  fake.onDestroy = () => Promise.reject(new Error('busy'));
  vi.spyOn(sandboxes, 'update').mockRejectedValueOnce(new Error('cannot save record: full'));
  await expect(runPodSandbox(fake.deps, request, call)).rejects.toThrow('cannot start pod: no');
});

test('a container that cannot be removed keeps its layers, one that never was does not', async () => {
  await using fake = await FakeDeps.make();
  const podSandboxId = await fake.sandbox(1);
  await fake.deps.store.sandboxes.update(podSandboxId, () => ({ podStarted }));
  const code = estiba.isolation.v1.ErrorCode.INTERNAL;
  await fake.monitor(1, ({ getPod }) =>
    getPod ? { pod: {} } : { fault: { code, message: 'it hangs' } },
  );
  await fake.deps.monitors.reach(podSandboxId, undefined);
  const release = vi.spyOn(fake.deps.images, 'release');
  const config = { metadata: { name: 'a' }, image: { image: 'busybox' } };
  const created = createContainer(fake.deps, { podSandboxId, config }, call);
  await expect(created).rejects.toThrow('it hangs');
  expect(fake.deps.store.containers.list({})).toMatchObject([{ state: 'unknown' }]);
  expect(release).not.toHaveBeenCalled();
  vi.spyOn(fake.deps.store.containers, 'claim').mockRejectedValueOnce(new Error('full'));
  const other = { ...config, metadata: { name: 'b' } };
  const failed = createContainer(fake.deps, { podSandboxId, config: other }, call);
  await expect(failed).rejects.toThrow('full');
  expect(release).toHaveBeenCalledOnce();
});

test('a container whose record cannot be removed is listed, and its first error told', async () => {
  await using fake = await FakeDeps.make();
  const { containers } = fake.deps.store;
  const podSandboxId = await fake.sandbox(1);
  await fake.deps.store.sandboxes.update(podSandboxId, () => ({ podStarted }));
  const code = estiba.isolation.v1.ErrorCode.INTERNAL;
  await fake.monitor(1, ({ getPod, removeContainer }) =>
    getPod
      ? { pod: {} }
      : removeContainer
        ? { removed: {} }
        : { fault: { code, message: 'cannot create container: no' } },
  );
  await fake.deps.monitors.reach(podSandboxId, undefined);
  vi.spyOn(containers, 'remove').mockRejectedValueOnce(new Error('cannot remove record: full'));
  const created = createContainer(
    fake.deps,
    { podSandboxId, config: { metadata: { name: 'a' }, image: { image: 'busybox' } } },
    call,
  );
  await expect(created).rejects.toThrow('cannot create container: no');
  expect(containers.list({})).toMatchObject([
    {
      state: 'unknown',
      reason: 'CreateError',
      message: 'cannot create container: no; cannot remove record: full',
    },
  ]);
});

test('a monitor that hangs leaves the end of its pod the time that an undo has', async () => {
  await using fake = await FakeDeps.make();
  vi.spyOn(fake.deps.launcher, 'startPod').mockImplementation(async ({ podId }) => {
    await fake.monitorOf(podId, () => undefined);
    return podStarted;
  });
  const full = new Error('cannot save record: full');
  vi.spyOn(fake.deps.store.sandboxes, 'update').mockRejectedValueOnce(full);
  await expect(runPodSandbox(fake.deps, request, call)).rejects.toThrow(full.message);
  expect(fake.destroyed).toMatchObject([{ removeDir: true }]);
  expect(fake.deps.store.sandboxes.all()).toEqual([]);
  expect(fake.deps.monitors.count).toBe(0);
});
