// libcni's result cache (/var/lib/cni/results), written for other tools that look there (cnitool,
// CNI GC of other runtimes). Never read by us: the journal is the only proof of ownership. Losing a
// file here harms nothing, so nothing is synced and failures are only reported.
import { mkdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attachment } from './journal.ts';

/** Writes the cache file of an attachment that ADD has completed. */
export async function writeCache(directory: string, entry: Attachment): Promise<void> {
  const path = cachePath(directory, entry);
  await mkdir(join(directory, 'results'), { recursive: true, mode: 0o700 });
  const cached = {
    kind: 'cniCacheV1',
    containerId: entry.sandboxId,
    config: Buffer.from(JSON.stringify(entry.conflist)).toString('base64'),
    ifName: entry.interfaceName,
    networkName: entry.conflist.name,
    netns: entry.netnsPath,
    cniArgs: entry.args
      .split(';')
      .filter((pair) => pair.includes('='))
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    capabilityArgs: entry.capabilities,
    result: entry.result,
  };
  await writeFile(path, JSON.stringify(cached), { mode: 0o600 });
}

/** Removes the cache file; a missing one is fine. */
export async function removeCache(directory: string, entry: Attachment): Promise<void> {
  await unlink(cachePath(directory, entry)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') {
      throw error;
    }
  });
}

function cachePath(directory: string, entry: Attachment): string {
  const name = `${entry.conflist.name}-${entry.sandboxId}-${entry.interfaceName}`;
  return join(directory, 'results', name);
}
