// `estiba images import FILE|-`: hands the server a path; standard input is spooled into the
// server's own ingest directory first, because an archive has to be read more than once.
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { toNumber } from '../../proto/long.ts';
import { loadConfig } from '../config/config.ts';
import { importImages } from './node-client.ts';

/** Options of the command line. */
export interface ImportOptions {
  readonly config?: string;
  readonly tag?: readonly string[];
  readonly baseName?: string;
  readonly quiet?: boolean;
}

/** Imports and prints one line an image. Throws CriError. */
export async function imagesImport(file: string, options: ImportOptions): Promise<void> {
  const config = await loadConfig(options.config);
  const spooled = file === '-' ? await spool(config.stateDir) : undefined;
  const request = {
    path: spooled ?? resolve(file),
    removeSource: spooled !== undefined,
    tags: [...(options.tag ?? [])],
    baseName: options.baseName ?? '',
  };
  try {
    for await (const progress of importImages(join(config.runDir, 'estiba.sock'), request)) {
      if (progress.image) {
        const { id, repoTags, size, layersPresent, layersUnpacked } = progress.image;
        const names = repoTags?.length ? repoTags.join(', ') : '<untagged>';
        const layers = `${layersUnpacked} layers unpacked, ${layersPresent} already present`;
        process.stdout.write(`${names}  ${id}  ${toNumber(size)} bytes, ${layers}\n`);
      } else if (process.stderr.isTTY && options.quiet !== true && progress.layerCount) {
        const layer = `layer ${progress.layerNumber}/${progress.layerCount}`;
        const share = `${toNumber(progress.blobBytes)}/${toNumber(progress.blobTotal)} bytes`;
        process.stderr.write(`\r\u001B[K${layer}: ${share}`);
      }
    }
  } finally {
    if (process.stderr.isTTY && options.quiet !== true) {
      process.stderr.write('\r\u001B[K');
    }
    if (spooled !== undefined) {
      await rm(spooled, { force: true });
    }
  }
}

async function spool(stateDir: string): Promise<string> {
  const directory = join(stateDir, 'ingest');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `stdin-${process.pid}-${Date.now()}.tar`);
  try {
    await pipeline(process.stdin, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return path;
}
