// What stands at the host paths of a container's devices. Device paths are the host's own /dev, not a
// volume; one that hangs all the same costs the call no more than its deadline.
import type { Stats } from 'node:fs';
import { lstat, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Deadline, settledOrAborted } from '../core/deadline.ts';
import { CriError, errnoCode, fileError } from '../core/error.ts';
import type { DeviceNode } from '../spec/input.ts';
import { quote } from '../spec/refusal.ts';

const deadlineMs = 10_000;
const mostEntries = 16_384;
/** What every container has of its own; the last is the host's terminal. */
const ownNames: ReadonlySet<string> = new Set(['pts', 'shm', 'mqueue', 'fd', 'console']);

interface Search {
  readonly root: string;
  readonly nodes: DeviceNode[];
  readonly limit: number;
  looked: number;
}

/**
 * The nodes at `hostPath` (a node itself, or every node below a directory); [] when there is none.
 * Throws NotFound for a path that is not there, ResourceExhausted for a directory of more than `limit`
 * entries, DeadlineExceeded when the host does not answer, and as fileError why it cannot be looked at.
 */
export async function deviceNodesAt(
  hostPath: string,
  limit: number = mostEntries,
): Promise<DeviceNode[]> {
  const what = `look at device ${quote(hostPath)}`;
  const search = { root: hostPath, nodes: [], limit, looked: 0 };
  using deadline = new Deadline(what, deadlineMs);
  await settledOrAborted(collect(search, ''), what, deadline.signal);
  return search.nodes;
}

async function collect(search: Search, below: string): Promise<void> {
  const path = join(search.root, below);
  // The name that was asked for may be a link; those found below would lead into our own process
  // (/dev/fd, /dev/stdin) or name a node twice.
  const info = below === '' ? await statOf(path) : await lstat(path).catch(() => undefined);
  if (info === undefined) {
    return; // unplugged while we look
  }
  if (info.isDirectory()) {
    for (const name of await namesIn(search, path)) {
      await collect(search, `${below}/${name}`);
    }
    return;
  }
  if (info.isCharacterDevice() || info.isBlockDevice()) {
    search.nodes.push({
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

async function statOf(hostPath: string): Promise<Stats> {
  const what = `use device ${quote(hostPath)}`;
  try {
    return await stat(hostPath);
  } catch (cause) {
    throw errnoCode(cause) === 'ENOENT'
      ? new CriError('NotFound', `cannot ${what}: no such file or directory`, { cause })
      : fileError(what, cause);
  }
}

async function namesIn(search: Search, path: string): Promise<string[]> {
  const names: string[] = [];
  const directory = await opendir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return [];
    }
    throw error;
  });
  for await (const { name } of directory) {
    search.looked += 1;
    if (search.looked > search.limit) {
      const why = `it has more than ${search.limit} entries`;
      throw new CriError('ResourceExhausted', `cannot use device ${quote(search.root)}: ${why}`);
    }
    if (!ownNames.has(name)) {
      names.push(name);
    }
  }
  return names.toSorted();
}
