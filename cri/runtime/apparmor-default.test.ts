import { expect, test } from 'vitest';
import { apparmorProfile } from '../spec/apparmor.ts';
import { sampleHost } from '../spec/sample-input.ts';
import { DefaultApparmor } from './apparmor-default.ts';
import type { HostFacts } from './host-facts.ts';

const facts = { hostname: 'node', spec: { ...sampleHost, apparmorEnabled: true } };

function loading(exitCodes: number[], isEnabled = true, parsers = ['/none', '/bin/sh']) {
  const asked: { argv: readonly string[]; deadlineMs?: number | undefined }[] = [];
  const warnings: unknown[] = [];
  const launcher = {
    runProgram: async (job: (typeof asked)[number]) => {
      asked.push(job);
      return {
        exitCode: exitCodes.shift() ?? 0,
        signal: 0,
        stdout: Buffer.alloc(0),
        stderr: Buffer.from('bad line 1\n'),
        timedOut: false,
        outputCut: false,
        elapsedUs: 1,
      };
    },
  };
  const log = { warn: (...told: unknown[]) => warnings.push(told[0]) };
  const apparmor = new DefaultApparmor(launcher, isEnabled, log, parsers);
  return { apparmor, asked, warnings };
}

test('a profile that is loaded confines, with a bound on the time that it takes', async () => {
  const { apparmor, asked, warnings } = loading([0]);
  const { spec } = apparmor.factsWith(facts as unknown as HostFacts);
  expect(apparmorProfile({}, spec)).toBe('');
  await apparmor.load();
  await apparmor.load();
  expect(asked).toMatchObject([
    { argv: ['/bin/sh', '--replace', '--skip-cache'], deadlineMs: 15_000 },
  ]);
  expect(apparmorProfile({}, spec)).toBe('estiba-default');
  expect({ ...spec }.apparmorDefaultProblem).toBe('');
  expect(warnings).toEqual([]);
});

test('why it is not loaded is told, once, and by whoever asks for it', async () => {
  const { apparmor, asked, warnings } = loading([1]);
  await apparmor.load();
  await apparmor.load();
  expect(asked).toHaveLength(1);
  const reason = 'apparmor_parser failed (1): bad line 1';
  expect(warnings).toEqual([{ reason }]);
  const { spec } = apparmor.factsWith(facts as unknown as HostFacts);
  expect(() => apparmorProfile({ apparmor: {} }, spec)).toThrow(reason);
});

test('without a parser, or without AppArmor, nothing is run', async () => {
  const bare = loading([], true, ['/none']);
  await bare.apparmor.load();
  expect(bare.warnings).toEqual([{ reason: 'apparmor_parser is not installed' }]);
  const none = loading([], false);
  await none.apparmor.load();
  expect([...bare.asked, ...none.asked, ...none.warnings]).toEqual([]);
});
