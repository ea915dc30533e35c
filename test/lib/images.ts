// Images for the tests: made from this machine's busybox by hack/images, imported as a user would or
// straight through the server's socket.
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { buildArchive, type BuiltImage, type ImageInput } from '../../hack/images/build-image.ts';
import { busyboxLayer, findBusybox, libraries } from '../../hack/images/busybox-layer.ts';
import type { TarInput } from '../../hack/images/tar-writer.ts';
import { importImages } from '../../cri/cli/node-client.ts';
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
  const options = ['--tag', tag, ...more];
  const key = options.join('\0');
  const path = join(server.stateDir, `busybox-${tag.replaceAll(/\W/gu, '_')}.tar`);
  const made = archives.get(key) ?? makeBusybox(path, options);
  archives.set(key, made);
  await writeFile(path, await made);
  await importArchive(server, path);
}
/** What has been made, by its options: in the guest that takes as long as some tests. */
const archives = new Map<string, Promise<Buffer>>();

async function makeBusybox(path: string, options: readonly string[]): Promise<Buffer> {
  await run(join(repository, 'hack', 'images', 'make'), ['--output', path, ...options]);
  return readFile(path);
}

/** What `estiba images import` asks the server for, without the seconds that it takes to start. */
async function importArchive(server: TestServer, path: string): Promise<void> {
  for await (const _progress of importImages(server.socketPath, { path })) {
    // Its end is what counts.
  }
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

/** What the command line said. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `estiba ARGS` with the server's configuration, with `stdin` as its standard input. */
export async function estiba(
  server: TestServer,
  args: readonly string[],
  stdin: Buffer = Buffer.alloc(0),
): Promise<CommandResult> {
  const child = spawn(binaries.estiba, [...args, '--config', server.configPath]);
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => resolve(code ?? -1));
  });
  // A program that ends early does not read all of it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ]);
  return { exitCode, stdout, stderr };
}

/** The busybox layer, made once. */
export function baseLayer(): readonly TarInput[] {
  base ??= busyboxLayer(findBusybox());
  return base;
}
let base: readonly TarInput[] | undefined;

/** Imports an image of the busybox layer and `layers` on top; uncompressed, so quick. */
export async function importOnBusybox(
  server: TestServer,
  tag: string,
  layers: readonly (readonly TarInput[] | Buffer)[],
  config: ImageInput['config'] = {},
): Promise<BuiltImage> {
  return importImage(server, { layers: [baseLayer(), ...layers], tags: [tag], config });
}

/** Imports an image as it stands. Throws what the server said. */
export async function importImage(server: TestServer, input: ImageInput): Promise<BuiltImage> {
  const { archive, images } = buildArchive([{ compression: 'none', ...input }], 'oci');
  const path = join(server.stateDir, 'import.tar');
  await writeFile(path, archive);
  await importArchive(server, path);
  await rm(path);
  const [image] = images;
  if (image === undefined) {
    throw new Error('no image was built');
  }
  return image;
}

/** A layer with a program of this machine and the libraries it needs. */
export function programLayer(program: string, name: string, mode: number): TarInput[] {
  const files = libraries(program).map((path) => ({
    name: path.slice(1),
    mode: 0o755,
    content: readFileSync(path),
  }));
  return [...files, { name, mode, content: readFileSync(program) }];
}

/**
 * The extended attributes of a path as a pax header shows them, `<name>=<value>`. By tar, because
 * every Debian has it.
 */
export async function attributesOf(path: string): Promise<string[]> {
  const args = [
    '--xattrs',
    '--xattrs-include=*',
    '--no-recursion',
    '-cf',
    '-',
    '-C',
    dirname(path),
  ];
  const { stdout } = await run('tar', [...args, basename(path)], { encoding: 'latin1' });
  return [...stdout.matchAll(/\d+ SCHILY\.xattr\.([^\n]*)\n/gu)]
    .map((match) => match[1] ?? '')
    .toSorted();
}

/** The directories of an image's layers, topmost first. */
export async function layerDirectories(server: TestServer, image: string): Promise<string[]> {
  const request = { image: { image }, verbose: true };
  const { info } = await server.client.image.imageStatus(request);
  return (JSON.parse(info?.['info'] ?? '{}') as { lowerDirs: string[] }).lowerDirs;
}
