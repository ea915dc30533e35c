// What stands at the host paths of a container's devices. Device paths are the host's own /dev, not a
// volume: a stat here cannot hang on a pod's server.
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceNode } from '../spec/input.ts';

const maxNodes = 4096;
/** What every container has of its own; the last is the host's terminal. */
const ownNames: ReadonlySet<string> = new Set(['pts', 'shm', 'mqueue', 'fd', 'console']);

/** The nodes at `hostPath` (a node itself, or every node below a directory); [] when there is none. */
export async function deviceNodesAt(hostPath: string): Promise<DeviceNode[]> {
  const nodes: DeviceNode[] = [];
  await collect(hostPath, '', nodes);
  return nodes;
}

async function collect(root: string, below: string, nodes: DeviceNode[]): Promise<void> {
  const path = join(root, below);
  // The name that was asked for may be a link; those found below would lead into our own process
  // (/dev/fd, /dev/stdin) or name a node twice.
  const look = below === '' ? stat : lstat;
  const info = await look(path).catch(() => undefined);
  if (info === undefined || nodes.length >= maxNodes) {
    return;
  }
  if (info.isDirectory()) {
    for (const name of (await readdir(path)).toSorted()) {
      if (!ownNames.has(name)) {
        await collect(root, `${below}/${name}`, nodes);
      }
    }
    return;
  }
  if (info.isCharacterDevice() || info.isBlockDevice()) {
    nodes.push({
      below,
      type: info.isBlockDevice() ? 'b' : 'c',
      // The kernel's encoding of dev_t for user space: 12 bits major, 20 bits minor, interleaved.
      major: Number((BigInt(info.rdev) >> 8n) & 0xfffn),
      minor: Number((BigInt(info.rdev) & 0xffn) | ((BigInt(info.rdev) >> 12n) & 0xfff00n)),
      mode: info.mode & 0o7777,
      uid: info.uid,
      gid: info.gid,
    });
  }
}
