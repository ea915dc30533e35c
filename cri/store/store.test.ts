import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { containerNameKey, sandboxNameKey } from './record.ts';
import { sampleContainer, sampleId, sampleSandbox } from './record-samples.ts';
import type { ContainerTrace } from './salvage.ts';
import { type Loaded, Store } from './store.ts';

let runDir = '';

beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'estiba-store-'));
});

afterEach(async () => {
  await rm(runDir, { recursive: true, force: true });
});

function load(bootId = 'boot-1'): Promise<Loaded> {
  return Store.load({ runDir, bootId });
}

function recordFile(kind: 'sandboxes' | 'containers', number: number): string {
  return join(runDir, 'records', kind, `${sampleId(number)}.json`);
}

test('what was saved is there after a restart, with ids, times and states', async () => {
  const { store } = await load();
  await store.sandboxes.claim(sampleSandbox(1));
  await store.sandboxes.update(sampleId(1), () => ({ state: 'ready', ips: ['10.0.0.2'] }));
  await store.containers.claim(sampleContainer(2, 1));
  await store.containers.update(sampleId(2), () => ({ state: 'created', pid: 77 }));
  const startedAtNs = 1_700_000_000_000_000_001n;
  await store.containers.update(sampleId(2), () => ({ state: 'running', startedAtNs }));
  const again = await load();
  expect(again.gone).toEqual({ sandboxes: [], containers: [] });
  expect(again.quarantined).toEqual([]);
  expect(again.store.sandboxes.list()).toEqual(store.sandboxes.list());
  expect(again.store.containers.get(sampleId(2))).toMatchObject({
    state: 'running',
    startedAtNs,
    pid: 77,
  });
  expect(again.store.containers.encodeList()).toEqual(store.containers.encodeList());
  expect(again.store.sandboxes.encodeList()).toEqual(store.sandboxes.encodeList());
});

test('an intent without a result is found again, unlisted, holding its name', async () => {
  const { store } = await load();
  await store.sandboxes.claim(sampleSandbox(1));
  const again = (await load()).store;
  expect(again.sandboxes.list()).toEqual([]);
  expect(again.sandboxes.all()).toMatchObject([{ id: sampleId(1), state: 'creating' }]);
  const key = sandboxNameKey(sampleSandbox(1).config.metadata);
  expect(again.sandboxes.byName(key)?.id).toBe(sampleId(1));
  await again.sandboxes.remove(sampleId(1));
  expect((await load()).store.sandboxes.all()).toEqual([]);
});

test('records of another boot are returned as gone and their files removed', async () => {
  const { store } = await load();
  await store.sandboxes.claim(sampleSandbox(1));
  await store.containers.claim(sampleContainer(2, 1));
  const rebooted = await load('boot-2');
  expect(rebooted.store.sandboxes.all()).toEqual([]);
  expect(rebooted.store.containers.all()).toEqual([]);
  expect(rebooted.gone.sandboxes).toMatchObject([{ id: sampleId(1) }]);
  expect(rebooted.gone.containers).toMatchObject([{ id: sampleId(2), sandboxId: sampleId(1) }]);
  expect(await readdir(join(runDir, 'records', 'sandboxes'))).toEqual([]);
  expect(await readdir(join(runDir, 'records', 'containers'))).toEqual([]);
});

test('a broken sandbox record is put aside and the sandbox stays listed, NotReady, removable', async () => {
  const { store } = await load();
  await store.sandboxes.claim(sampleSandbox(1));
  await store.sandboxes.claim(sampleSandbox(2));
  await store.sandboxes.update(sampleId(2), () => ({ state: 'ready' }));
  await writeFile(recordFile('sandboxes', 1), '{"version":1,');
  const broken = await load();
  expect(broken.quarantined).toMatchObject([{ kind: 'sandbox', id: sampleId(1) }]);
  expect(await readdir(join(runDir, 'records', 'quarantine'))).toEqual([
    `sandbox-${sampleId(1)}.json`,
  ]);
  const record = broken.store.sandboxes.resolve(sampleId(1));
  const metadata = { name: sampleId(1), namespace: 'unknown', uid: sampleId(1) };
  expect(record).toMatchObject({ state: 'notReady', config: { metadata } });
  expect(record.reason).toMatch(/^cannot read its record: /);
  expect(record.createdAtNs > 0n).toBe(true);
  expect(broken.store.sandboxes.resolve(sampleId(2)).state).toBe('ready');
  const again = await load();
  expect(again.quarantined).toEqual([]);
  expect(again.store.sandboxes.resolve(sampleId(1))).toEqual(record);
  await again.store.sandboxes.remove(sampleId(1));
  expect((await load()).store.sandboxes.find(sampleId(1))).toBeUndefined();
});

test('a broken container record keeps what it still tells, so that its pod is known', async () => {
  const { store } = await load();
  await store.containers.claim(sampleContainer(2, 1));
  await store.containers.update(sampleId(2), () => ({ state: 'created' }));
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(recordFile('containers', 2), 'utf8');
  await writeFile(recordFile('containers', 2), text.replace('"created"', '"sleeping"'));
  const { store: again, quarantined } = await load();
  expect(quarantined[0]?.why).toContain('field "state"');
  expect(again.containers.list({ podSandboxId: sampleId(1) })).toMatchObject([
    {
      id: sampleId(2),
      state: 'unknown',
      reason: 'Unknown',
      imageId: sampleContainer(2, 1).imageId,
      lowerDirs: sampleContainer(2, 1).lowerDirs,
      config: { metadata: { name: 'container-2', attempt: 2 } },
      createdAtNs: sampleContainer(2, 1).createdAtNs,
    },
  ]);
});

test('a container record of which nothing is left is completed from the trace of the container', async () => {
  const { store } = await load();
  await store.containers.claim(sampleContainer(2, 1));
  await store.containers.claim(sampleContainer(3, 1));
  await writeFile(recordFile('containers', 2), '{"version":1,');
  await writeFile(recordFile('containers', 3), '');
  const annotations = {
    'io.kubernetes.cri.container-name': 'web',
    'io.kubernetes.cri.sandbox-uid': 'uid-1',
    'io.kubernetes.cri.image-name': 'busybox:1',
  };
  const traces = new Map<string, ContainerTrace>([
    [sampleId(2), { sandboxId: sampleId(1), annotations }],
  ]);
  const traceOf = (id: string): ContainerTrace | undefined => traces.get(id);
  const { store: again } = await Store.load({ runDir, bootId: 'boot-1', traceOf });
  expect(again.containers.get(sampleId(2))).toMatchObject({
    state: 'unknown',
    sandboxId: sampleId(1),
    image: 'busybox:1',
    imageRef: 'unknown',
    lowerDirs: [],
    config: {
      metadata: { name: 'web' },
      image: { image: 'busybox:1' },
      labels: { 'io.kubernetes.container.name': 'web', 'io.kubernetes.pod.uid': 'uid-1' },
    },
  });
  expect(again.containers.get(sampleId(3))).toMatchObject({
    state: 'unknown',
    sandboxId: '0'.repeat(64),
    image: 'unknown',
    imageRef: 'unknown',
    config: { metadata: { name: sampleId(3) }, image: { image: 'unknown' }, labels: {} },
  });
});

test('a record under the name of another id is broken', async () => {
  const { store } = await load();
  await store.sandboxes.claim(sampleSandbox(1));
  const { copyFile } = await import('node:fs/promises');
  await copyFile(recordFile('sandboxes', 1), recordFile('sandboxes', 9));
  const { quarantined } = await load();
  expect(quarantined).toMatchObject([{ id: sampleId(9), why: `it is of "${sampleId(1)}"` }]);
});

test('a removed name can be taken again', async () => {
  const { store } = await load();
  await store.containers.claim(sampleContainer(2, 1));
  const { id: _, ...other } = sampleContainer(2, 1);
  await expect(store.containers.claim({ ...other, id: sampleId(3) })).rejects.toMatchObject({
    code: 'AlreadyExists',
    message: `cannot create container "${sampleId(3)}": its name is held by "${sampleId(2)}"`,
  });
  await store.containers.remove(sampleId(2));
  await store.containers.claim({ ...other, id: sampleId(3) });
  const key = containerNameKey(sampleId(1), { name: 'container-2', attempt: 2 });
  expect(store.containers.byName(key)?.id).toBe(sampleId(3));
});

test('a claim that cannot be saved leaves nothing', async () => {
  const { store } = await load();
  await rm(join(runDir, 'records'), { recursive: true });
  await expect(store.sandboxes.claim(sampleSandbox(1))).rejects.toMatchObject({ code: 'Internal' });
  expect(store.sandboxes.size).toBe(0);
  const key = sandboxNameKey(sampleSandbox(1).config.metadata);
  expect(store.sandboxes.byName(key)).toBeUndefined();
});

test('an exit that arrives while the container is removed does not bring its record back', async () => {
  const { store } = await load();
  await store.containers.claim(sampleContainer(2, 1));
  const removing = store.containers.remove(sampleId(2));
  const updating = store.containers.update(sampleId(2), () => ({ state: 'exited' }));
  await Promise.all([removing, updating]);
  expect(store.containers.get(sampleId(2))).toBeUndefined();
  expect(await readdir(join(runDir, 'records', 'containers'))).toEqual([]);
});

test('1000 objects load and list in good time', async () => {
  const { store } = await load();
  const claims = Array.from({ length: 1000 }, (_, index) =>
    store.containers.claim(sampleContainer(index, 0)),
  );
  await Promise.all(claims);
  await Promise.all(
    claims.map((_, index) =>
      store.containers.update(sampleId(index), () => ({ state: 'created' })),
    ),
  );
  const beginMs = performance.now();
  const again = (await load()).store;
  const loadedMs = performance.now();
  const first = again.containers.encodeList();
  const encodedMs = performance.now();
  const second = again.containers.encodeList({});
  const listedMs = performance.now();
  expect(Buffer.compare(first, second)).toBe(0);
  expect(again.containers.size).toBe(1000);
  // Generous: about 60, 10 and 0.3 ms on an idle machine of 2026.
  expect(loadedMs - beginMs).toBeLessThan(5000);
  expect(encodedMs - loadedMs).toBeLessThan(1000);
  expect(listedMs - encodedMs).toBeLessThan(100);
});

test('SELinux levels are in use as long as there is a sandbox or container that has them', async () => {
  const { store } = await load();
  await store.sandboxes.claim({ ...sampleSandbox(1), selinuxLevel: 's0:c1,c2' });
  const container = sampleContainer(2, 1);
  const linux = { securityContext: { selinuxOptions: { level: 's0:c3,c4' } } };
  await store.containers.claim({ ...container, config: { ...container.config, linux } });
  const again = (await load()).store;
  for (const { sandboxes } of [store, again]) {
    const used = ['s0:c1,c2', 's0:c3,c4', 's0:c5,c6'].map((level) =>
      sandboxes.selinuxLevels.has(level),
    );
    expect(used).toEqual([true, true, false]);
  }
  await again.containers.remove(sampleId(2));
  await again.sandboxes.remove(sampleId(1));
  expect(again.sandboxes.selinuxLevels.has('s0:c1,c2')).toBe(false);
  expect(again.sandboxes.selinuxLevels.has('s0:c3,c4')).toBe(false);
});
