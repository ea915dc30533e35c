import { expect, test } from 'vitest';
import { isLeft } from './gone.ts';

const ground = {
  runDir: '/run/estiba-one',
  stateDir: '/var/lib/estiba-one',
  cgroupBase: '/estiba-one',
};
const launcher = { command: '', cgroup: '4:memory:/\n0::/estiba-one/launcher\n', state: 'S' };
const reader = { command: 'tail\0/run/estiba-one/x\0', cgroup: '0::/\n', state: 'R' };

test('a process is the quickstart’s by its cgroup or by its command line', () => {
  expect(isLeft(ground, launcher)).toBe(true);
  expect(isLeft(ground, reader)).toBe(true);
  expect(isLeft({ ...ground, runDir: '/run/estiba-on', cgroupBase: '/x' }, reader)).toBe(false);
  expect(isLeft({ ...ground, cgroupBase: '/estiba-on' }, launcher)).toBe(false);
});

test('a process that only waits to be reaped is not left over', () => {
  const cgroup = '0::/estiba-one/launcher (deleted)\n';
  expect(isLeft(ground, { ...launcher, cgroup, state: 'Z' })).toBe(false);
  expect(isLeft(ground, { ...launcher, state: 'D' })).toBe(true);
});
