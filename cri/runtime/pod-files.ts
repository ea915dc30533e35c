// The files every container of a pod gets bind-mounted: /etc/resolv.conf, /etc/hostname, /etc/hosts.
// They live beside the pod's directory, which is the monitor's own.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

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
export function podFilePaths(runDir: string, sandboxId: string): PodFilePaths {
  const directory = join(runDir, 'pods', `${sandboxId}.files`);
  return {
    directory,
    resolvConf: join(directory, 'resolv.conf'),
    hostname: join(directory, 'hostname'),
    hosts: join(directory, 'hosts'),
  };
}

/** Writes the files, readable for every user of the pod. */
export async function writePodFiles(paths: PodFilePaths, texts: PodFileTexts): Promise<void> {
  // 0755 although the parent is private: containers reach the files by their own mounts only.
  await mkdir(paths.directory, { recursive: true, mode: 0o755 });
  await Promise.all([
    writeOrCopy(paths.resolvConf, texts.resolvConf, '/etc/resolv.conf'),
    writeOrCopy(paths.hosts, texts.hosts, '/etc/hosts'),
    writeOrCopy(paths.hostname, texts.hostname, ''),
  ]);
}

async function writeOrCopy(path: string, text: string | undefined, source: string): Promise<void> {
  if (text !== undefined) {
    await writeFile(path, text, { mode: 0o644 });
    return;
  }
  await copyFile(source, path).catch((error: NodeJS.ErrnoException) => {
    // A host without the file has nothing to pass on.
    if (error.code !== 'ENOENT') {
      throw error;
    }
    return writeFile(path, '', { mode: 0o644 });
  });
}

/** Removes the files of a pod; none there is fine. */
export async function removePodFiles(paths: PodFilePaths): Promise<void> {
  await rm(paths.directory, { recursive: true, force: true });
}
