import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CriError } from '../core/error.ts';
import { PersistentJobs } from '../core/persistent-jobs.ts';
import type { LabelTree } from '../isolator/launcher-messages.ts';
import type { Deps } from './deps.ts';
import { labelOwnFiles } from './selinux-labelling.ts';
import { sampleSelinux } from './selinux-sample.ts';

type Call = { readonly paths: string[]; readonly deadlineMs: number | undefined };

let calls: Call[];
let logged: [string, Record<string, unknown>, string][];
let answers: Map<string, () => Promise<void>>;
let jobs: PersistentJobs;

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  logged = [];
  answers = new Map();
  jobs = new PersistentJobs({
    firstPauseMs: 100,
    onFailure: (job, error, pauseMs) =>
      logged.push(['warn', { job, reason: (error as Error).message, pauseMs }, '']),
  });
});

afterEach(() => {
  jobs.close();
  vi.useRealTimers();
});

function label(
  host: { selinux?: typeof sampleSelinux } = { selinux: sampleSelinux },
): Promise<void> {
  const tell = (level: string) => (told: Record<string, unknown>, text: string) =>
    logged.push([level, told, text]);
  const parts = {
    launcher: {
      labelTrees: async (trees: LabelTree[], _signal: unknown, deadlineMs: number | undefined) => {
        const paths = trees.map(({ path }) => path);
        calls.push({ paths, deadlineMs });
        await answers.get(paths[0] ?? '')?.();
      },
    },
    log: { info: tell('info'), error: tell('error') },
    jobs,
    config: { stateDir: '/s' },
    host: { spec: host },
    images: { layerPaths: ['/s/layers/a', '/s/layers/b', '/s/layers/c'] },
  };
  return labelOwnFiles(parts as unknown as Deps);
}

const failing =
  (...errors: Error[]) =>
  async (): Promise<void> => {
    const error = errors.shift();
    if (error !== undefined) {
      throw error;
    }
  };
const layerCalls = () => calls.slice(1).map(({ paths }) => paths[0]);

test('the directories are labelled at once and soon, layers without anybody waiting', async () => {
  answers.set('/s/layers/a', () => new Promise(() => {}));
  await label();
  expect(calls).toEqual([
    { paths: ['/s/containers', '/s/layers', '/s/layers/.staging'], deadlineMs: 5_000 },
    { paths: ['/s/layers/a'], deadlineMs: undefined },
  ]);
  expect(logged.map(([level, facts]) => [level, facts])).toEqual([['info', { layers: 3 }]]);
});

test('the end is told with the time that it took', async () => {
  await label();
  await vi.advanceTimersByTimeAsync(0);
  expect(layerCalls()).toEqual(['/s/layers/a', '/s/layers/b', '/s/layers/c']);
  expect(logged.at(-1)?.[1]).toEqual({ layers: 3, ms: expect.any(Number) });
  expect(jobs.size).toBe(0);
});

test('what fails is tried again, with pauses, and nothing else is', async () => {
  answers.set('/s/containers', failing(new Error('disk')));
  answers.set('/s/layers/b', failing(new Error('full'), new Error('full')));
  await label();
  await vi.advanceTimersByTimeAsync(50);
  expect(calls.map(({ paths }) => paths[0])).toEqual([
    '/s/containers',
    '/s/containers',
    '/s/layers/a',
    '/s/layers/b',
    '/s/layers/c',
  ]);
  calls = [];
  await vi.advanceTimersByTimeAsync(100 + 200);
  expect(calls.map(({ paths }) => paths)).toEqual([['/s/layers/b'], ['/s/layers/b']]);
  const pauses = logged.filter(([level]) => level === 'warn').map(([, facts]) => facts);
  expect(pauses).toEqual([
    { job: 'label layers', reason: 'full', pauseMs: 100 },
    { job: 'label layers', reason: 'full', pauseMs: 200 },
  ]);
  expect(jobs.size).toBe(0);
});

test('a layer that is too deep is named once and not tried again', async () => {
  answers.set('/s/layers/a', failing(new CriError('InvalidArgument', 'deeper than 400')));
  answers.set('/s/layers/b', failing(new Error('full')));
  await label();
  await vi.advanceTimersByTimeAsync(1_000);
  const paths = layerCalls();
  expect(paths).toEqual(['/s/layers/a', '/s/layers/b', '/s/layers/c', '/s/layers/b']);
  const errors = logged.filter(([level]) => level === 'error').map(([, facts]) => facts);
  expect(errors).toEqual([{ layer: '/s/layers/a', reason: 'deeper than 400' }]);
});

test('without a launcher the other layers are not tried either', async () => {
  answers.set('/s/layers/a', failing(new CriError('Unavailable', 'nobody')));
  await label();
  await vi.advanceTimersByTimeAsync(50);
  expect(layerCalls()).toEqual(['/s/layers/a']);
  await vi.advanceTimersByTimeAsync(100);
  expect(layerCalls()).toHaveLength(4);
});

test('without SELinux nothing is asked for or told', async () => {
  await label({});
  await label({ selinux: { ...sampleSelinux, problem: 'no levels' } });
  expect([...calls, ...logged, jobs.size]).toEqual([0]);
});
