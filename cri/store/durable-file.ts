// Files that must survive a power cut: written beside, synced, renamed, and the directory synced.
import { mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError } from '../core/error.ts';

const unfinishedSuffix = '.new';

/** Removes what a crash in the middle of `writeDurably` has left in a directory. */
export async function removeUnfinished(directory: string): Promise<void> {
  const isUnfinished = (name: string): boolean =>
    name.startsWith('.') && name.endsWith(unfinishedSuffix);
  for (const name of (await readdir(directory)).filter(isUnfinished)) {
    await rm(join(directory, name), { force: true });
  }
}

/**
 * Replaces `path` with `data` so that after a crash either the old or the new content is there,
 * whole. When this resolves the new content survives a power cut. Mode 0600; the directory must
 * exist. Throws as fileError does; the old content is then untouched.
 */
export async function writeDurably(path: string, data: string | Uint8Array): Promise<void> {
  const directory = dirname(path);
  const temporary = join(directory, `.${basename(path)}${unfinishedSuffix}`);
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw fileError(`write "${path}"`, error);
  }
  await syncDirectory(directory);
}

/** Removes `path` durably; a missing file is fine. Throws as fileError does. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw fileError(`remove "${path}"`, error);
    }
    return;
  }
  await syncDirectory(dirname(path));
}

/** Makes the directory's entries durable. */
async function syncDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(`sync "${directory}"`, error);
  }
}

/** Makes a directory and its parents, private to root. */
export async function makePrivateDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
}
