// The files every container of a pod gets bind-mounted: /etc/resolv.conf, /etc/hostname, /etc/hosts.
// Containers may write to them as much as they like, so they are on the disk that holds the writable
// layers and not in the run directory's memory.
import { chmod, chown, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../core/error.ts';

/** Absolute paths of a pod's files. */
export interface PodFilePaths {
  readonly directory: string;
  readonly resolvConf: string;
  readonly hostname: string;
  readonly hosts: string;
}

/** Contents; where one is undefined the host's own file is copied. */
export interface PodFileTexts {
  readonly resolvConf: string | undefined;
  readonly hostname: string;
  readonly hosts: string | undefined;
}

/** Where the files of a pod are. */
export function podFilePaths(stateDir: string, sandboxId: string): PodFilePaths {
  const directory = join(stateDir, 'pods', sandboxId);
  return {
    directory,
    resolvConf: join(directory, 'resolv.conf'),
    hostname: join(directory, 'hostname'),
    hosts: join(directory, 'hosts'),
  };
}

/**
 * Writes the files, readable for every user of the pod and owned by its root. Throws as fileError does.
 */
export async function writePodFiles(
  paths: PodFilePaths,
  texts: PodFileTexts,
  owner: { readonly uid: number; readonly gid: number } = { uid: 0, gid: 0 },
): Promise<void> {
  try {
    await writeFiles(paths, texts, owner);
  } catch (error) {
    throw fileError(`write the pod's files in "${paths.directory}"`, error);
  }
}

async function writeFiles(
  paths: PodFilePaths,
  texts: PodFileTexts,
  owner: { readonly uid: number; readonly gid: number },
): Promise<void> {
  await mkdir(paths.directory, { recursive: true, mode: 0o700 });
  const files = [
    [paths.resolvConf, texts.resolvConf, '/etc/resolv.conf'],
    [paths.hosts, texts.hosts, '/etc/hosts'],
    [paths.hostname, texts.hostname, ''],
  ] as const;
  await Promise.all(
    files.map(async ([path, text, source]) => {
      await writeOrCopy(path, text, source);
      if (owner.uid !== 0 || owner.gid !== 0) {
        await chown(path, owner.uid, owner.gid);
      }
    }),
  );
}

async function writeOrCopy(path: string, text: string | undefined, source: string): Promise<void> {
  if (text === undefined) {
    await copyFile(source, path).catch((error: NodeJS.ErrnoException) => {
      // A host without the file has nothing to pass on.
      if (error.code !== 'ENOENT') {
        throw error;
      }
      return writeFile(path, '');
    });
  } else {
    await writeFile(path, text);
  }
  // Neither our umask nor the mode of the host's file decides who may read it in the pod.
  await chmod(path, 0o644);
}

/** Removes the files of a pod; none there is fine. */
export async function removePodFiles(paths: PodFilePaths): Promise<void> {
  await rm(paths.directory, { recursive: true, force: true });
}
