import { expect, test, vi } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import { toLong } from '../../proto/long.ts';
import { sampleId } from '../store/record-samples.ts';
import { FakeDeps } from './fake-deps.ts';
import { startContainer } from './start-container.ts';

const { ContainerPhase, ErrorCode } = estiba.isolation.v1;
type State = estiba.isolation.v1.ContainerState.$Properties;

const containerId = sampleId(2);
const created: State = { containerId, phase: ContainerPhase.CREATED };
const starting: State = { containerId, phase: ContainerPhase.RUNNING, pid: 9 };
const running: State = { ...starting, startedAtNs: toLong(5n) };

/** A created container whose start the monitor refuses with `code`; `state` is what it says after. */
async function refusing(
  fake: FakeDeps,
  code: estiba.isolation.v1.ErrorCode,
  states: readonly State[],
): Promise<{ stops: number }> {
  const seen = { stops: 0 };
  let asked = -1;
  const id = await fake.sandbox(1);
  await fake.container(2, 1, 'created');
  await fake.monitor(1, ({ getPod, stopContainer }) => {
    if (getPod) {
      asked += 1;
      return { pod: { containers: [states[Math.min(asked, states.length) - 1] ?? created] } };
    }
    seen.stops += stopContainer ? 1 : 0;
    return stopContainer
      ? { containerStopped: { ...created, phase: ContainerPhase.EXITED } }
      : { fault: { code, message: 'cannot start container: no' } };
  });
  await fake.deps.monitors.reach(id, undefined);
  return seen;
}

test('a start that the monitor says to have worked has worked, whatever the answer was', async () => {
  await using fake = await FakeDeps.make();
  await refusing(fake, ErrorCode.FAILED_PRECONDITION, [running]);
  await startContainer(fake.deps, { containerId });
  expect(fake.deps.store.containers.get(containerId)).toMatchObject({
    state: 'running',
    pid: 9,
    startedAtNs: 5n,
  });
});

test('a start that is under way is no failure, and is recorded when it has worked', async () => {
  await using fake = await FakeDeps.make();
  await refusing(fake, ErrorCode.FAILED_PRECONDITION, [starting, starting, running]);
  await expect(startContainer(fake.deps, { containerId })).rejects.toThrow('no');
  expect(fake.deps.store.containers.get(containerId)?.state).toBe('created');
  await vi.waitFor(() => {
    expect(fake.deps.store.containers.get(containerId)).toMatchObject({
      state: 'running',
      startedAtNs: 5n,
    });
  });
});

test('a program that ran and ended before it could be asked has started', async () => {
  await using fake = await FakeDeps.make();
  const exit = { exitCode: 3, startedAtNs: toLong(5n), finishedAtNs: toLong(6n) };
  const state = { containerId, phase: ContainerPhase.EXITED, exit };
  await refusing(fake, ErrorCode.DEADLINE_EXCEEDED, [state]);
  await startContainer(fake.deps, { containerId });
  expect(fake.deps.store.containers.get(containerId)).toMatchObject({ exitCode: 3 });
});

test('a start that was refused is a StartError and what is parked is ended', async () => {
  await using fake = await FakeDeps.make();
  const seen = await refusing(fake, ErrorCode.INTERNAL, [created]);
  await expect(startContainer(fake.deps, { containerId })).rejects.toThrow('no');
  expect(fake.deps.store.containers.get(containerId)).toMatchObject({
    state: 'exited',
    exitCode: 128,
    reason: 'StartError',
    message: 'cannot start container: no',
  });
  expect(seen.stops).toBe(1);
});

test('a start whose answer is lost leaves the container created until the monitor tells', async () => {
  await using fake = await FakeDeps.make();
  const seen = await refusing(fake, ErrorCode.DEADLINE_EXCEEDED, [created]);
  await expect(startContainer(fake.deps, { containerId })).rejects.toMatchObject({
    code: 'DeadlineExceeded',
  });
  expect(fake.deps.store.containers.get(containerId)?.state).toBe('created');
  expect(seen.stops).toBe(0);
});
