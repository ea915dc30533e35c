import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { abortError, settledOrAborted } from '../core/deadline.ts';
import { CriError, describeError } from '../core/error.ts';
import { Launcher, type LauncherDeadlines } from './launcher.ts';
import type { Pong } from './launcher-messages.ts';
import { killLauncher, launcherPid, runsOther } from './launcher-process.ts';

const spawnIntervalMs = 1_000;
const readyDeadlineMs = 10_000;
const retryMs = 10;
const tryDeadlineMs = 2_000;
/** Pings without an answer after which a launcher that holds its place counts as hung. */
const mostSilences = 2;
/** Exit code of a launcher that finds another one in its place. */
const exitAlreadyServed = 3;

export interface EnsureLauncherOptions {
  /** Absolute path of the `estiba-isolator` binary. */
  readonly binary: string;
  readonly runDir: string;
  /** More arguments of `launcher`, such as `--cgroup-base`. */
  readonly extraArguments?: readonly string[] | undefined;
  /** Where the launcher and its monitors write what they cannot report; default: our stderr. */
  readonly logFile?: string | undefined;
  /** How long its jobs may take. */
  readonly deadlines?: LauncherDeadlines | undefined;
  /** Told each time a launcher is started or killed. */
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** Returns the path of the launcher's socket below `runDir`. */
export function launcherSocketPath(runDir: string): string {
  return join(runDir, 'launcher.sock');
}

/**
 * Returns a client of the launcher of `runDir` that has answered. Where none answers, one is started,
 * detached, so that it outlives us; the client does the same whenever a later job finds nobody there.
 * One that an upgrade has left running is replaced: it ignores what it does not know in a job. Throws
 * Unavailable when the launcher does not come up.
 */
export async function ensureLauncher(options: EnsureLauncherOptions): Promise<Launcher> {
  const starter = new LauncherStarter(options);
  await starter.ensure();
  await starter.replaceOther();
  const socketPath = launcherSocketPath(options.runDir);
  const revive = (signal?: AbortSignal): Promise<unknown> => starter.ensure(signal);
  return new Launcher({ socketPath, revive, ...options.deadlines });
}

/** Starts launchers: one at a time and at most one a second, however many callers ask. */
export class LauncherStarter {
  readonly #options: EnsureLauncherOptions;
  readonly #launcher: Launcher;
  #running: Promise<Pong> | undefined;
  #nextSpawnAtMs = 0;

  constructor(options: EnsureLauncherOptions) {
    this.#options = options;
    this.#launcher = new Launcher({ socketPath: launcherSocketPath(options.runDir) });
  }

  /**
   * Returns once a launcher answers, started by this call if need be. `signal` ends the waiting of
   * this caller only.
   */
  async ensure(signal?: AbortSignal): Promise<Pong> {
    if (signal?.aborted === true) {
      throw abortError(signal, 'start the launcher');
    }
    this.#running ??= this.#ensure().finally(() => {
      this.#running = undefined;
    });
    return await settledOrAborted(this.#running, 'start the launcher', signal);
  }

  /** Replaces a launcher of another build than the binary is now. Only while it has no job of ours. */
  async replaceOther(): Promise<void> {
    const { binary, runDir, log } = this.#options;
    const pid = await launcherPid(runDir);
    if (pid === undefined) {
      return; // not a launcher that we could end
    }
    try {
      if (!(await runsOther(pid, binary))) {
        return;
      }
    } catch (error) {
      const why = describeError(error);
      log('cannot tell whether the launcher is of this build', { launcherPid: pid, why });
      return;
    }
    await killLauncher(runDir);
    log('ended a launcher of another build', { launcherPid: pid });
    if ((await this.#start('the last one was of another build')) === 'another is silent') {
      throw silentOther();
    }
  }

  async #ensure(): Promise<Pong> {
    try {
      return await this.#launcher.ping(undefined, tryDeadlineMs);
    } catch (error) {
      if (!isSilence(error)) {
        throw error; // it is there and says what is wrong: another one would say the same
      }
      const pauseMs = this.#nextSpawnAtMs - performance.now();
      if (pauseMs > 0) {
        await wait(pauseMs);
      }
      this.#nextSpawnAtMs = performance.now() + spawnIntervalMs;
      return await this.#startOrReplace(describeError(error));
    }
  }

  // One that keeps its place without answering would keep every other one away for good.
  async #startOrReplace(why: string): Promise<Pong> {
    const first = await this.#start(why);
    if (first !== 'another is silent') {
      return first;
    }
    const hungPid = await killLauncher(this.#options.runDir);
    if (hungPid !== undefined) {
      this.#options.log('killed a launcher that did not answer', { launcherPid: hungPid });
      const second = await this.#start('the last one hung');
      if (second !== 'another is silent') {
        return second;
      }
    }
    throw silentOther();
  }

  async #start(why: string): Promise<Pong | 'another is silent'> {
    const child = await this.#spawn();
    this.#options.log('starting the launcher', { launcherPid: child.pid, why });
    const endAtMs = performance.now() + readyDeadlineMs;
    let silences = 0;
    for (;;) {
      try {
        return await this.#launcher.ping(undefined, tryDeadlineMs);
      } catch (error) {
        const ended = child.ended();
        // One that found another in its place is not missed: that one is about to answer, or hangs.
        const isSilent = error instanceof CriError && error.code === 'DeadlineExceeded';
        silences += ended?.foundAnother === true && isSilent ? 1 : 0;
        if (silences > mostSilences) {
          return 'another is silent';
        }
        const isFinal = ended !== undefined && !ended.foundAnother;
        if (isFinal || !isSilence(error) || performance.now() > endAtMs) {
          const reason = ended?.how ?? `it does not answer: ${describeError(error)}`;
          throw new CriError('Unavailable', `cannot start the launcher: ${reason}`, {
            cause: error,
          });
        }
      }
      await wait(retryMs);
    }
  }

  /** The only process that `serve` ever starts. */
  async #spawn(): Promise<SpawnedLauncher> {
    const { binary, runDir, extraArguments = [], logFile } = this.#options;
    const log = logFile === undefined ? undefined : await open(logFile, 'a', 0o600);
    try {
      const output = log?.fd ?? 'inherit';
      const child = spawn(binary, ['launcher', '--run-dir', runDir, ...extraArguments], {
        detached: true,
        cwd: '/',
        env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
        stdio: ['ignore', output === 'inherit' ? 2 : output, output === 'inherit' ? 2 : output],
      });
      let ended: LauncherEnd | undefined;
      child.once('error', (error) => {
        const how = `"${binary}" cannot be run: ${describeError(error)}`;
        ended = { how, foundAnother: false };
      });
      child.once('exit', (code, signal) => {
        const how = `"${binary}" ended with ${signal ?? `exit code ${code}`}`;
        ended = { how, foundAnother: code === exitAlreadyServed };
      });
      child.unref();
      return { pid: child.pid, ended: () => ended };
    } finally {
      await log?.close();
    }
  }
}

function silentOther(): CriError {
  const reason = 'another one holds its place and does not answer';
  return new CriError('Unavailable', `cannot start the launcher: ${reason}`);
}

/** True when nobody answered, false when a launcher answered with a fault. */
function isSilence(error: unknown): boolean {
  return (
    error instanceof CriError && (error.code === 'Unavailable' || error.code === 'DeadlineExceeded')
  );
}

interface LauncherEnd {
  readonly how: string;
  /** Another launcher serves the same run directory. */
  readonly foundAnother: boolean;
}

interface SpawnedLauncher {
  readonly pid: number | undefined;
  /** How it ended, undefined while it lives. */
  readonly ended: () => LauncherEnd | undefined;
}
