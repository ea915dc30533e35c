import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toBigInt } from '../../proto/long.ts';
import { containerStateToCri } from './container-table.ts';
import type { ContainerRecord, ContainerState, SandboxState } from './record.ts';
import { sandboxFromJson } from './record-json.ts';
import { sampleContainer, sampleId, sampleSandbox } from './record-samples.ts';
import { sandboxStateToCri } from './sandbox-table.ts';
import { Store } from './store.ts';

type Wire = typeof runtime.v1;
const v1: Wire = runtime.v1;

let runDir = '';
let store: Store;

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'estiba-table-'));
  ({ store } = await Store.load({ runDir, bootId: 'boot' }));
  for (const [number, state] of (['ready', 'notReady', 'ready'] as const).entries()) {
    await store.sandboxes.claim(sampleSandbox(number, { tier: number === 1 ? 'db' : 'web' }));
    await store.sandboxes.update(sampleId(number), () => ({ state }));
  }
  await store.sandboxes.claim(sampleSandbox(0xf00, { tier: 'web' }));
  const states = ['created', 'running', 'exited', 'unknown'] as const;
  for (let number = 0x100; number < 0x10c; number += 1) {
    const labels = { tier: number % 2 === 0 ? 'web' : 'db', toString: 'x' };
    await store.containers.claim(sampleContainer(number, number % 3, labels));
    await store.containers.update(sampleId(number), () => ({ state: 'created' }));
    const state = states[number % 4] ?? 'created';
    await store.containers.update(sampleId(number), () => ({ state }));
  }
  await store.containers.claim(sampleContainer(0xf01, 0));
});

afterAll(async () => {
  await rm(runDir, { recursive: true, force: true });
});

test('an encoded sandbox list decodes to every field of the records', () => {
  const { items } = v1.ListPodSandboxResponse.decode(store.sandboxes.encodeList());
  expect(items).toHaveLength(3);
  const [first] = items;
  expect(first).toMatchObject({
    id: sampleId(0),
    metadata: { name: 'pod-0', uid: 'uid-0', namespace: 'default' },
    labels: { 'io.kubernetes.pod.uid': 'uid-0', tier: 'web' },
    annotations: { note: 'ä"\n' },
  });
  expect(toBigInt(first?.createdAt)).toBe(1_700_000_000_000_000_000n);
});

test('an encoded container list decodes to every field of the records', () => {
  const bytes = store.containers.encodeList({ id: sampleId(0x101) });
  const { containers } = v1.ListContainersResponse.decode(bytes);
  expect(containers).toMatchObject([
    {
      id: sampleId(0x101),
      podSandboxId: sampleId(0x101 % 3),
      metadata: { name: 'container-257', attempt: 2 },
      image: { image: `sha256:${'a'.repeat(64)}`, userSpecifiedImage: 'busybox' },
      imageRef: `docker.io/library/busybox@sha256:${'b'.repeat(64)}`,
      imageId: `sha256:${'a'.repeat(64)}`,
      state: v1.ContainerState.CONTAINER_RUNNING,
      annotations: { restarts: '2' },
    },
  ]);
});

const label = fc.constantFrom(
  ['tier', 'web'],
  ['tier', 'db'],
  ['tier', 'none'],
  ['io.kubernetes.pod.uid', 'uid-1'],
  ['io.kubernetes.pod.uid', 'uid-9'],
  ['toString', 'x'],
  ['hasOwnProperty', 'x'],
);
const selector = fc.array(label, { maxLength: 2 }).map((labels) => Object.fromEntries(labels));

test('container filters mean the same as asking each container in turn', () => {
  const filter = fc.record({
    id: fc.constantFrom('', sampleId(0x101), sampleId(0x102).slice(0, 8), '000001', 'ff'),
    podSandboxId: fc.constantFrom('', sampleId(0), sampleId(2).slice(0, 9), '0000', sampleId(9)),
    state: fc.constantFrom(
      ...[0, 1, 3, 99].map((state) => v1.ContainerStateValue.decode(Buffer.from([8, state]))),
      null,
    ),
    labelSelector: selector,
  });
  const means = (short: string, whole: string, ids: readonly string[]): boolean =>
    short === '' ||
    (whole.startsWith(short) && ids.filter((id) => id.startsWith(short)).length === 1);
  const listed = store.containers.all().filter(({ state }) => state !== 'creating');
  const ids = listed.map(({ id }) => id);
  const sandboxIds = store.sandboxes.list().map(({ id }) => id);
  const accepts = (record: ContainerRecord, wanted: runtime.v1.ContainerFilter.$Properties) =>
    means(wanted.id ?? '', record.id, ids) &&
    means(wanted.podSandboxId ?? '', record.sandboxId, sandboxIds) &&
    (!wanted.state || wanted.state.state === containerStateToCri[record.state]) &&
    Object.entries(wanted.labelSelector ?? {}).every(
      ([name, value]) =>
        Object.hasOwn(record.config.labels, name) && record.config.labels[name] === value,
    );
  fc.assert(
    fc.property(filter, (wanted) => {
      const expected = listed.filter((record) => accepts(record, wanted)).map(({ id }) => id);
      expect(store.containers.list(wanted).map(({ id }) => id)).toEqual(expected);
      const { containers } = v1.ListContainersResponse.decode(store.containers.encodeList(wanted));
      expect(containers.map(({ id }) => id)).toEqual(expected);
    }),
    { numRuns: 400 },
  );
});

test('sandbox filters take id, state and labels together', () => {
  const { SANDBOX_READY: READY, SANDBOX_NOTREADY: NOT_READY } = v1.PodSandboxState;
  const ids = (filter: runtime.v1.PodSandboxFilter.$Properties): number[] =>
    store.sandboxes.list(filter).map(({ id }) => Number.parseInt(id.slice(0, 8), 16));
  expect(ids({})).toEqual([0, 1, 2]);
  expect(ids({ state: { state: READY } })).toEqual([0, 2]);
  expect(ids({ state: { state: NOT_READY } })).toEqual([1]);
  expect(ids({ state: { state: READY }, labelSelector: { tier: 'db' } })).toEqual([]);
  expect(ids({ labelSelector: { 'io.kubernetes.pod.uid': 'uid-1', tier: 'db' } })).toEqual([1]);
  expect(ids({ id: '00000002' })).toEqual([2]);
  expect(ids({ id: '0000' })).toEqual([]);
  expect(ids({ id: sampleId(0xf00) })).toEqual([]);
});

test('a change shows in the next list although items are cached', async () => {
  await store.sandboxes.claim(sampleSandbox(0x77));
  await store.sandboxes.update(sampleId(0x77), () => ({ state: 'ready' }));
  const stateOf = (): number | null | undefined =>
    v1.ListPodSandboxResponse.decode(store.sandboxes.encodeList({ id: sampleId(0x77) })).items[0]
      ?.state;
  expect(stateOf()).toBe(0);
  const saving = store.sandboxes.update(sampleId(0x77), () => ({ state: 'notReady' }));
  expect(stateOf()).toBe(1);
  await saving;
  await store.sandboxes.remove(sampleId(0x77));
  expect(stateOf()).toBeUndefined();
});

test('the whole list is the same bytes until something changes', async () => {
  const idsOf = (bytes: Uint8Array): string[] =>
    v1.ListPodSandboxResponse.decode(bytes).items.map(({ id }) => id ?? '');
  const before = store.sandboxes.encodeList();
  expect(store.sandboxes.encodeList({ id: '', labelSelector: {} })).toBe(before);
  const claiming = store.sandboxes.claim(sampleSandbox(0x78));
  expect(idsOf(store.sandboxes.encodeList())).not.toContain(sampleId(0x78));
  await claiming;
  await store.sandboxes.update(sampleId(0x78), () => ({ state: 'ready' }));
  expect(idsOf(store.sandboxes.encodeList())).toContain(sampleId(0x78));
  await store.sandboxes.remove(sampleId(0x78));
  expect(store.sandboxes.encodeList()).toEqual(before);
});

test('find takes whole ids and unique beginnings, and says what is wrong with others', () => {
  expect(store.containers.find(sampleId(0x105))?.id).toBe(sampleId(0x105));
  expect(store.containers.find('0000010500')?.id).toBe(sampleId(0x105));
  expect(store.containers.find('abc')).toBeUndefined();
  expect(store.containers.find(sampleId(0xf01))).toBeUndefined();
  expect(() => store.containers.find('')).toThrow('cannot find container: the id is empty');
  expect(() => store.containers.find('000001')).toThrow(
    'cannot find container "000001": it is the beginning of 12 ids',
  );
  expect(() => store.sandboxes.resolve('abc')).toThrow(
    'cannot find pod sandbox "abc": there is none',
  );
});

test('ofSandbox returns every container of the sandbox, those being created too', () => {
  const numbers = store.containers
    .ofSandbox(sampleId(0))
    .map(({ id }) => Number.parseInt(id.slice(0, 8), 16));
  expect(numbers).toEqual([0x102, 0x105, 0x108, 0x10b, 0xf01]);
  expect(store.containers.ofSandbox(sampleId(0x999))).toEqual([]);
});

test('only the transitions of the state machines are possible', async () => {
  const containerStates = ['creating', 'created', 'running', 'exited', 'unknown'] as const;
  const possible = new Set<string>([
    'creating>created',
    'creating>exited',
    'creating>unknown',
    'created>running',
    'created>exited',
    'created>unknown',
    'running>exited',
    'running>unknown',
    'unknown>exited',
  ]);
  const pathTo: Record<ContainerState, readonly ContainerState[]> = {
    creating: [],
    created: ['created'],
    running: ['created', 'running'],
    exited: ['exited'],
    unknown: ['unknown'],
  };
  for (const from of containerStates) {
    for (const to of containerStates) {
      const { id } = await store.containers.claim(sampleContainer(0x5000, 0));
      for (const state of pathTo[from]) {
        await store.containers.update(id, () => ({ state }));
      }
      const update = store.containers.update(id, () => ({ state: to, pid: 5 }));
      if (from === to || possible.has(`${from}>${to}`)) {
        expect((await update).state).toBe(to);
      } else {
        await expect(update, `${from}>${to}`).rejects.toMatchObject({
          code: 'Internal',
          message: `cannot change container "${id}": "${to}" does not follow "${from}"`,
        });
        expect(store.containers.get(id)).toMatchObject({ state: from, pid: 0 });
      }
      await store.containers.remove(id);
    }
  }
});

test('a sandbox that is not ready never becomes ready again', async () => {
  const { id } = await store.sandboxes.claim(sampleSandbox(0x6000));
  const to = (state: SandboxState): Promise<unknown> =>
    store.sandboxes.update(id, () => ({ state }));
  await to('ready');
  await expect(to('creating')).rejects.toMatchObject({ code: 'Internal' });
  await to('notReady');
  await expect(to('ready')).rejects.toMatchObject({ code: 'Internal' });
  await store.sandboxes.remove(id);
  await expect(to('notReady')).rejects.toMatchObject({ code: 'NotFound' });
});

test('every state has its CRI number', () => {
  expect(sandboxStateToCri).toEqual({ creating: 1, ready: 0, notReady: 1 });
  expect(containerStateToCri).toEqual({
    creating: 3,
    created: 0,
    running: 1,
    exited: 2,
    unknown: 3,
  });
});

test('a change that cannot be saved is in force at once and saved when that works again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const ownDir = await mkdtemp(join(tmpdir(), 'estiba-unsaved-'));
  try {
    const { store: own } = await Store.load({ runDir: ownDir, bootId: 'boot' });
    await own.sandboxes.claim(sampleSandbox(1));
    // The directory is away, as a full file system would be.
    const records = join(ownDir, 'records', 'sandboxes');
    await rename(records, `${records}.away`);
    const failed = own.sandboxes.update(sampleId(1), () => ({ state: 'ready' }));
    await expect(failed).rejects.toMatchObject({ code: 'Internal' });
    expect(own.sandboxes.get(sampleId(1))?.state).toBe('ready');
    await vi.advanceTimersByTimeAsync(1000);
    await rename(`${records}.away`, records);
    const file = join(records, `${sampleId(1)}.json`);
    await vi.waitFor(
      async () => {
        await vi.advanceTimersByTimeAsync(1000);
        expect(sandboxFromJson(await readFile(file, 'utf8')).state).toBe('ready');
      },
      { timeout: 60_000 },
    );
  } finally {
    vi.useRealTimers();
    await rm(ownDir, { recursive: true });
  }
});
