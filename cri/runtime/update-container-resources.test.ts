import { expect, test, vi } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import { toLong, toNumber } from '../../proto/long.ts';
import { sampleId } from '../store/record-samples.ts';
import { FakeDeps } from './fake-deps.ts';
import { updateContainerResources } from './update-container-resources.ts';
import { updatePodSandboxResources } from './update-pod-sandbox-resources.ts';

const { ContainerPhase, ErrorCode } = estiba.isolation.v1;
type Reply = estiba.isolation.v1.MonitorReply.$Properties;

const containerId = sampleId(2);
const linux = { cpuShares: toLong(512), oomScoreAdj: toLong(7) };

/** A pod with a container in `state` whose monitor answers updates with `reply`; what it was asked. */
async function updating(
  fake: FakeDeps,
  state: 'created' | 'running' | 'exited' | 'unknown',
  reply: Reply | (() => Reply),
): Promise<{ resources: unknown; oomScoreAdj: number | null | undefined }[]> {
  const asked: { resources: unknown; oomScoreAdj: number | null | undefined }[] = [];
  const id = await fake.sandbox(1);
  await fake.container(2, 1, state);
  await fake.monitor(1, ({ getPod, updateContainer }) => {
    if (getPod) {
      const phase = ContainerPhase.RUNNING;
      return { pod: { containers: [{ containerId, phase, pid: 9, startedAtNs: toLong(1n) }] } };
    }
    if (updateContainer) {
      const text = Buffer.from(updateContainer.resourcesJson ?? []).toString();
      const { oomScoreAdj } = updateContainer;
      asked.push({ resources: JSON.parse(text), oomScoreAdj });
    }
    return typeof reply === 'function' ? reply() : reply;
  });
  await fake.deps.monitors.connect(id, { pid: process.pid, startTimeTicks: 0 });
  return asked;
}

const shares = (fake: FakeDeps): number =>
  toNumber(fake.deps.store.containers.get(containerId)?.resources?.linux?.cpuShares);

test.each(['created', 'running'] as const)('limits of a %s container change', async (state) => {
  await using fake = await FakeDeps.make();
  const asked = await updating(fake, state, { updated: {} });
  await updateContainerResources(fake.deps, { containerId, linux, annotations: { a: 'b' } });
  expect(asked).toEqual([{ resources: { cpu: { shares: 512 } }, oomScoreAdj: 7 }]);
  expect(shares(fake)).toBe(512);
});

test('a refused update changes nothing that the status tells', async () => {
  await using fake = await FakeDeps.make();
  const message = 'cannot update container "c": cannot set memory.limit to 1 bytes: 2 are in use';
  await updating(fake, 'running', { fault: { code: ErrorCode.FAILED_PRECONDITION, message } });
  const update = updateContainerResources(fake.deps, { containerId, linux });
  await expect(update).rejects.toThrow(message);
  expect(shares(fake)).toBe(0);
});

test('a container that is over takes its limits for the record, as containerd has it', async () => {
  await using fake = await FakeDeps.make();
  const asked = await updating(fake, 'exited', { updated: {} });
  await updateContainerResources(fake.deps, { containerId, linux });
  expect(asked).toEqual([]);
  expect(shares(fake)).toBe(512);
});

test('so does one that ends while it is asked', async () => {
  await using fake = await FakeDeps.make();
  const fault = { code: ErrorCode.FAILED_PRECONDITION, step: 'exited', message: 'it has exited' };
  await updating(fake, 'running', { fault });
  await updateContainerResources(fake.deps, { containerId, linux });
  expect(shares(fake)).toBe(512);
});

const late = { fault: { code: ErrorCode.DEADLINE_EXCEEDED, message: 'no answer' } };
const busy = {
  fault: { code: ErrorCode.FAILED_PRECONDITION, step: 'update', message: 'another one is busy' },
};
const refusal = { fault: { code: ErrorCode.FAILED_PRECONDITION, message: 'too low' } };

test('one whose outcome came too late is asked for again until the record tells what is in force', async () => {
  await using fake = await FakeDeps.make();
  const replies: Reply[] = [late, busy, late, { updated: {} }];
  const asked = await updating(fake, 'running', () => replies.shift() ?? refusal);
  const update = updateContainerResources(fake.deps, { containerId, linux });
  await expect(update).rejects.toMatchObject({ code: 'DeadlineExceeded' });
  expect(shares(fake)).toBe(0);
  await vi.waitFor(() => expect(shares(fake)).toBe(512));
  expect(asked).toHaveLength(4);
  await vi.waitFor(() => expect(fake.deps.jobs.size).toBe(0));
});

test('one that turns out to be refused stays out of the record, a newer one wins', async () => {
  await using fake = await FakeDeps.make();
  const replies: Reply[] = [late, refusal, late];
  const asked = await updating(fake, 'running', () => replies.shift() ?? { updated: {} });
  const update = (cpuShares: number) =>
    updateContainerResources(fake.deps, { containerId, linux: { cpuShares: toLong(cpuShares) } });
  await expect(update(512)).rejects.toMatchObject({ code: 'DeadlineExceeded' });
  await vi.waitFor(() => expect(fake.deps.jobs.size).toBe(0));
  expect(shares(fake)).toBe(0);
  const older = update(600);
  const newer = update(700);
  await expect(older).rejects.toMatchObject({ code: 'DeadlineExceeded' });
  await newer;
  await fake.deps.queue.run(sampleId(1), async () => {});
  expect(shares(fake)).toBe(700);
  expect(fake.deps.jobs.size).toBe(0);
  expect(asked.at(-1)).toMatchObject({ resources: { cpu: { shares: 700 } } });
});

test('unknown containers, and those in an unknown state, are refused', async () => {
  await using fake = await FakeDeps.make();
  await updating(fake, 'unknown', { updated: {} });
  const update = (id: string) => updateContainerResources(fake.deps, { containerId: id, linux });
  await expect(update(sampleId(9))).rejects.toThrow('cannot find container');
  await expect(update(containerId)).rejects.toThrow('nobody knows what state it is in');
});

test('what nobody asks for changes nothing', async () => {
  await using fake = await FakeDeps.make();
  const asked = await updating(fake, 'running', { updated: {} });
  await updateContainerResources(fake.deps, { containerId });
  expect(asked).toEqual([]);
});

test('resources of a pod as a whole are recorded', async () => {
  await using fake = await FakeDeps.make();
  const podSandboxId = await fake.sandbox(1);
  await updatePodSandboxResources(fake.deps, { podSandboxId, resources: linux, overhead: {} });
  const { resources } = fake.deps.store.sandboxes.get(podSandboxId) ?? {};
  expect(toNumber(resources?.resources?.cpuShares)).toBe(512);
  const update = updatePodSandboxResources(fake.deps, { podSandboxId: sampleId(9) });
  await expect(update).rejects.toThrow('cannot find pod sandbox');
});
