import { expect, test, vi } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import { toLong } from '../../proto/long.ts';
import { sampleId } from '../store/record-samples.ts';
import { deadProcess, FakeDeps, processIdentity } from './fake-deps.ts';
import { followMonitors } from './recovery.ts';

const { ContainerPhase } = estiba.isolation.v1;

function stateOf(fake: FakeDeps, number: number): string | undefined {
  return fake.deps.store.sandboxes.get(sampleId(number))?.state;
}

test('a monitor that answers nonsense keeps its pod and is tried until it answers well', async () => {
  await using fake = await FakeDeps.make();
  followMonitors(fake.deps);
  const id = await fake.sandbox(1);
  const container = await fake.container(2, 1, 'running');
  let answers = 0;
  await fake.monitor(1, ({ getPod }) => {
    answers += getPod ? 1 : 0;
    return answers < 3
      ? { fault: { message: 'cannot answer: out of memory' } }
      : { pod: { containers: [{ containerId: container, phase: ContainerPhase.RUNNING }] } };
  });
  await fake.deps.monitors.reach(id, processIdentity(process.pid));
  expect(fake.deps.monitors.isOutOfReach(id)).toBe(true);
  expect(() => fake.deps.monitors.get(id)).toThrow(
    expect.objectContaining({ code: 'Unavailable' }),
  );
  await vi.waitFor(() => expect(fake.deps.monitors.find(id)).toBeDefined());
  expect(stateOf(fake, 1)).toBe('ready');
  expect(fake.deps.store.containers.get(container)?.state).toBe('running');
  expect(fake.destroyed).toEqual([]);
});

test('a monitor whose process is gone is dead, whatever its socket says', async () => {
  await using fake = await FakeDeps.make();
  followMonitors(fake.deps);
  const id = await fake.sandbox(1);
  await fake.monitor(1, () => ({ fault: { message: 'cannot answer: no' } }));
  await fake.deps.monitors.reach(id, deadProcess);
  await vi.waitFor(() => expect(fake.detached).toEqual([[id, true]]));
  expect(stateOf(fake, 1)).toBe('notReady');
  expect(fake.deps.monitors.isOutOfReach(id)).toBe(false);
});

test('a monitor without a socket or a listener is dead', async () => {
  await using fake = await FakeDeps.make();
  followMonitors(fake.deps);
  const [first, second] = [await fake.sandbox(1), await fake.sandbox(2)];
  const peer = await fake.monitor(2, () => ({ pod: {} }));
  await fake.deps.monitors.reach(second, processIdentity(process.pid));
  await fake.deps.monitors.reach(first, processIdentity(process.pid)); // never had one
  await peer.die();
  await vi.waitFor(() => {
    expect([stateOf(fake, 1), stateOf(fake, 2)]).toEqual(['notReady', 'notReady']);
  });
  expect(fake.deps.store.sandboxes.get(first)?.reason).toContain('monitor died: ');
});

test('a connection that broke is made again and tells of the exit that came in between', async () => {
  await using fake = await FakeDeps.make();
  followMonitors(fake.deps);
  const id = await fake.sandbox(1);
  const container = await fake.container(2, 1, 'running');
  let exit: estiba.isolation.v1.ExitRecord.$Properties | undefined;
  const peer = await fake.monitor(1, () => ({
    pod: {
      containers: [
        exit === undefined
          ? { containerId: container, phase: ContainerPhase.RUNNING }
          : { containerId: container, phase: ContainerPhase.EXITED, exit },
      ],
    },
  }));
  await fake.deps.monitors.connect(id, processIdentity(process.pid));
  exit = { exitCode: 7, finishedAtNs: toLong(5n) };
  peer.connections[0]?.socket.destroy();
  await vi.waitFor(() => {
    expect(fake.deps.store.containers.get(container)).toMatchObject({
      state: 'exited',
      exitCode: 7,
      finishedAtNs: 5n,
    });
  });
  expect(fake.deps.monitors.find(id)).toBeDefined();
  expect(stateOf(fake, 1)).toBe('ready');
});

test('a connection whose subscription fails is closed', async () => {
  await using fake = await FakeDeps.make();
  const id = await fake.sandbox(1);
  const fault = { fault: { message: 'cannot subscribe: no' } };
  const peer = await fake.monitor(1, () => undefined, fault);
  const connected = fake.deps.monitors.connect(id, processIdentity(process.pid));
  await expect(connected).rejects.toThrow('cannot subscribe: no');
  expect(peer.connections).toHaveLength(1);
  await peer.connections[0]?.closed;
});
