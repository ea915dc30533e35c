// A launcher for unit tests: checks digests and asks for what the real one asks for, but writes one
// marker file instead of the layer's tree.
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { CriError } from '../core/error.ts';
import type { Unpacked, UnpackRequest } from '../isolator/launcher-messages.ts';
import type { LayerLauncher } from './layer-launcher.ts';

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function inflate(blob: Buffer): Buffer {
  if (blob[0] === 0x1f && blob[1] === 0x8b) {
    return gunzipSync(blob);
  }
  return blob.readUInt32LE(0) === 0xfd2fb528 ? zstdDecompressSync(blob) : blob;
}

async function lengthOf(
  growth: AsyncIterable<number>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => undefined);
  const giveUp = (): void =>
    reject(new CriError('Canceled', 'cannot unpack layer: the caller gave up'));
  signal?.addEventListener('abort', giveUp, { once: true });
  const wait = async (): Promise<number> => {
    let length = 0;
    for await (length of growth);
    return length;
  };
  return await Promise.race([wait(), aborted]);
}

function requireDigest(expected: string | undefined, actual: string): void {
  if (expected !== undefined && expected !== '' && expected !== actual) {
    throw new CriError('InvalidArgument', `cannot unpack layer: digest ${actual}, not ${expected}`);
  }
}

const stopped: Unpacked = {
  digest: '',
  diffId: '',
  blobBytes: 0,
  unpackedBytes: 0,
  inodes: 0,
  isSelfContained: false,
  notSelfContainedBecause: 'entry "tmp/implied" needs it',
  isIncomplete: false,
  isStopped: true,
};

/**
 * Records every job; `needParents` lists diff ids of layers that are not self-contained,
 * `needFiles` those of layers with hard links to files below.
 */
export class FakeLauncher implements LayerLauncher {
  readonly unpacks: UnpackRequest[] = [];
  readonly removed: string[] = [];
  readonly needParents: Set<string> = new Set();
  readonly needFiles: Set<string> = new Set();
  /** Awaited before a job is done. */
  gate: Promise<void> = Promise.resolve();
  failure: CriError | undefined;
  /** With `failure`: also leaves what an unpacker has made when it and the launcher are killed. */
  diesAtWork = false;

  /** Unpacks of layers, without the ones that only sync. */
  get layerUnpacks(): UnpackRequest[] {
    return this.unpacks.filter((request) => request.expectedDiffId !== undefined);
  }

  async unpack(
    request: UnpackRequest,
    options: { readonly growth?: AsyncIterable<number>; readonly signal?: AbortSignal } = {},
  ): Promise<Unpacked> {
    this.unpacks.push(request);
    if (request.stopUnlessSelfContained === true && this.#needsBelow(request)) {
      return stopped;
    }
    const grown = options.growth && (await lengthOf(options.growth, options.signal));
    await this.gate;
    if (options.signal?.aborted === true) {
      throw new CriError('Canceled', 'cannot unpack layer: the caller gave up');
    }
    if (this.failure !== undefined) {
      if (this.diesAtWork) {
        await mkdir(request.targetDir);
        await mkdir(`${request.targetDir}.work`);
      }
      throw this.failure;
    }
    await Promise.all((request.parentDirs ?? []).map((path) => access(path)));
    const file = await readFile(request.sourcePath);
    const start = request.offset ?? 0;
    const blob = file.subarray(start, start + (grown ?? request.length ?? file.length));
    const digest = sha256(blob);
    requireDigest(request.expectedDigest, digest);
    const diffId = sha256(inflate(blob));
    requireDigest(request.expectedDiffId, diffId);
    await mkdir(request.targetDir);
    if (request.expectedDiffId !== undefined) {
      await writeFile(join(request.targetDir, 'marker'), diffId); // what only syncs is an empty tar
    }
    const isAlone = (request.parentDirs ?? []).length === 0;
    const isIncomplete = isAlone && this.needFiles.has(diffId);
    const isSelfContained = isAlone && !isIncomplete && !this.needParents.has(diffId);
    return {
      digest,
      diffId,
      blobBytes: blob.length,
      unpackedBytes: 8192,
      inodes: 2,
      isSelfContained,
      notSelfContainedBecause: isSelfContained ? '' : 'entry "tmp/implied" needs it',
      isIncomplete,
      isStopped: false,
    };
  }

  #needsBelow({ expectedDiffId = '' }: UnpackRequest): boolean {
    return this.needParents.has(expectedDiffId) || this.needFiles.has(expectedDiffId);
  }

  async removeTrees(paths: readonly string[]): Promise<void> {
    this.removed.push(...paths);
    await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true })));
  }
}
