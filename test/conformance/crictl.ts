// crictl as a child process: the binary that hack/crictl built, pointed at a server by the same
// configuration file that users get, with the socket overridden.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Files below manifests/, as users get them. */
export const manifest = (path: string): string => join(repository, 'manifests', path);

/** How a program ended and what it wrote. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; rejects only when it cannot be started. */
export function runProgram(file: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      [...args],
      { maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number' && error.signal === undefined) {
          reject(error);
          return;
        }
        resolve({ code: child.exitCode ?? 1, stdout, stderr });
      },
    );
  });
}

/**
 * Where crictl is (ESTIBA_CRICTL, else what hack/crictl builds), or why there is none: `reason` is
 * set only when Go is missing or too old.
 */
export async function findCrictl(): Promise<{ path: string } | { reason: string }> {
  const given = process.env['ESTIBA_CRICTL'];
  if (given !== undefined) {
    return { path: given };
  }
  const { code, stdout, stderr } = await runProgram(join(repository, 'hack', 'crictl'), []);
  if (code === 0) {
    return { path: stdout.trim() };
  }
  if (code === 3) {
    return { reason: stderr.trim() };
  }
  throw new Error(`hack/crictl ended with ${code}: ${stderr}`);
}

/** crictl on one server's socket. */
export class Crictl {
  readonly #path: string;
  readonly #endpoint: string;

  constructor(path: string, socketPath: string) {
    this.#path = path;
    this.#endpoint = `unix://${socketPath}`;
  }

  /** Runs `crictl ARGS`, whatever its exit code. */
  run(...args: readonly string[]): Promise<Ran> {
    const endpoints = ['--runtime-endpoint', this.#endpoint, '--image-endpoint', this.#endpoint];
    return runProgram(this.#path, ['--config', manifest('crictl.yaml'), ...endpoints, ...args]);
  }

  /** Runs `crictl ARGS`, which must succeed; returns standard output without its last newline. */
  async text(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) {
      throw new Error(`crictl ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    }
    return stdout.trimEnd();
  }

  /** Runs `crictl ARGS`, which must succeed and print JSON. */
  async json(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.text(...args)) as unknown;
  }
}
