// The quickstart's own `estiba serve`: starting it, remembering it for `--down`, ending it.
import { spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { connectCri, type CriClient } from '../../test/lib/cri-client.ts';
import { outputOf } from './command.ts';
import { bridgePorts, type Inventory } from './gone.ts';
import { binaries, type Ground } from './ground.ts';
import { hierarchies } from './limits.ts';
import { endProcess, isAlive, processOf, processTree, type Process } from './processes.ts';

/** What stands in the state file. */
export interface Running {
  readonly server: Process;
  /** The host's net.ipv4.ip_forward before the bridge plugin switched it on. */
  readonly ipForward: string;
}

const ipForwardPath = '/proc/sys/net/ipv4/ip_forward';

/** Starts `estiba serve` so that it outlives this script; returns when it answers. */
export async function startServer(ground: Ground, client: CriClient): Promise<Running> {
  await mkdir(ground.stateDir, { recursive: true, mode: 0o700 });
  const log = await open(ground.serveLog, 'a', 0o600);
  const ipForward =
    (await readRunning(ground))?.ipForward ?? (await readFile(ipForwardPath, 'utf8'));
  const child = spawn(binaries.estiba, ['serve', '--config', ground.configPath], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  await log.close();
  child.unref();
  const server = await processOf(child.pid ?? 0);
  if (server === undefined) {
    throw new Error('cannot start estiba serve: it ended at once');
  }
  const running = { server, ipForward: ipForward.trim() };
  await writeFile(ground.stateFile, JSON.stringify(running));
  await answering(client, server);
  return running;
}

async function answering(client: CriClient, server: Process): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    if (!(await isAlive(server))) {
      throw new Error('cannot start estiba serve: it ended before it answered');
    }
    const answered = await client.runtime.version({}, { deadlineMs: 1000 }).then(
      () => true,
      () => false,
    );
    if (answered) {
      return;
    }
    await sleep(10);
  }
  throw new Error('cannot start estiba serve: it does not answer within 30 s');
}

/** What the state file says; undefined without one. */
async function readRunning(ground: Ground): Promise<Running | undefined> {
  const text = await readFile(ground.stateFile, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Running);
}

/** True when something of a quickstart is there, whole or in pieces. */
export async function isThere(ground: Ground): Promise<boolean> {
  const there = await Promise.all([ground.runDir, ground.stateDir].map(isNotEmpty));
  return there.includes(true);
}

/**
 * Removes every pod, ends server and launcher, deletes bridge, cgroups and directories. Where pods
 * or their attachments are left and no server runs, one is started: only it can take them back.
 */
export async function takeDown(ground: Ground): Promise<Inventory> {
  const running = await readRunning(ground);
  const client = connectCri(ground.socketPath);
  try {
    const server = await serverFor(ground, client, running);
    const launcher = await launcherOf(ground);
    const sandboxIds = server === undefined ? [] : await listSandboxes(client);
    const inventory: Inventory = {
      processes: [
        ...(server === undefined ? [] : [server]),
        ...(await descendants(launcher)),
        ...(await members(ground)),
      ],
      sandboxIds,
      interfaces: await bridgePorts(ground),
    };
    for (const podSandboxId of sandboxIds) {
      await client.runtime.stopPodSandbox({ podSandboxId });
      await client.runtime.removePodSandbox({ podSandboxId });
    }
    for (const program of [server, launcher]) {
      if (program !== undefined) {
        await endProcess(program, 10_000);
      }
    }
    await removeGround(ground, running);
    return inventory;
  } finally {
    client.close();
  }
}

async function serverFor(
  ground: Ground,
  client: CriClient,
  running: Running | undefined,
): Promise<Process | undefined> {
  if (running !== undefined && (await isAlive(running.server))) {
    return running.server;
  }
  const traces = [
    join(ground.runDir, 'records', 'sandboxes'),
    join(ground.runDir, 'pods'),
    join(ground.stateDir, 'network'),
  ];
  const left = await Promise.all(traces.map(isNotEmpty));
  return left.includes(true) ? (await startServer(ground, client)).server : undefined;
}

async function isNotEmpty(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  return names.length > 0;
}

async function listSandboxes(client: CriClient): Promise<string[]> {
  const { items } = await client.runtime.listPodSandbox({});
  return (items ?? []).map(({ id }) => id ?? '');
}

/** The launcher, if one answers: `serve` starts it, and it outlives `serve`. */
async function launcherOf(ground: Ground): Promise<Process | undefined> {
  const launcher = new Launcher({ socketPath: join(ground.runDir, 'launcher.sock') });
  const pong = await launcher.ping().catch(() => undefined);
  return pong && processOf(pong.launcherPid);
}

function descendants(root: Process | undefined): Promise<Process[]> {
  return root === undefined ? Promise.resolve([]) : processTree(root);
}

/** Every process in a cgroup of the quickstart: monitors' children, whoever their parent is. */
async function members(ground: Ground): Promise<Process[]> {
  const { roots } = await hierarchies();
  const found = new Map<number, Process>();
  for (const root of new Set(roots.values())) {
    const listed = await outputOf(
      'find',
      `${join(root, ground.cgroupBase)} -name cgroup.procs -exec cat {} +`.split(' '),
    ).catch(() => '');
    for (const pid of listed.split('\n').filter((line) => line !== '')) {
      const target = await processOf(Number(pid));
      if (target !== undefined) {
        found.set(target.pid, target);
      }
    }
  }
  return [...found.values()];
}

async function removeGround(ground: Ground, running: Running | undefined): Promise<void> {
  // The bridge plugin makes the bridge and never deletes it; a pod may never have needed one.
  await outputOf('ip', ['link', 'delete', ground.bridge]).catch(() => '');
  if (running?.ipForward === '0') {
    await writeFile(ipForwardPath, '0');
  }
  const { roots } = await hierarchies();
  for (const root of new Set(roots.values())) {
    // The launcher's and the monitors' own, then the parent. Where something of a pod is still
    // inside this fails, and the proof reports it.
    for (const own of ['launcher', 'monitors', '']) {
      await rmdir(join(root, ground.cgroupBase, own)).catch(() => undefined);
    }
  }
  await rm(ground.runDir, { recursive: true, force: true });
  await rm(ground.stateDir, { recursive: true, force: true });
}

/** The server's last log lines, for a failure's report. */
export async function serveLogTail(ground: Ground, count: number): Promise<string[]> {
  const text = await readFile(ground.serveLog, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-count);
}
