import { expect, test, vi } from 'vitest';
import { hasEnded } from '../test/lib/processes.ts';
import { run } from './run-command.ts';

const silent = { show: () => {} };

async function ends(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1);
  await vi.waitFor(async () => expect(await hasEnded(pid)).toBe(true));
}

test('a command’s output and exit code are returned', async () => {
  expect(await run(['sh', '-c', 'echo out; echo err >&2; exit 3'], silent)).toEqual({
    code: 3,
    output: expect.stringMatching(/^(?:out\nerr\n|err\nout\n)$/u),
  });
  expect(await run(['sh', '-c', 'kill -9 $$'], silent)).toEqual({ code: 1, output: '' });
});

test('a command that cannot be run is an error', async () => {
  await expect(run(['/nowhere/x'], silent)).rejects.toThrow('ENOENT');
});

test('the limit ends grandchildren too, also those that keep the output open', async () => {
  const script = 'sleep 300 & echo $!; wait';
  const { code, output } = await run(['sh', '-c', script], { ...silent, limitSeconds: 0.2 });
  expect(code).toBe(1);
  await ends(Number(output));
});

test('a grandchild that outlives its command and keeps the output open is ended', async () => {
  const script = 'sleep 300 & echo $!';
  const { code, output } = await run(['sh', '-c', script], { ...silent, graceSeconds: 0.2 });
  expect(code).toBe(0);
  await ends(Number(output));
});
