import { expect, test, vi } from 'vitest';
import { parseConfig } from '../config/config.ts';
import { sampleHost } from '../spec/sample-input.ts';
import { RuntimeHandlers } from './runtime-handlers.ts';

const config = parseConfig(`[runtimes.runc]
path = "/usr/sbin/runc"
[runtimes.crun]
path = "/usr/bin/crun"
arguments = ["--debug"]`);

/** A launcher whose programs answer by their path. */
function launcher(answers: Readonly<Record<string, string>>, asked: string[][] = []) {
  return {
    runProgram: async ({ argv }: { readonly argv: readonly string[] }) => {
      asked.push([...argv]);
      const answer = answers[argv[0] ?? ''];
      return {
        exitCode: answer === undefined ? 1 : 0,
        signal: 0,
        stdout: Buffer.from(answer ?? ''),
        stderr: Buffer.alloc(0),
        isTimedOut: false,
        isOutputCut: false,
        timedOut: false,
        outputCut: false,
        elapsedUs: 1,
      };
    },
  };
}

const runc = { runtimeHandler: 'runc', runtimePath: '/usr/sbin/runc' };

test('our own handlers come first, the configured programs after them', () => {
  const handlers = new RuntimeHandlers(config, sampleHost);
  expect(handlers.names).toEqual(['', 'estiba', 'runc', 'crun']);
  expect(handlers.runtimeOf('')).toBeUndefined();
  expect(handlers.runtimeOf('toString')).toBeUndefined();
  expect(handlers.runtimeOf('crun')).toEqual({ path: '/usr/bin/crun', arguments: ['--debug'] });
});

test('a program is said to have a feature when it says so itself, and the host has it', async () => {
  const asked: string[][] = [];
  const reports: string[] = [];
  const answers = { '/usr/sbin/runc': JSON.stringify({ mountOptions: ['ro', 'rro'] }) };
  const handlers = new RuntimeHandlers(config, sampleHost);
  const can = { recursiveReadOnlyMounts: true, userNamespaces: false };
  expect(handlers.featuresOf('runc').recursiveReadOnlyMounts).toBe(false);
  await handlers.probe(launcher(answers, asked), (name, why) => reports.push(`${name}: ${why}`));
  expect(handlers.featuresOf('runc')).toEqual(can);
  expect(handlers.hostFor(runc)).toMatchObject({
    recursiveReadOnly: true,
    userNamespacesProblem: 'pods of the runtime handler "runc" have none',
    environmentBytes: false,
  });
  expect(handlers.featuresOf('crun').recursiveReadOnlyMounts).toBe(false);
  expect(reports).toEqual(['crun: "/usr/bin/crun features" ended with exit code 1']);
  expect(asked).toContainEqual(['/usr/bin/crun', '--debug', 'features']);
  const old = new RuntimeHandlers(config, { ...sampleHost, recursiveReadOnly: false });
  await old.probe(launcher(answers), () => {});
  expect(old.featuresOf('runc').recursiveReadOnlyMounts).toBe(false);
});

test('a program that answers nonsense has no features, and a handler that is gone none either', async () => {
  const reports: string[] = [];
  const handlers = new RuntimeHandlers(config, sampleHost);
  const answers = { '/usr/sbin/runc': 'usage:', '/usr/bin/crun': '{"mountOptions":"rro"}' };
  await handlers.probe(launcher(answers), (name) => reports.push(name));
  expect(reports).toEqual(['runc']);
  for (const runtimeHandler of ['runc', 'crun', 'gone']) {
    expect(handlers.hostFor({ ...runc, runtimeHandler }).recursiveReadOnly).toBe(false);
  }
  expect(handlers.hostFor({ runtimeHandler: '', runtimePath: '' })).toBe(sampleHost);
});

test('a program that did not answer is asked again when somebody wants to know', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  using _ = { [Symbol.dispose]: () => vi.useRealTimers() };
  const asked: string[][] = [];
  const reports: string[] = [];
  const answers: Record<string, string> = {};
  const handlers = new RuntimeHandlers(config, sampleHost);
  await handlers.probe(launcher(answers, asked), (name) => reports.push(name));
  answers['/usr/sbin/runc'] = JSON.stringify({ mountOptions: ['rro'] });
  expect(handlers.featuresOf('runc').recursiveReadOnlyMounts).toBe(false);
  expect(asked).toHaveLength(2);
  vi.advanceTimersByTime(60_000);
  await vi.waitFor(() => {
    expect(handlers.featuresOf('runc').recursiveReadOnlyMounts).toBe(true);
  });
  expect(handlers.hostFor(runc).recursiveReadOnly).toBe(true);
  handlers.featuresOf('crun');
  handlers.featuresOf('crun');
  expect(asked).toHaveLength(4);
  expect(reports).toEqual(['runc', 'crun']);
});

test('a pod stays what it is when the handler of its name becomes another', async () => {
  const renamed = parseConfig(`[isolator]
handler = "own"
[runtimes.estiba]
path = "/usr/bin/crun"`);
  const handlers = new RuntimeHandlers(renamed, sampleHost);
  const answers = { '/usr/bin/crun': JSON.stringify({ mountOptions: ['rro'] }) };
  await handlers.probe(launcher(answers), () => {});
  expect(handlers.hostFor({ runtimeHandler: 'estiba', runtimePath: '' })).toBe(sampleHost);
  const other = { runtimeHandler: 'estiba', runtimePath: '/usr/sbin/runc' };
  expect(handlers.hostFor(other).recursiveReadOnly).toBe(false);
});
