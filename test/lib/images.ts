// Images for the tests: made from this machine's busybox by hack/images, imported as a user would.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { busybox } from './pods.ts';
import { binaries, type TestServer } from './test-server.ts';

const run = promisify(execFile);
const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Makes and imports busybox (or a variant of it) under `tag`. */
export async function importBusybox(
  server: TestServer,
  tag: string = busybox,
  more: readonly string[] = [],
): Promise<void> {
  const archive = join(server.stateDir, `busybox-${tag.replaceAll(/\W/gu, '_')}.tar`);
  const maker = join(repository, 'hack', 'images', 'make');
  await run(maker, ['--output', archive, '--tag', tag, ...more]);
  await importFile(server, archive);
}

/** Imports an archive's bytes; returns what the command line printed. Throws its error. */
export async function importBytes(
  server: TestServer,
  name: string,
  archive: Buffer,
): Promise<string> {
  const path = join(server.stateDir, name);
  await writeFile(path, archive);
  return importFile(server, path);
}

/** Imports a file with `estiba images import`; returns what it printed. Throws its error. */
export async function importFile(server: TestServer, path: string): Promise<string> {
  const args = ['images', 'import', '--config', server.configPath, path];
  const { stdout } = await run(binaries.estiba, args);
  return stdout;
}
