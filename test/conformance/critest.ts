// critest, unchanged but for one digest, against a server of its own: its images come from a registry
// on loopback that hosts.toml puts in the place of upstream's.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestServer } from '../lib/test-server.ts';
import { limitMs } from '../lib/time.ts';
import { DockerRegistry } from '../registry/docker-registry.ts';
import { runProgram } from './crictl.ts';
import { CritestImages, mirroredHosts } from './critest-images.ts';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** How one spec ended; `message` is why, where it did not pass. */
export interface SpecOutcome {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly message: string;
  readonly seconds: number;
}

/** What to run, as critest's own flags say it. */
export interface CritestChoice {
  readonly nodes?: number;
  readonly focus?: readonly string[];
  readonly skip?: readonly string[];
  /** Hears what critest writes. */
  readonly onOutput?: (text: string) => void;
}

/** The test image of upstream's that critest names by digest; nobody else can make one of this digest. */
const upstreamDigest = '9700f9a2f5bf2c45f2f605a0bd3bce7cf37420ec9d3ed50ac2758413308766bf';
const limitPlainMs = 600_000;

/**
 * Where `hack/critest --build` puts critest and what its images are made of (ESTIBA_CRITEST when that
 * is set), or why there is none: `reason` is set when this machine cannot have it (no Go).
 */
export async function findCritest(): Promise<{ tools: string } | { reason: string }> {
  const given = process.env['ESTIBA_CRITEST'];
  if (given !== undefined) {
    return { tools: given };
  }
  const ran = await runProgram(join(repository, 'hack', 'critest'), ['--build']);
  if (ran.code === 0) {
    return { tools: ran.stdout.trim() };
  }
  if (ran.code === 3) {
    return { reason: ran.stderr.trim() };
  }
  throw new Error(`hack/critest --build ended with ${ran.code}: ${ran.stderr}`);
}

/** A server, a registry with critest's images, and critest. */
export class Critest {
  readonly #tools: string;
  readonly #scratch: string;
  readonly #registry: DockerRegistry;
  readonly server: TestServer;

  private constructor(
    tools: string,
    scratch: string,
    registry: DockerRegistry,
    server: TestServer,
  ) {
    this.#tools = tools;
    this.#scratch = scratch;
    this.#registry = registry;
    this.server = server;
  }

  static async start(tools: string): Promise<Critest> {
    const scratch = await mkdtemp(join(tmpdir(), 'estiba-critest-'));
    const registry = await DockerRegistry.start({ directory: join(scratch, 'registry') });
    const digest = await new CritestImages(registry.url, tools).push();
    await writeSuite(tools, scratch, digest);
    for (const host of mirroredHosts) {
      const directory = join(scratch, 'hosts', host);
      await mkdir(directory, { recursive: true });
      const mirror = `[host."${registry.url}"]\ncapabilities = ["pull", "resolve"]\n`;
      await writeFile(join(directory, 'hosts.toml'), mirror);
    }
    const server = await TestServer.start({
      config: { registry: [`hosts_dirs = ["${join(scratch, 'hosts')}"]`] },
    });
    return new Critest(tools, scratch, registry, server);
  }

  /** Runs critest; returns every spec that was not left out by `choice`, by name. */
  async run(choice: CritestChoice = {}): Promise<SpecOutcome[]> {
    const endpoint = `unix://${this.server.socketPath}`;
    const reportName = 'report.json';
    await mkdir(join(this.#scratch, 'tmp'), { recursive: true });
    const args = [
      `--nodes=${choice.nodes ?? 3}`,
      '--no-color',
      `--timeout=${limitMs(limitPlainMs)}ms`,
      `--output-dir=${this.#scratch}`,
      `--json-report=${reportName}`,
      '--skip=benchmark',
      ...(choice.skip ?? []).map((pattern) => `--skip=${pattern}`),
      ...(choice.focus ?? []).map((pattern) => `--focus=${pattern}`),
      join(this.#scratch, 'critest.test'),
      '--',
      `-runtime-endpoint=${endpoint}`,
      `-image-endpoint=${endpoint}`,
    ];
    const output = await this.#ginkgo(args, choice.onOutput);
    const text = await readFile(join(this.#scratch, reportName), 'utf8').catch(() => {
      throw new Error(`critest wrote no report: ${output}`);
    });
    return specOutcomes(JSON.parse(text));
  }

  /** Ends the server; returns what it left behind. */
  async stop(): Promise<string[]> {
    // First: its program may lie in a directory of ours, as what is left behind does.
    await this.#registry[Symbol.asyncDispose]();
    const left = await this.server.stop();
    await rm(this.#scratch, { recursive: true, force: true });
    return left;
  }

  /** Runs ginkgo to its end, however that is; returns what it wrote. */
  #ginkgo(args: readonly string[], onOutput?: (text: string) => void): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(join(this.#tools, 'ginkgo'), args, {
        cwd: this.#scratch,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, TMPDIR: join(this.#scratch, 'tmp') },
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString('utf8');
          onOutput?.(chunk.toString('utf8'));
        });
      }
      child.once('error', reject);
      child.once('close', () => resolve(output));
    });
  }
}

/** A copy of the suite that asks for our test-image-digest instead of upstream's. */
async function writeSuite(tools: string, scratch: string, digest: string): Promise<void> {
  const suite = await readFile(join(tools, 'critest.test'));
  const hex = digest.slice('sha256:'.length);
  let count = 0;
  for (let at = suite.indexOf(upstreamDigest); at >= 0; at = suite.indexOf(upstreamDigest, at)) {
    suite.write(hex, at, 'latin1');
    count += 1;
  }
  if (count === 0) {
    throw new Error(`cannot prepare critest: it does not name sha256:${upstreamDigest}`);
  }
  await writeFile(join(scratch, 'critest.test'), suite, { mode: 0o755 });
}

interface GinkgoReport {
  readonly SpecReports: readonly {
    readonly ContainerHierarchyTexts: readonly string[] | null;
    readonly LeafNodeType: string;
    readonly LeafNodeText: string;
    readonly State: string;
    readonly RunTime: number;
    readonly Failure?: { readonly Message?: string };
  }[];
}

/** The specs of a report; those that a filter left out have no message and are not told. */
function specOutcomes(report: unknown): SpecOutcome[] {
  return (
    (report as readonly GinkgoReport[])
      .flatMap(({ SpecReports }) => SpecReports)
      // Beside specs there are what comes before and after the suite: told only when they fail.
      .filter(({ LeafNodeType, State }) => LeafNodeType === 'It' || State !== 'passed')
      .map((spec): SpecOutcome => {
        const message = spec.Failure?.Message ?? '';
        const isSkipped = spec.State === 'skipped' || spec.State === 'pending';
        const failed = isSkipped ? 'skipped' : 'failed';
        return {
          name: [
            ...(spec.ContainerHierarchyTexts ?? []),
            spec.LeafNodeText || spec.LeafNodeType,
          ].join(' '),
          state: spec.State === 'passed' ? 'passed' : failed,
          message: message.trim(),
          seconds: spec.RunTime / 1e9,
        };
      })
      .filter(({ state, message }) => state !== 'skipped' || message !== '')
  );
}
