// What the disk tells of a container beside its record, for when that is broken.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isId } from '../core/ids.ts';
import type { ContainerTrace } from '../store/salvage.ts';

/**
 * Looks for the container in the directories of all monitors: only the pod that has it can stop it.
 * Reads without yielding, as all of loading does; undefined when no monitor ever had it.
 */
export function containerTrace(runDir: string, containerId: string): ContainerTrace | undefined {
  const pods = join(runDir, 'pods');
  for (const sandboxId of names(pods).filter(isId)) {
    const containers = join(pods, sandboxId, 'containers');
    if (names(containers).includes(containerId)) {
      const specPath = join(containers, containerId, 'config.json');
      return { sandboxId, annotations: annotationsIn(specPath) };
    }
  }
  return undefined;
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // a directory that cannot be read tells nothing
  }
}

function annotationsIn(specPath: string): Readonly<Record<string, string>> {
  try {
    const spec = JSON.parse(readFileSync(specPath, 'utf8')) as { annotations?: object };
    const entries = Object.entries(spec.annotations ?? {});
    return Object.fromEntries(entries.filter(([, value]) => typeof value === 'string'));
  } catch {
    return {};
  }
}
