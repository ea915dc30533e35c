// What `estiba serve` says when it cannot start, and what does not keep it from starting.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fixture } from '../lib/fixture.ts';
import { exec } from '../lib/pods.ts';
import { binaries } from '../lib/test-server.ts';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

/** Runs `estiba serve` with a changed configuration until it gives up; returns its last words. */
async function refusal(change: (text: string) => string): Promise<string> {
  const { configPath, stateDir } = ground.server;
  const path = join(stateDir, 'other.toml');
  await writeFile(path, change(await readFile(configPath, 'utf8')));
  const failed = await promisify(execFile)(binaries.estiba, ['serve', '--config', path], {
    timeout: 30_000,
  }).then(
    () => new Error('it served'),
    (error: unknown) => error as Error & { stderr?: string; code?: number },
  );
  expect(failed).toMatchObject({ code: 1 });
  return 'stderr' in failed ? (failed.stderr ?? '') : failed.message;
}

describe('estiba serve', () => {
  it('names every wrong key of its configuration at once', async () => {
    const words = await refusal(
      (text) => `nonsense = 1\n${text}\n[timeouts]\ncreate_seconds = 0\nundo_seconds = "x"\n`,
    );
    expect(words).toMatch(/^error: cannot /u);
    expect(words).toContain('"nonsense"');
    expect(words).toContain('timeouts.create_seconds');
    expect(words).toContain('timeouts.undo_seconds');
  });

  it.each([
    ['no TOML', () => 'this is = = no TOML', /cannot .*other\.toml/u],
    [
      'no helper where it is said to be',
      (text: string) =>
        text
          .replace(/binary = .*/u, 'binary = "/no/such/isolator"')
          .replace(/run_dir = .*/u, 'run_dir = "/run/none"'),
      /\/no\/such\/isolator/u,
    ],
    [
      'a run directory that is too long for sockets',
      (text: string) => text.replace(/run_dir = .*/u, `run_dir = "/run/${'x'.repeat(40)}"`),
      /24 characters.*"run_dir"/u,
    ],
    [
      'a state directory that is a file',
      (text: string) =>
        text
          .replace(/state_dir = .*/u, 'state_dir = "/etc/hostname"')
          .replace(/run_dir = .*/u, 'run_dir = "/run/none"'),
      /\/etc\/hostname/u,
    ],
  ])('says that there is %s', async (_what, change, message) => {
    const words = await refusal(change);
    const line = words.split('\n').find((one) => one.startsWith('error: ')) ?? words;
    expect(line).toMatch(/^error: cannot /u);
    expect(line).toMatch(message);
    await rm('/run/none', { recursive: true, force: true });
  });

  it('starts over a dead socket, and without metrics when their port is taken', async () => {
    const id = await ground.wait();
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { configPath } = ground.server;
    const text = await readFile(configPath, 'utf8');
    await writeFile(configPath, text.replace('127.0.0.1:0', `127.0.0.1:${port}`));
    await ground.server.stopServing('SIGKILL');
    expect((await stat(ground.server.socketPath)).isSocket()).toBe(true);
    await ground.server.serve();
    expect((await exec(ground.server, id, 'echo here')).stdout).toBe('here\n');
    expect(ground.server.log).toMatch(/metrics are not served/u);
    expect(ground.server.log).toContain('EADDRINUSE');
    taken.close();
    await writeFile(configPath, text);
  });

  it('puts a broken record aside, names it, and serves the others', async () => {
    const pod = await ground.another();
    const id = await ground.wait();
    const records = join(ground.server.runDir, 'records', 'sandboxes');
    await ground.server.stopServing();
    await writeFile(join(records, `${pod.podSandboxId}.json`), '{"version":1');
    await mkdir(join(records, 'not-a-record'), { recursive: true });
    await ground.server.serve();
    expect(ground.server.log).toContain(pod.podSandboxId);
    expect((await exec(ground.server, id, 'echo here')).stdout).toBe('here\n');
    await rm(join(records, 'not-a-record'), { recursive: true });
    const request = { podSandboxId: pod.podSandboxId };
    await ground.server.client.runtime.stopPodSandbox(request);
    await ground.server.client.runtime.removePodSandbox(request);
    const { items } = await ground.server.client.runtime.listPodSandbox({});
    expect(items?.map((item) => item.id)).not.toContain(pod.podSandboxId);
  });
});
