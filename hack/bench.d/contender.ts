// The two sides of the benchmark: the same client, the same image, their own directories.
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connectCri, type CriClient } from '../../test/lib/cri-client.ts';
import { importFile } from '../../test/lib/images.ts';
import { cgroupRoots } from '../../test/lib/leftovers.ts';
import { containerdPaths } from '../../test/lib/oci-engine.ts';
import { allPids } from '../../test/lib/processes.ts';
import { TestServer } from '../../test/lib/test-server.ts';

const run = promisify(execFile);

/** A CRI server under measurement. */
export interface Contender {
  readonly name: string;
  readonly client: CriClient;
  readonly cgroupParent: string;
  readonly logDirectory: string;
  /** Pid of the daemon. */
  readonly pid: number;
  /** Whether a process is what a pod costs beyond its workload. */
  readonly isOverhead: (commandLine: string) => boolean;
  /** What the server logs, for the times by step. */
  readonly log: () => string;
  /** Ends it and returns what is left. */
  readonly stop: () => Promise<readonly string[]>;
}

/** Estiba as hack/build made it. */
export async function startEstiba(archive: string): Promise<Contender> {
  const server = await TestServer.start();
  const logDirectory = join(server.stateDir, 'logs');
  const cgroupParent = '/estiba-bench-estiba';
  await importFile(server, archive).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  return {
    name: 'estiba',
    client: server.client,
    cgroupParent,
    logDirectory,
    pid: server.serverPid,
    isOverhead: (line) => /^estiba-(monitor|init)/u.test(line),
    log: () => server.log,
    stop: async () => {
      const left = await server.stop();
      await removeCgroups(cgroupParent);
      return left;
    },
  };
}

const containerdConfig = (dir: string, image: string): string => `${containerdPaths(dir)}
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${image}"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${dir}/net.d"
`;

const conflist = (dir: string, bridge: string): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: bridge,
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(dir, 'ipam'),
          ranges: [[{ subnet: '10.251.0.0/16' }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });

/**
 * Debian's containerd with runc, overlayfs and the same CNI plugins. Where it is not ready within
 * `readyMs` nothing of it is left.
 */
export async function startContainerd(
  archive: string,
  image: string,
  readyMs = 30_000,
): Promise<Contender> {
  const dir = await mkdtemp(join(tmpdir(), 'estiba-bench-'));
  const bridge = 'benchctd';
  const cgroupParent = '/estiba-bench-containerd';
  await mkdir(join(dir, 'net.d'));
  await writeFile(join(dir, 'net.d', '10.conflist'), conflist(dir, bridge));
  await writeFile(join(dir, 'config.toml'), containerdConfig(dir, image));
  let log = '';
  const child = spawn('containerd', ['--config', join(dir, 'config.toml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      log += `${String(error)}\n`;
      resolve();
    });
  });
  const socket = join(dir, 'containerd.sock');
  const client = connectCri(socket);
  const stop = async (): Promise<readonly string[]> => {
    client.close();
    child.kill('SIGTERM');
    await ended;
    await run('ip', ['link', 'delete', bridge]).catch(() => undefined);
    await removeCgroups(cgroupParent);
    await rm(dir, { recursive: true, force: true });
    return shims();
  };
  try {
    await ready(client, readyMs, () => log);
    await run('ctr', ['--address', socket, '-n', 'k8s.io', 'images', 'import', archive]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name: 'containerd',
    client,
    cgroupParent,
    logDirectory: join(dir, 'logs'),
    pid: child.pid ?? 0,
    isOverhead: (line) => line.includes('containerd-shim'),
    log: () => log,
    stop,
  };
}

/** Ends sides and says what they leave behind, which fails the run. */
export async function stopSides(sides: readonly Contender[]): Promise<void> {
  for (const side of sides) {
    for (const left of await side.stop()) {
      process.stderr.write(`left behind: ${left}\n`);
      process.exitCode = 1;
    }
  }
}

async function ready(client: CriClient, withinMs: number, log: () => string): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const status = await client.runtime.status({}, { deadlineMs: 2000 }).catch(() => undefined);
    const conditions = status?.status?.conditions ?? [];
    if (conditions.length > 0 && conditions.every((condition) => condition.status)) {
      return;
    }
    if (performance.now() > deadline) {
      throw new Error(`containerd is not ready:\n${log()}`);
    }
    await sleep(50);
  }
}

// The pods' parents are the kubelet's in real life; here they are ours.
async function removeCgroups(parent: string): Promise<void> {
  for (const root of await cgroupRoots()) {
    const top = join(root, parent);
    for (const name of await readdir(top).catch(() => [])) {
      await rmdir(join(top, name)).catch(() => undefined);
    }
    await rmdir(top).catch(() => undefined);
  }
}

async function shims(): Promise<string[]> {
  const left: string[] = [];
  for (const { pid, commandLine } of await processes()) {
    if (commandLine.includes('containerd-shim')) {
      left.push(`process ${pid} ${commandLine}`);
    }
  }
  return left;
}

/** Every process of the private host; a changed name (comm) comes before the arguments. */
export async function processes(): Promise<{ pid: number; commandLine: string }[]> {
  const found: { pid: number; commandLine: string }[] = [];
  for (const pid of await allPids()) {
    const comm = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    found.push({ pid, commandLine: `${comm.trim()} ${args.replaceAll('\0', ' ')}` });
  }
  return found;
}
