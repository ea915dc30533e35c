// The files every container of a pod gets bind-mounted: /etc/resolv.conf, /etc/hostname, /etc/hosts.
// They live beside the pod's directory, which is the monitor's own.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxId } from '../core/ids.ts';

/** Absolute paths of a pod's files. */
export interface PodFilePaths {
  readonly directory: string;
  readonly resolvConf: string;
  readonly hostname: string;
  readonly hosts: string;
}

/** Contents; `resolvConf` undefined copies the host's. */
export interface PodFileTexts {
  readonly resolvConf: string | undefined;
  readonly hostname: string;
  readonly hosts: string;
}

/** Where the files of a pod are. */
export function podFilePaths(runDir: string, sandboxId: SandboxId): PodFilePaths {
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
  const resolvConf =
    texts.resolvConf === undefined
      ? copyFile('/etc/resolv.conf', paths.resolvConf).catch(() => writeFile(paths.resolvConf, ''))
      : writeFile(paths.resolvConf, texts.resolvConf, { mode: 0o644 });
  await Promise.all([
    resolvConf,
    writeFile(paths.hostname, texts.hostname, { mode: 0o644 }),
    writeFile(paths.hosts, texts.hosts, { mode: 0o644 }),
  ]);
}

/** Removes the files of a pod; none there is fine. */
export async function removePodFiles(paths: PodFilePaths): Promise<void> {
  await rm(paths.directory, { recursive: true, force: true });
}
