import { expect, test, vi } from 'vitest';
import type { ExitRecord, OomKills } from '../isolator/monitor-messages.ts';
import { sampleId } from '../store/record-samples.ts';
import { applyExit, applyOomKills } from './container-end.ts';
import { exitChange } from './container-exit.ts';
import { FakeDeps } from './fake-deps.ts';
import { oomMessage, OomReports } from './oom-kills.ts';

const kill: OomKills = { kills: 1, level: 'container', cgroup: '/p/c', limitBytes: 4096 };

function exit(change: Partial<ExitRecord>): ExitRecord {
  return {
    exitCode: 137,
    signal: 9,
    oomKilled: change.oom !== undefined,
    startedAtNs: 1n,
    finishedAtNs: 2n,
    message: '',
    startFailed: false,
    oom: undefined,
    ...change,
  };
}

test.each<[Partial<OomKills>, string]>([
  [{}, "1 process of it for lack of memory: the container's limit of 4096 bytes was reached"],
  [
    { kills: 3, level: 'pod', cgroup: '/p' },
    '3 processes of it for lack of memory: ' +
      'the pod\'s limit of 4096 bytes was reached (cgroup "/p")',
  ],
  [
    { level: 'ancestor', cgroup: '/' },
    '1 process of it for lack of memory: ' +
      'the limit of 4096 bytes of cgroup "/", which is above the pod, was reached',
  ],
  [
    { level: 'node', cgroup: '', limitBytes: 0 },
    '1 process of it for lack of memory: the node had no memory left',
  ],
  [
    { level: 'unknown', cgroup: '', limitBytes: 0 },
    '1 process of it for lack of memory: nobody knows whose limit was reached',
  ],
])('a kill is told with the limit that was reached: %j', (change, text) => {
  expect(oomMessage({ ...kill, ...change })).toBe(`the kernel killed ${text}`);
});

test('what was killed is OOMKilled, what ended well in spite of lost children is Completed', () => {
  expect(exitChange(exit({ oom: kill }))).toMatchObject({
    reason: 'OOMKilled',
    message: oomMessage(kill),
    oomKills: 1,
  });
  const well = exitChange(exit({ exitCode: 0, signal: 0, oom: kill }));
  expect(well).toMatchObject({ reason: 'Completed', message: '', oomKills: 1 });
  expect(exitChange(exit({ exitCode: 1, signal: 0, oom: kill })).reason).toBe('OOMKilled');
  expect(exitChange(exit({})).reason).toBe('Error');
  const failed = exitChange(exit({ exitCode: 128, startFailed: true, message: 'no', oom: kill }));
  expect(failed).toMatchObject({ reason: 'StartError', message: `no; ${oomMessage(kill)}` });
});

test('every kill is logged and counted once, whoever tells of it', async () => {
  await using fake = await FakeDeps.make();
  await fake.sandbox(1);
  const id = await fake.container(2, 1, 'running');
  const told = () => fake.logged.filter(({ kills }) => kills !== undefined);
  await applyOomKills(fake.deps, id, kill);
  await applyOomKills(fake.deps, id, kill);
  expect(told()).toMatchObject([{ containerId: id, kills: 1, level: 'container' }]);
  const record = () => fake.deps.store.containers.get(id);
  expect(record()).toMatchObject({ state: 'running', message: oomMessage(kill), oomKills: 1 });
  const oom: OomKills = { kills: 3, level: 'pod', cgroup: '/p', limitBytes: 5 };
  await applyExit(fake.deps, id, exit({ oom }));
  await applyOomKills(fake.deps, id, { ...kill, kills: 4 });
  expect(told()).toHaveLength(2);
  expect(record()).toMatchObject({ reason: 'OOMKilled', message: oomMessage(oom), oomKills: 3 });
  expect(Object.fromEntries(fake.deps.oomReports.entries())).toEqual({ container: 1, pod: 2 });
});

test('a loop of kills is counted whole and told by a line now and then, with how many there were', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  using _ = { [Symbol.dispose]: () => vi.useRealTimers() };
  const reports = new OomReports();
  const told: number[] = [];
  for (let step = 0; step < 100; step += 1) {
    reports.add('a', 'container', 2, (kills) => told.push(kills));
    vi.advanceTimersByTime(200);
  }
  expect(told).toEqual([2, 98, 100]);
  reports.add('b', 'pod', 1, (kills) => told.push(kills));
  expect(told.at(-1)).toBe(1);
  reports.add('a', 'container', 3, (kills) => told.push(kills));
  reports.end('a');
  expect(told.at(-1)).toBe(3);
  vi.advanceTimersByTime(60_000);
  reports.end('b');
  expect(told).toHaveLength(5);
  expect(vi.getTimerCount()).toBe(0);
  expect(Object.fromEntries(reports.entries())).toEqual({ container: 203, pod: 1 });
});

test('kills in a container that nobody knows are nobody’s', async () => {
  await using fake = await FakeDeps.make();
  await applyOomKills(fake.deps, sampleId(5), kill);
  expect([...fake.deps.oomReports.entries()]).toEqual([]);
});
