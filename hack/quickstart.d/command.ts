// Programs the quickstart runs to their end.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a program; returns its standard output. Throws what it wrote to standard error. */
export async function outputOf(file: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(file, [...args], { maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stderr, message } = error as Error & { readonly stderr?: string };
    const why = stderr?.trim() || message;
    throw new Error(`cannot run "${file} ${args.join(' ')}": ${why}`, { cause: error });
  }
}
