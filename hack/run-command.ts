// Runs one command of a test stage, with a limit that holds for everything it starts.
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';

export interface Ran {
  /** Exit code; 1 when a signal ended it. */
  readonly code: number;
  /** Both streams as they came. */
  readonly output: string;
}

export interface RunOptions {
  /** Everything that the command has started is killed then. Default: none. */
  readonly limitSeconds?: number | undefined;
  /** How long what the command leaves behind may keep its output open. Default 10. */
  readonly graceSeconds?: number | undefined;
  /** Where the output is shown as it comes. Default: standard error. */
  readonly show?: ((text: string) => void) | undefined;
}

const groups = new Set<number>();

/**
 * Runs a command in a process group of its own. Returns when it has ended and its output with it; what
 * still holds the output open a while later is killed.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { limitSeconds, graceSeconds = 10, show = (text) => process.stderr.write(text) } = options;
  const [command = '', ...args] = argv;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      show(text);
    });
  }
  const { pid } = child;
  if (pid !== undefined) {
    groups.add(pid);
  }
  const limit =
    limitSeconds === undefined ? undefined : setTimeout(() => killGroup(pid), limitSeconds * 1000);
  try {
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const code = await exitCode(child);
    clearTimeout(limit);
    const grace = setTimeout(() => {
      killGroup(pid);
      child.stdout.destroy();
      child.stderr.destroy();
    }, graceSeconds * 1000);
    await closed;
    clearTimeout(grace);
    return { code, output };
  } finally {
    clearTimeout(limit);
    groups.delete(pid ?? 0);
  }
}

/**
 * Ends every command with us: they are not in our group, so that a terminal's Ctrl-C reaches us alone.
 */
export function endCommandsWithUs(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      for (const pid of groups) {
        killGroup(pid);
      }
      process.exit(128 + constants.signals[signal]);
    });
  }
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal ? 1 : 0)));
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) {
      process.kill(-pid, 'SIGKILL');
    }
  } catch {
    // Nobody is left in it.
  }
}
