import { describeError } from '../core/error.ts';
import type { FoundFile, RecordDirectory } from './record-directory.ts';
import type { BrokenRecord } from './salvage.ts';

/** A record that could not be read; its object is listed as not ready (unknown for a container). */
export interface QuarantinedRecord {
  readonly kind: 'sandbox' | 'container';
  readonly id: string;
  /** Where the file is now; "" when it could not be moved. */
  readonly path: string;
  readonly why: string;
}

interface StoredRecord {
  readonly id: string;
  readonly bootId: string;
  readonly createdAtNs: bigint;
}

export interface RecordsToLoad<R extends StoredRecord> {
  readonly kind: QuarantinedRecord['kind'];
  readonly directory: RecordDirectory;
  readonly bootId: string;
  readonly fromJson: (text: string) => R;
  readonly toJson: (record: R) => string;
  readonly salvage: (broken: BrokenRecord) => R;
}

export interface LoadedRecords<R> {
  /** Of this boot, oldest first, stand-ins of broken ones included. */
  readonly live: readonly R[];
  /** Of an earlier boot; their files are removed. */
  readonly gone: readonly R[];
  readonly quarantined: readonly QuarantinedRecord[];
}

/**
 * Reads all records of one kind, each alone. A broken one is moved aside and a stand-in takes its
 * place, on disk too. Throws only when the directory itself cannot be read.
 */
export async function loadRecords<R extends StoredRecord>(
  source: RecordsToLoad<R>,
): Promise<LoadedRecords<R>> {
  const live: R[] = [];
  const gone: R[] = [];
  const quarantined: QuarantinedRecord[] = [];
  for (const file of await source.directory.load()) {
    const { record, why } = readRecord(source, file);
    if (record.bootId !== source.bootId) {
      gone.push(record);
      continue;
    }
    live.push(record);
    if (why !== undefined) {
      quarantined.push(await replaceBroken(source, record, why));
    }
  }
  // A file that stays is found again at the next start, and is of an earlier boot then too.
  await Promise.allSettled(gone.map(({ id }) => source.directory.remove(id)));
  return { live: live.sort(byAge), gone: gone.sort(byAge), quarantined };
}

function readRecord<R extends StoredRecord>(
  { fromJson, salvage, bootId }: RecordsToLoad<R>,
  { id, text, changedAtMs, problem }: FoundFile,
): { record: R; why: string | undefined } {
  let why = problem;
  if (why === '') {
    try {
      const record = fromJson(text);
      if (record.id === id) {
        return { record, why: undefined };
      }
      why = `it is of "${record.id}"`;
    } catch (error) {
      why = describeError(error);
    }
  }
  const createdAtNs = BigInt(Math.trunc(changedAtMs)) * 1_000_000n;
  return { record: salvage({ id, text, why, bootId, createdAtNs }), why };
}

async function replaceBroken<R extends StoredRecord>(
  { kind, directory, toJson }: RecordsToLoad<R>,
  record: R,
  why: string,
): Promise<QuarantinedRecord> {
  const { id } = record;
  try {
    const path = await directory.quarantine(id);
    await directory.save(id, () => toJson(record));
    return { kind, id, path, why };
  } catch (error) {
    return { kind, id, path: '', why: `${why}; ${describeError(error)}` };
  }
}

function byAge(left: StoredRecord, right: StoredRecord): number {
  if (left.createdAtNs === right.createdAtNs) {
    return 0;
  }
  return left.createdAtNs < right.createdAtNs ? -1 : 1;
}
