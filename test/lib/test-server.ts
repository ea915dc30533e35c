// A real `estiba serve` with directories, cgroups, bridge and CNI configuration of its own, inside
// the private host that hack/private-host makes. Every test file starts one and ends it; the end
// proves that nothing is left.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { connectCri, type CriClient } from './cri-client.ts';
import { leftovers, removeOwnCgroups, type Ground } from './leftovers.ts';
import { eventually } from './pods.ts';
import { hasEnded } from './processes.ts';
import { limitMs } from './time.ts';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** The built program and helper, see hack/build. */
export const binaries: { readonly estiba: string; readonly isolator: string } = {
  estiba: join(repository, 'build', 'estiba'),
  isolator: join(repository, 'build', 'estiba-isolator'),
};

/** What a test may choose about its server. */
export interface TestServerOptions {
  /** False: no CNI configuration at all. */
  readonly network?: boolean;
  readonly dualStack?: boolean;
  /** Use the mount(2) ways that old kernels need. */
  readonly legacyMounts?: boolean;
  /** Directories searched for CNI plugins instead of Debian's. */
  readonly binDirs?: readonly string[];
  /** Added to the environment of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /** Lines added to the [section]s of the configuration file. */
  readonly config?: Readonly<Record<string, readonly string[]>>;
}

let counter = 0;

/** A running server and a client on its socket. */
export class TestServer {
  readonly #options: TestServerOptions;
  readonly runDir: string;
  readonly stateDir: string;
  readonly cgroupBase: string;
  readonly bridge: string;
  readonly configPath: string;
  readonly client: CriClient;
  // Files run one after the other in processes of their own, and may meet a predecessor's routes.
  readonly #subnet = 16 + ((process.pid * 7 + counter) % 200);
  #process: ChildProcess | undefined;
  #log = '';
  /** Where in the log the running server begins. */
  #logStart = 0;

  private constructor(options: TestServerOptions, stateDir: string) {
    counter += 1;
    this.#options = options;
    this.stateDir = stateDir;
    // Not the pid: a private host has pids of its own, and cgroups are the machine's.
    const name = randomBytes(4).toString('hex');
    this.runDir = `/run/et-${name}`;
    this.cgroupBase = `/estiba-test-${name}`;
    this.bridge = `et${name}`;
    this.configPath = join(stateDir, 'estiba.toml');
    this.client = connectCri(this.socketPath);
  }

  get socketPath(): string {
    return join(this.runDir, 'estiba.sock');
  }

  get confDir(): string {
    return join(this.stateDir, 'net.d');
  }

  /** Everything the server has logged so far, JSON lines. */
  get log(): string {
    return this.#log;
  }

  /** What the running server tells Prometheus. */
  async metrics(): Promise<string> {
    // It may answer before its log, which tells the port, is read.
    const address = await eventually(async () => {
      const found = /"metrics":"([^"]+)"/u.exec(this.#log.slice(this.#logStart))?.[1];
      if (found === undefined) {
        throw new Error(`estiba serve tells no address of metrics:\n${this.#log}`);
      }
      return found;
    });
    return (await fetch(`http://${address}/metrics`)).text();
  }

  get ground(): Ground {
    const { runDir, stateDir, cgroupBase, bridge } = this;
    return { runDir, stateDir, cgroupBase, bridge };
  }

  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const stateDir = await mkdtemp(join(tmpdir(), 'estiba-it-'));
    const server = new TestServer(options, stateDir);
    await mkdir(server.confDir, { recursive: true });
    await mkdir('/run/netns', { recursive: true });
    await writeFile(server.configPath, server.#configText());
    if (options.network !== false) {
      await server.writeConflist();
    }
    await server.serve();
    return server;
  }

  /** Starts the server process; used again by tests that restart it. */
  async serve(): Promise<void> {
    const child = spawn(binaries.estiba, ['serve', '--config', this.configPath], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#options.env },
    });
    this.#process = child;
    this.#logStart = this.#log.length;
    const collect = (chunk: Buffer): void => {
      this.#log += chunk.toString('utf8');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    await this.#answering(child);
  }

  /** Ends only the server process, as a restart or a crash would; pods live on. */
  async stopServing(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
      return;
    }
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs(10_000));
    await ended;
    clearTimeout(timer);
  }

  get serverPid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Removes every pod, ends server and launcher; returns what is left (nothing, if all is well). */
  async stop(): Promise<string[]> {
    const { items } = await this.client.runtime.listPodSandbox({});
    await Promise.all(
      (items ?? []).map(async ({ id }) => {
        await this.client.runtime.stopPodSandbox({ podSandboxId: id ?? '' });
        await this.client.runtime.removePodSandbox({ podSandboxId: id ?? '' });
      }),
    );
    const { launcherPid } = await new Launcher({
      socketPath: join(this.runDir, 'launcher.sock'),
    }).ping();
    await this.stopServing();
    this.client.close();
    await endProcess(launcherPid ?? 0);
    await removeOwnCgroups(this.ground);
    await endBridge(this.bridge);
    const left = await leftovers(this.ground);
    await rm(this.stateDir, { recursive: true, force: true });
    await rm(this.runDir, { recursive: true, force: true });
    return left;
  }

  /** Writes the bridge + portmap configuration that the pods of this server use. */
  async writeConflist(): Promise<void> {
    const net = this.#subnet;
    const ranges: object[][] = [[{ subnet: `10.${net}.0.0/16` }]];
    if (this.#options.dualStack === true) {
      ranges.push([{ subnet: `fd00:${net}::/64` }]);
    }
    const conflist = {
      cniVersion: '1.0.0',
      name: this.bridge,
      plugins: [
        {
          type: 'bridge',
          bridge: this.bridge,
          isGateway: true,
          ipMasq: false,
          hairpinMode: true,
          ipam: {
            type: 'host-local',
            dataDir: join(this.stateDir, 'ipam'),
            ranges,
            routes: [{ dst: '0.0.0.0/0' }],
          },
        },
        { type: 'portmap', capabilities: { portMappings: true } },
      ],
    };
    await writeFile(join(this.confDir, '10-test.conflist'), JSON.stringify(conflist));
  }

  #configText(): string {
    const sections: Record<string, string[]> = {
      cni: [
        `conf_dirs = ["${this.confDir}"]`,
        `bin_dirs = ${JSON.stringify(this.#options.binDirs ?? ['/usr/lib/cni'])}`,
        `cache_dir = "${join(this.stateDir, 'cni-cache')}"`,
      ],
      isolator: [
        `binary = "${binaries.isolator}"`,
        `cgroup_base = "${this.cgroupBase}"`,
        `legacy_mounts = ${this.#options.legacyMounts === true}`,
      ],
      log: ['level = "debug"'],
      metrics: ['address = "127.0.0.1:0"'],
    };
    for (const [name, lines] of Object.entries(this.#options.config ?? {})) {
      sections[name] = [...(sections[name] ?? []), ...lines];
    }
    const text = Object.entries(sections).map(
      ([name, lines]) => `[${name}]\n${lines.join('\n')}\n`,
    );
    return `run_dir = "${this.runDir}"\nstate_dir = "${this.stateDir}"\n${text.join('')}`;
  }

  async #answering(child: ChildProcess): Promise<void> {
    const deadline = performance.now() + limitMs(60_000);
    for (;;) {
      if (child.exitCode !== null) {
        throw new Error(`estiba serve ended with ${child.exitCode}:\n${this.#log}`);
      }
      const answered = await this.client.runtime
        .version({}, { deadlineMs: limitMs(2000) })
        .then(() => true)
        .catch(() => false);
      if (answered) {
        return;
      }
      if (performance.now() > deadline) {
        throw new Error(`estiba serve does not answer:\n${this.#log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

// The bridge plugin leaves its bridge to the next pod; ours is the test's to remove.
async function endBridge(name: string): Promise<void> {
  await promisify(execFile)('ip', ['link', 'delete', name]).catch(() => undefined);
}

async function endProcess(pid: number): Promise<void> {
  if (pid <= 1) {
    return;
  }
  process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + limitMs(10_000);
  while (performance.now() < deadline) {
    if (await hasEnded(pid)) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the launcher (pid ${pid}) does not end`);
}
