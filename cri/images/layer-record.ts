// The record of one stored layer, `<stateDir>/layers/<short name>.json` beside its tree.
import { readFile, readdir, rename, mkdir, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CriError, describeError } from '../core/error.ts';

/**
 * A layer is stored under its diff id when its tar is self-contained, so that any image can use it;
 * else it was unpacked against the layers below and is stored under its chain id, for images with
 * exactly these layers below.
 */
export type LayerKind = 'diff' | 'chain';

/** Which layer of the store: ids are "sha256:<hex>". */
export interface LayerName {
  readonly kind: LayerKind;
  readonly id: string;
}

export interface LayerRecord extends LayerName {
  readonly version: 1;
  readonly diffId: string;
  /** Chain id of the layers below, for kind chain; "" for the bottom layer and for kind diff. */
  readonly parentChain: string;
  /** What the tree occupies on disk. */
  readonly bytes: number;
  readonly inodes: number;
  /** Name of the tree's directory; short because overlay's options must fit a page. */
  readonly shortName: string;
}

/** A record that could not be used, moved aside. */
export interface Quarantined {
  /** Where it is now; its old place when it could not be moved. */
  readonly path: string;
  readonly reason: string;
}

const sha256 = v.pipe(v.string(), v.regex(/^sha256:[a-f0-9]{64}$/));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const recordSchema = v.object({
  version: v.literal(1),
  kind: v.picklist(['diff', 'chain']),
  id: sha256,
  diffId: sha256,
  parentChain: v.union([v.literal(''), sha256]),
  bytes: count,
  inodes: count,
  shortName: v.pipe(v.string(), v.regex(/^[dc][a-f0-9]{12,24}$/)),
});

const suffix = '.json';

async function readLayerRecord(layersDir: string, fileName: string): Promise<LayerRecord> {
  const record = parseRecord(recordSchema, await readFile(join(layersDir, fileName), 'utf8'));
  if (`${record.shortName}${suffix}` !== fileName) {
    throw new CriError('Internal', `it names the tree "${record.shortName}"`);
  }
  const tree = await lstat(join(layersDir, record.shortName)).catch(() => undefined);
  if (tree?.isDirectory() !== true) {
    throw new CriError('Internal', `its tree "${record.shortName}" is missing`);
  }
  return record;
}

/** Parses a record's JSON; the error says which field is wrong. */
export function parseRecord<T>(schema: v.GenericSchema<unknown, T>, json: string): T {
  const result = v.safeParse(schema, JSON.parse(json));
  if (result.success) {
    return result.output;
  }
  const [issue] = result.issues;
  throw new CriError('Internal', `field "${v.getDotPath(issue) ?? ''}": ${issue.message}`);
}

/**
 * Reads every `*.json` in `directory` with `read`, each alone. What cannot be read moves to
 * `quarantineDir` and is reported; it never keeps the others from loading.
 */
export async function loadRecords<T>(
  directory: string,
  quarantineDir: string,
  read: (fileName: string) => Promise<T>,
): Promise<{ records: T[]; quarantined: Quarantined[] }> {
  const records: T[] = [];
  const quarantined: Quarantined[] = [];
  const names = await readdir(directory);
  for (const name of names.filter((each) => each.endsWith(suffix) && !each.startsWith('.'))) {
    try {
      records.push(await read(name));
    } catch (error) {
      quarantined.push(await quarantine(join(directory, name), quarantineDir, error));
    }
  }
  return { records, quarantined };
}

/** Moves a record aside and says why. */
export async function quarantine(
  path: string,
  quarantineDir: string,
  error: unknown,
): Promise<Quarantined> {
  const reason = `cannot load record "${path}": ${describeError(error)}`;
  const target = join(quarantineDir, `${Date.now()}-${path.slice(path.lastIndexOf('/') + 1)}`);
  try {
    await mkdir(quarantineDir, { recursive: true, mode: 0o700 });
    await rename(path, target);
    return { path: target, reason };
  } catch {
    return { path, reason };
  }
}

/** Loads the layer records of `layersDir`. */
export async function loadLayerRecords(
  layersDir: string,
  quarantineDir: string,
): Promise<{ records: LayerRecord[]; quarantined: Quarantined[] }> {
  return await loadRecords(layersDir, quarantineDir, (name) => readLayerRecord(layersDir, name));
}
