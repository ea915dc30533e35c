// Left-overs that no record names: of crashes, of earlier boots, of removals that failed. Each is
// removed by itself, in the background, until that has worked.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../core/error.ts';
import { isId, type SandboxId } from '../core/ids.ts';
import type { Deps } from './deps.ts';
import { destroyPod } from './destroy-pod.ts';

/**
 * Begins to remove pods without a sandbox, their files, and writable layers without a container.
 * To be called before anything new can be made. Never throws.
 */
export async function sweep(deps: Deps): Promise<void> {
  const { runDir, stateDir } = deps.config;
  const isSandbox = (id: string): boolean => deps.store.sandboxes.get(id) !== undefined;
  const isContainer = (id: string): boolean => deps.store.containers.get(id) !== undefined;
  const ownerless = deps.store.containers.all().map(({ sandboxId }) => sandboxId);
  const pods = new Set([...(await namesIn(deps, join(runDir, 'pods'))), ...ownerless]);
  for (const id of [...pods].filter((name) => !isSandbox(name)).filter(isId)) {
    deps.log.warn({ sandboxId: id }, 'removing a pod that no record names');
    deps.jobs.start(`remove pod "${id}"`, (signal) => removePod(deps, id, signal));
  }
  const files = join(stateDir, 'pods');
  for (const id of (await namesIn(deps, files)).filter((name) => !isSandbox(name))) {
    const path = join(files, id);
    deps.jobs.start(`remove "${path}"`, () => rm(path, { recursive: true, force: true }));
  }
  const writable = join(stateDir, 'containers');
  for (const id of (await namesIn(deps, writable)).filter((name) => !isContainer(name))) {
    const path = join(writable, id);
    deps.jobs.start(`remove "${path}"`, (signal) => deps.launcher.removeTrees([path], signal));
  }
}

// Containers may be listed whose sandbox has lost its record: they end with the pod.
async function removePod(deps: Deps, id: SandboxId, signal: AbortSignal): Promise<void> {
  await destroyPod(deps, id, 'its sandbox has no record', signal);
  const podDir = deps.monitors.podDir(id);
  const netnsPath = join(deps.config.netnsDir, `estiba-${id}`);
  await deps.launcher.destroyPod({ podDir, netnsPath, removeDir: true }, signal);
}

async function namesIn(deps: Deps, directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      deps.log.error({ directory, reason: describeError(error) }, 'cannot look for left-overs');
    }
    return [];
  }
}
