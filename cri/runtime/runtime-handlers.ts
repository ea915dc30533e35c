// The handlers that RuntimeClasses name: our own, and OCI runtime programs by configuration.
import type { Config, OciRuntime } from '../config/config.ts';
import { LazyAttempt } from '../core/lazy-attempt.ts';
import type { Launcher } from '../isolator/launcher.ts';
import type { HostFacts } from '../spec/input.ts';
import type { SandboxRecord } from '../store/record.ts';

/** What CRI says of a handler. True only where it is known to work. */
export interface HandlerFeatures {
  readonly recursiveReadOnlyMounts: boolean;
  readonly userNamespaces: boolean;
}

/** Who makes a pod's containers. */
type PodRuntime = Pick<SandboxRecord, 'runtimeHandler' | 'runtimePath'>;

const probeDeadlineMs = 10_000;
const environment = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
const none: HandlerFeatures = { recursiveReadOnlyMounts: false, userNamespaces: false };

/** All handlers. What programs can do is not known before `probe` has asked them. */
export class RuntimeHandlers {
  readonly #own: readonly string[];
  readonly #runtimes: Readonly<Record<string, OciRuntime>>;
  readonly #host: HostFacts;
  readonly #features = new Map<string, HandlerFeatures>();
  readonly #probes = new Map<string, LazyAttempt>();

  constructor(config: Pick<Config, 'isolator' | 'runtimes'>, host: HostFacts) {
    this.#own = ['', config.isolator.handler];
    this.#runtimes = config.runtimes;
    this.#host = host;
    for (const name of this.#own) {
      this.#features.set(name, {
        recursiveReadOnlyMounts: host.recursiveReadOnly,
        userNamespaces: host.userNamespacesProblem === '',
      });
    }
  }

  /** Names that RunPodSandbox takes; "" is the kubelet's word for the default. */
  get names(): readonly string[] {
    return [...this.#own, ...Object.keys(this.#runtimes)];
  }

  /** The program behind a handler; undefined for our own. */
  runtimeOf(name: string): OciRuntime | undefined {
    return Object.hasOwn(this.#runtimes, name) ? this.#runtimes[name] : undefined;
  }

  /** What Status says; nothing of a handler that is not there, or has not answered. */
  featuresOf(name: string): HandlerFeatures {
    void this.#probes.get(name)?.run();
    return this.#features.get(name) ?? none;
  }

  /** What this host can do for a pod, also of a handler that is not configured any more. */
  hostFor({ runtimeHandler, runtimePath }: PodRuntime): HostFacts {
    if (runtimePath === '') {
      return this.#host; // ours, by whatever name
    }
    const { recursiveReadOnlyMounts } = this.#featuresOfProgram(runtimeHandler, runtimePath);
    const userNamespacesProblem = `pods of the runtime handler "${runtimeHandler}" have none`;
    return {
      ...this.#host,
      recursiveReadOnly: recursiveReadOnlyMounts,
      userNamespacesProblem,
      // They read the spec as JSON has it.
      environmentBytes: false,
    };
  }

  #featuresOfProgram(name: string, path: string): HandlerFeatures {
    return this.runtimeOf(name)?.path === path ? this.featuresOf(name) : none;
  }

  /**
   * Asks each program what it can do, by its command `features`. One that does not answer, or does not
   * know the command, is taken to do no more than it must; it is asked again, now and then, when
   * somebody wants to know. `report` is told why. Never rejects.
   */
  async probe(
    launcher: Pick<Launcher, 'runProgram'>,
    report: (handler: string, reason: string) => void,
  ): Promise<void> {
    for (const [name, program] of Object.entries(this.#runtimes)) {
      const ask = async (): Promise<void> => {
        const options = await mountOptionsOf(program, launcher);
        this.#features.set(name, {
          recursiveReadOnlyMounts: this.#host.recursiveReadOnly && options.includes('rro'),
          userNamespaces: false,
        });
      };
      this.#probes.set(name, new LazyAttempt(ask, (reason) => report(name, reason)));
    }
    await Promise.all([...this.#probes.values()].map((probe) => probe.run()));
  }
}

async function mountOptionsOf(
  { path, arguments: before }: OciRuntime,
  launcher: Pick<Launcher, 'runProgram'>,
): Promise<readonly unknown[]> {
  const argv = [path, ...before, 'features'];
  const job = { argv, env: environment, deadlineMs: probeDeadlineMs };
  const { exitCode, stdout, timedOut } = await launcher.runProgram(job);
  if (timedOut) {
    throw new Error(`"${path} features" did not end within ${probeDeadlineMs} ms`);
  }
  if (exitCode !== 0) {
    throw new Error(`"${path} features" ended with exit code ${exitCode}`);
  }
  return mountOptionsIn(stdout.toString('utf8'));
}

/** The field of the OCI features document that tells which options mounts may have. */
function mountOptionsIn(document: string): readonly unknown[] {
  const features: unknown = JSON.parse(document);
  const options =
    typeof features === 'object' && features !== null && 'mountOptions' in features
      ? features.mountOptions
      : undefined;
  return Array.isArray(options) ? (options as unknown[]) : [];
}
