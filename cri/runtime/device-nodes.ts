// What stands at the host paths of a container's devices. Device paths are the host's own /dev, not a
// volume; one that hangs all the same costs the call no more than its deadline.
import type { Dirent, Stats } from 'node:fs';
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

/** How far one search is. */
interface Search {
  readonly root: string;
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
  using deadline = new Deadline(what, deadlineMs);
  return await settledOrAborted(nodesAt(hostPath, limit), what, deadline.signal);
}

// The name that was asked for may be a link; those found below would lead into our own process
// (/dev/fd, /dev/stdin) or name a node twice.
async function nodesAt(root: string, limit: number): Promise<DeviceNode[]> {
  const info = await statOf(root);
  return info.isDirectory() ? await nodesIn({ root, limit, looked: 0 }, '') : nodeOf('', info);
}

async function nodesIn(search: Search, below: string): Promise<DeviceNode[]> {
  const found = await entriesIn(search, below);
  const nodes = found.map(async (entry) => {
    const path = `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      return await nodesIn(search, path);
    }
    const info = await lstat(join(search.root, path)).catch(() => undefined);
    return info === undefined ? [] : nodeOf(path, info); // unplugged while we look
  });
  return (await Promise.all(nodes)).flat();
}

function nodeOf(below: string, info: Stats): DeviceNode[] {
  if (!info.isCharacterDevice() && !info.isBlockDevice()) {
    return [];
  }
  return [
    {
      below,
      type: info.isBlockDevice() ? 'b' : 'c',
      // The kernel's encoding of dev_t for user space: 12 bits major, 20 bits minor, interleaved.
      major: Number((BigInt(info.rdev) >> 8n) & 0xfffn),
      minor: Number((BigInt(info.rdev) & 0xffn) | ((BigInt(info.rdev) >> 12n) & 0xfff00n)),
      mode: info.mode & 0o7777,
      uid: info.uid,
      gid: info.gid,
    },
  ];
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

/** Directories and device nodes, by name. */
async function entriesIn(search: Search, below: string): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  const directory = await opendir(join(search.root, below)).catch((error: unknown) => {
    if (errnoCode(error) === 'ENOENT') {
      return [];
    }
    throw fileError(`use device ${quote(search.root)}`, error);
  });
  for await (const entry of directory) {
    search.looked += 1;
    if (search.looked > search.limit) {
      const why = `it has more than ${search.limit} entries`;
      throw new CriError('ResourceExhausted', `cannot use device ${quote(search.root)}: ${why}`);
    }
    const isWanted = entry.isDirectory() || entry.isCharacterDevice() || entry.isBlockDevice();
    if (isWanted && !ownNames.has(entry.name)) {
      entries.push(entry);
    }
  }
  return entries.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}
