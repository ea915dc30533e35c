// A server of another build over what the one before has left running: its launcher goes, pods stay.
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { Fixture } from '../lib/fixture.ts';
import { containerConfig, exec, exited, podConfig, runPod, statusOf } from '../lib/pods.ts';
import { hasEnded } from '../lib/processes.ts';
import { binaries } from '../lib/test-server.ts';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

async function launcherPid(): Promise<number> {
  const socketPath = join(ground.server.runDir, 'launcher.sock');
  return (await new Launcher({ socketPath }).ping()).launcherPid;
}

it('a launcher of another build is replaced at the start, and pods do not notice', async () => {
  const { server } = ground;
  const lives = await ground.wait();
  const ends = await ground.run(containerConfig('sleep 3; exit 9'));
  const { createdAt, startedAt } = await statusOf(server, lives);
  const first = await launcherPid();
  await server.stopServing();
  await server.serve();
  expect(await launcherPid()).toBe(first);

  await server.stopServing();
  const other = join(server.stateDir, 'isolator');
  await copyFile(binaries.isolator, other);
  await appendFile(other, 'another build');
  const config = await readFile(server.configPath, 'utf8');
  await writeFile(server.configPath, config.replace(binaries.isolator, other));
  await server.serve();
  const second = await launcherPid();
  expect(second).not.toBe(first);
  expect(await hasEnded(first)).toBe(true);
  expect(server.log).toContain('ended a launcher of another build');
  expect((await exec(server, lives, 'echo alive')).stdout).toBe('alive\n');
  expect(await statusOf(server, lives)).toMatchObject({ createdAt, startedAt });
  await expect(exited(server, ends)).resolves.toMatchObject({ exitCode: 9 });
  expect((await ground.outcome(containerConfig('echo new'))).stdout).toBe('new\n');
  await runPod(server, podConfig());
  await server.stopServing('SIGKILL');
  await server.serve();
  expect(await launcherPid()).toBe(second);
});
