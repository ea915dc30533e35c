import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { PersistentJobs } from '../core/persistent-jobs.ts';
import { sampleId } from '../store/record-samples.ts';
import { FakeDeps } from './fake-deps.ts';
import { followStart, startFollowers } from './follow-start.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('a start that takes minutes is looked at every few seconds to its end', async () => {
  await using fake = await FakeDeps.make();
  const sandboxId = await fake.sandbox(1);
  await fake.container(2, 1, 'created');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const starts = startFollowers(pino({ level: 'silent' }));
  // Nobody answers: each look is a failure, as it is while execve waits.
  const looks = vi.spyOn(fake.deps.monitors, 'get');
  const jobs = new PersistentJobs({ onFailure: () => {} });
  followStart({ ...fake.deps, starts, jobs }, { id: sampleId(2), sandboxId });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(looks.mock.calls.length).toBeGreaterThan(600 / 5 - 2);
  starts.close();
  jobs.close();
});
