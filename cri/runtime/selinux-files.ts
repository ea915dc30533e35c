// SELinux labels of files of our own, which containers are made from, and which files keep theirs.
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { LabelTree } from '../isolator/launcher-messages.ts';
import { formatContext, type SelinuxFacts } from '../spec/selinux.ts';

/** Where the kubelet keeps everything, volumes of pods among it. */
const kubeletDir = '/var/lib/kubelet';

/** Directories that no volume may relabel, nor what holds them. */
export function sparedDirs({
  stateDir,
  runDir,
  netnsDir,
}: Pick<Config, 'stateDir' | 'runDir' | 'netnsDir'>): string[] {
  return [stateDir, runDir, netnsDir, kubeletDir];
}

/** The label of layers; "" where containers have none. */
export function layerLabel(selinux: SelinuxFacts | undefined): string {
  return selinux === undefined || selinux.problem !== '' ? '' : formatContext(selinux.layer);
}

/**
 * What has to have a label before containers are made: layers, those included that were unpacked
 * without one, and the directories that new files get theirs from. Nothing where containers have none.
 */
export function ownLabels(
  stateDir: string,
  layerPaths: readonly string[],
  selinux: SelinuxFacts | undefined,
): LabelTree[] {
  const label = layerLabel(selinux);
  if (label === '' || selinux === undefined) {
    return [];
  }
  const layers = join(stateDir, 'layers');
  const containers = join(stateDir, 'containers');
  return [
    { path: containers, label: formatContext(selinux.file), isShallow: true },
    { path: layers, label, isShallow: true },
    { path: join(layers, '.staging'), label, isShallow: true },
    ...layerPaths.map((path) => ({ path, label, isShallow: false })),
  ];
}
