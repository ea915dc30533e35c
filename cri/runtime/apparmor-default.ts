// Loads the AppArmor profile RuntimeDefault into the kernel: when the server starts, and when that has
// failed, again when a container needs it.
import { access } from 'node:fs/promises';
import type { Logger } from 'pino';
import { LazyAttempt } from '../core/lazy-attempt.ts';
import type { Launcher } from '../isolator/launcher.ts';
import { defaultApparmorText } from '../spec/apparmor.ts';
import type { HostFacts } from './host-facts.ts';

const installed = ['/usr/sbin/apparmor_parser', '/sbin/apparmor_parser'];
/** The parser takes a fraction of a second; the start of the server, or a create, waits for it. */
const deadlineMs = 15_000;

/** The profile RuntimeDefault in the kernel of this host. */
export class DefaultApparmor {
  readonly #launcher: Pick<Launcher, 'runProgram'>;
  readonly #isEnabled: boolean;
  readonly #parsers: readonly string[];
  readonly #loading: LazyAttempt;

  constructor(
    launcher: Pick<Launcher, 'runProgram'>,
    isEnabled: boolean,
    log: Pick<Logger, 'warn'>,
    parsers: readonly string[] = installed,
  ) {
    this.#launcher = launcher;
    this.#isEnabled = isEnabled;
    this.#parsers = parsers;
    this.#loading = new LazyAttempt(
      () => this.#load(),
      (reason) =>
        log.warn({ reason }, 'containers that name no AppArmor profile are not confined by one'),
    );
  }

  /** Loads it where the host has AppArmor, unless it is loaded or that has just failed. Never rejects. */
  async load(): Promise<void> {
    if (this.#isEnabled) {
      await this.#loading.run();
    }
  }

  /** The facts, which tell at any time whether it is loaded by then. */
  factsWith(host: HostFacts): HostFacts {
    const loading = this.#loading;
    const spec = {
      ...host.spec,
      get apparmorDefaultProblem() {
        return loading.problem;
      },
    };
    return { ...host, spec };
  }

  async #load(): Promise<void> {
    const parser = await firstThatExists(this.#parsers);
    if (parser === undefined) {
      throw new Error('apparmor_parser is not installed');
    }
    const ended = await this.#launcher.runProgram({
      // An older version of the profile is replaced; no cache is written.
      argv: [parser, '--replace', '--skip-cache'],
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      stdin: Buffer.from(defaultApparmorText),
      cwd: '/',
      deadlineMs,
    });
    if (ended.timedOut) {
      throw new Error(`"${parser}" did not end within ${deadlineMs} ms`);
    }
    if (ended.exitCode !== 0) {
      const said = ended.stderr.toString('utf8').toWellFormed().trim();
      throw new Error(`apparmor_parser failed (${ended.exitCode}): ${said}`);
    }
  }
}

async function firstThatExists(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) {
      return path;
    }
  }
  return undefined;
}
