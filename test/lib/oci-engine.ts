// Ground for container engines that use our helper as their OCI runtime: a root file system, a
// directory and a cgroup of their own, commands with a deadline, and the proof that nothing is left.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupRoots } from './leftovers.ts';
import { allPids } from './processes.ts';
import { limitMs } from './time.ts';

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, which comes within a minute. */
export async function command(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const [program = '', ...rest] = argv;
  const options = { env: { ...process.env, ...env }, timeout: limitMs(60_000) };
  return await new Promise((resolve, reject) => {
    const child = execFile(program, rest, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') {
        resolve({ code, stdout, stderr });
      } else {
        reject(new Error(`cannot run ${argv.join(' ')}: ${String(error)}`, { cause: error }));
      }
    });
    child.stdin?.end();
  });
}

/** The same on a terminal of its own, which `script` makes. */
export async function onTerminal(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return await command(['script', '--quiet', '--return', '--command', quoted, '/dev/null'], env);
}

/** Whether a program is installed. */
export async function hasProgram(name: string): Promise<boolean> {
  const { code } = await command(['sh', '-c', `command -v "$0"`, name]);
  return code === 0;
}

/** The lines of containerd's configuration (version 2) that keep everything of it below `dir`. */
export function containerdPaths(dir: string): string {
  return `version = 2
root = "${dir}/root"
state = "${dir}/state"
[grpc]
address = "${dir}/containerd.sock"
[ttrpc]
address = "${dir}/containerd.sock.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
path = "${dir}/opt"`;
}

/** A root file system of busybox, and where an engine keeps what is its own. */
export class EngineGround {
  readonly dir: string;
  readonly rootfs: string;
  /** Parent of its containers' cgroups. */
  readonly cgroup: string = `/estiba-engine-${randomBytes(4).toString('hex')}`;

  private constructor(dir: string) {
    this.dir = dir;
    this.rootfs = join(dir, 'rootfs');
  }

  static async make(): Promise<EngineGround> {
    const ground = new EngineGround(await mkdtemp(join(tmpdir(), 'estiba-engine-')));
    for (const name of ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp']) {
      await mkdir(join(ground.rootfs, name), { recursive: true });
    }
    await copyFile('/bin/busybox', join(ground.rootfs, 'bin', 'busybox'));
    for (const applet of ['sh', 'sleep', 'cat', 'tty', 'id']) {
      await symlink('busybox', join(ground.rootfs, 'bin', applet));
    }
    return ground;
  }

  /** Names what is left of the engine and its containers, and removes the files. */
  async leave(): Promise<string[]> {
    const found = [...(await this.#processes()), ...(await this.#mounts())];
    found.push(...(await this.#cgroups()));
    await rm(this.dir, { recursive: true, force: true });
    return found;
  }

  async #processes(): Promise<string[]> {
    const found: string[] = [];
    for (const pid of await allPids()) {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const line = text.replaceAll('\0', ' ');
      if (line.includes(this.dir) || /^(?:conmon|containerd|\S*estiba-isolator)/u.test(line)) {
        found.push(`process ${pid} ${line}`);
      }
    }
    return found;
  }

  async #mounts(): Promise<string[]> {
    const table = await readFile('/proc/self/mountinfo', 'utf8');
    return table.split('\n').filter((line) => line.includes(this.dir));
  }

  /** The parent belongs to whoever has named it, podman's monitors have one that stays below it. */
  async #cgroups(): Promise<string[]> {
    const found: string[] = [];
    for (const root of await cgroupRoots()) {
      const dir = join(root, this.cgroup);
      await rmdir(join(dir, 'conmon')).catch(() => undefined);
      const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
      const children = entries.filter((entry) => entry.isDirectory());
      found.push(...children.map((entry) => `cgroup ${join(dir, entry.name)}`));
      await rmdir(dir).catch(() => undefined);
    }
    return found;
  }
}
