// docker-credential-* programs: one JSON answer on standard output to a host on standard input.
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CriError } from '../core/error.ts';
import type { ProgramEnded, RunProgramRequest } from '../isolator/launcher-messages.ts';
import { quotable } from './registry-error.ts';
import { Secret } from './secret.ts';

/** How a helper's run ended. */
export interface HelperEnded {
  readonly exitCode: number;
  readonly stdout: string;
  readonly timedOut: boolean;
}

/** Runs `docker-credential-<name> get` with `server` on its standard input. */
export type HelperRunner = (
  name: string,
  server: string,
  signal?: AbortSignal,
) => Promise<HelperEnded>;

/** What a helper keeps for a host. */
export interface HelperAnswer {
  readonly username: string;
  readonly secret: Secret;
  /** The secret is an identity token, not a password. */
  readonly isIdentityToken: boolean;
}

const answerSchema = v.object({ Username: v.string(), Secret: v.string() });
const notFound = 'credentials not found in native keychain';

/**
 * Asks a helper; undefined when it has nothing for `server`. Throws FailedPrecondition for a helper
 * that fails, DeadlineExceeded for one that hangs; no message holds what it may have told.
 */
export async function askHelper(
  run: HelperRunner,
  name: string,
  server: string,
  signal?: AbortSignal,
): Promise<HelperAnswer | undefined> {
  const ended = await run(name, server, signal);
  const what = `cannot get credentials for "${server}" from "docker-credential-${name}"`;
  if (ended.timedOut) {
    throw new CriError('DeadlineExceeded', `${what}: it did not end in time`);
  }
  if (ended.exitCode !== 0) {
    if (ended.stdout.includes(notFound)) {
      return undefined;
    }
    // By protocol its words stand on standard output; anything that looks like an answer is not told.
    const said = /[{}"]/u.test(ended.stdout) ? '' : quotable(ended.stdout);
    const why = `it ended with ${ended.exitCode}${said === '' ? '' : `: ${said}`}`;
    throw new CriError('FailedPrecondition', `${what}: ${why}`);
  }
  const answer = parseAnswer(ended.stdout);
  if (answer === undefined) {
    throw new CriError('FailedPrecondition', `${what}: its answer is not {Username, Secret}`);
  }
  if (answer.Secret === '') {
    return undefined;
  }
  const isIdentityToken = answer.Username === '<token>';
  return { username: answer.Username, secret: new Secret(answer.Secret), isIdentityToken };
}

function parseAnswer(text: string): v.InferOutput<typeof answerSchema> | undefined {
  try {
    const result = v.safeParse(answerSchema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

/** The launcher's job that helpers need; cri/isolator's Launcher is one. */
export interface ProgramLauncher {
  runProgram(request: RunProgramRequest, signal?: AbortSignal): Promise<ProgramEnded>;
}

export interface HelperRunnerOptions {
  readonly launcher: ProgramLauncher;
  /** Where helpers are looked for, in this order. */
  readonly directories: readonly string[];
  /** The helpers' whole environment, each entry "NAME=value". */
  readonly env: readonly string[];
  /** Default 30 000. */
  readonly deadlineMs?: number;
}

/** Returns a runner that has the launcher run helpers; throws NotFound for one that is not there. */
export function launcherHelpers(options: HelperRunnerOptions): HelperRunner {
  const { launcher, directories, env, deadlineMs = 30_000 } = options;
  return async (name, server, signal) => {
    const program = await findProgram(`docker-credential-${name}`, directories);
    const ended = await launcher.runProgram(
      { argv: [program, 'get'], env, stdin: server, deadlineMs },
      signal,
    );
    const { exitCode, timedOut } = ended;
    return { exitCode, timedOut, stdout: ended.stdout.toString('utf8') };
  };
}

async function findProgram(name: string, directories: readonly string[]): Promise<string> {
  for (const directory of directories) {
    const path = join(directory, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) {
      return path;
    }
  }
  const why = `no such program in "${directories.join('", "')}"`;
  throw new CriError('NotFound', `cannot run "${name}": ${why}`);
}
