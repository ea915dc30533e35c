import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureLauncher, LauncherStarter, launcherSocketPath } from './ensure-launcher.ts';
import { FakePeer } from './fake-peer.ts';

let dir = '';
let started: Record<string, unknown>[] = [];
const log = (_: string, facts: Readonly<Record<string, unknown>>): void => {
  started.push({ ...facts });
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'estiba-ensure-'));
  started = [];
});

afterEach(async () => {
  for (const { launcherPid } of started) {
    try {
      process.kill(Number(launcherPid), 'SIGKILL');
    } catch {
      // it has ended by itself, as it should
    }
  }
  await rm(dir, { recursive: true, force: true });
});

/** A stand-in for the binary: a Node program that answers every connection with one Pong. */
async function fakeBinary(body: string): Promise<string> {
  const path = join(dir, 'isolator');
  await writeFile(path, `#!${process.execPath}\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

const answersOnce = `
  const net = require('node:net');
  require('node:fs').appendFileSync(process.argv[4] + '/starts', process.argv.slice(2).join(' ') + '\\n');
  const pong = Buffer.from([8, 1, 16, 1, 0x52, 2, 16, 7]);
  const server = net.createServer((socket) => {
    socket.resume(); // else the end of the connection is never seen and this process stays
    socket.on('error', () => {});
    socket.write(Buffer.concat([Buffer.from([pong.length, 0, 0, 0]), pong]));
    socket.once('close', () => server.close());
  });
  server.listen(process.argv[4] + '/launcher.sock');
`;

test('a launcher that answers is used and none is started', async () => {
  await using peer = await FakePeer.launcher((_, connection) => {
    connection.launcherReply({ done: true, pong: { launcherPid: 7 } });
  });
  const launcher = await ensureLauncher({ binary: '/nonexistent', runDir: peer.dir, log });
  expect(started).toEqual([]);
  expect((await launcher.ping()).launcherPid).toBe(7);
});

test('a launcher that answers with a fault is not replaced', async () => {
  await using peer = await FakePeer.launcher((_, connection) => {
    connection.launcherReply({ done: true, fault: { message: 'cannot probe: odd' } });
  });
  await expect(
    ensureLauncher({ binary: '/nonexistent', runDir: peer.dir, log }),
  ).rejects.toMatchObject({ code: 'Internal', message: 'cannot probe: odd' });
  expect(started).toEqual([]);
});

test('callers at the same time share one start, with the arguments asked for', async () => {
  const binary = await fakeBinary(answersOnce);
  const starter = new LauncherStarter({
    binary,
    runDir: dir,
    extraArguments: ['--cgroup-base', '/x'],
    logFile: join(dir, 'log'),
    log,
  });
  const pongs = await Promise.all([starter.ensure(), starter.ensure(), starter.ensure()]);
  expect(pongs.map(({ launcherPid }) => launcherPid)).toEqual([7, 7, 7]);
  expect(started).toHaveLength(1);
  const starts = await readFile(join(dir, 'starts'), 'utf8');
  expect(starts).toBe(`launcher --run-dir ${dir} --cgroup-base /x\n`);
});

test('a binary that ends at once is reported with how it ended, not waited for', async () => {
  const binary = await fakeBinary('process.exit(4)');
  await expect(
    ensureLauncher({ binary, runDir: dir, logFile: join(dir, 'log'), log }),
  ).rejects.toMatchObject({
    code: 'Unavailable',
    message: `cannot start the launcher: "${binary}" ended with exit code 4`,
  });
});

test('a launcher that finds another in its place is no failure: the other one answers', async () => {
  const binary = await fakeBinary(`
    const { spawn } = require('node:child_process');
    const other = [__filename + '-other', ...process.argv.slice(2)];
    spawn(process.execPath, other, { detached: true, stdio: 'ignore' }).unref();
    process.exit(3);
  `);
  await writeFile(`${binary}-other`, answersOnce);
  const starter = new LauncherStarter({ binary, runDir: dir, logFile: join(dir, 'log'), log });
  expect((await starter.ensure()).launcherPid).toBe(7);
});

test('a binary that does not exist is named', async () => {
  const binary = join(dir, 'missing');
  await expect(
    ensureLauncher({ binary, runDir: dir, logFile: join(dir, 'log'), log }),
  ).rejects.toThrow(`"${binary}" cannot be run`);
});

test('a caller that gives up does not take the start from the others', async () => {
  const binary = await fakeBinary(answersOnce);
  const starter = new LauncherStarter({ binary, runDir: dir, logFile: join(dir, 'log'), log });
  const controller = new AbortController();
  const leaving = starter.ensure(controller.signal);
  const staying = starter.ensure();
  controller.abort();
  await expect(leaving).rejects.toMatchObject({ code: 'Canceled' });
  expect((await staying).launcherPid).toBe(7);
});

test('the socket stands directly below the run directory', () => {
  expect(launcherSocketPath('/run/estiba')).toBe('/run/estiba/launcher.sock');
});
