// The options as rows of the reference page, read from the schema.
import * as v from 'valibot';
import { fileEntries } from './schema.ts';
import type { Entries } from './schema.ts';

/** What the reference page says about one option. */
export interface OptionRow {
  /** Dotted path as it stands in the file, e.g. `cni.conf_dirs`. */
  readonly path: string;
  readonly description: string;
  readonly type: string;
  /** The default, written as TOML. */
  readonly default: string;
  /** "" where the value has no unit. */
  readonly unit: string;
}

/** Every option in file order, for the reference page. */
export function optionRows(): OptionRow[] {
  return rowsBelow(fileEntries, '');
}

function rowsBelow(entries: Entries, prefix: string): OptionRow[] {
  return Object.entries(entries).flatMap(([key, entry]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const inner = entry.wrapped;
    if (isTable(inner)) {
      return rowsBelow(inner.entries, path);
    }
    return [rowOf(path, inner, entry.default)];
  });
}

// A table may stand in a pipe (rlimit_nofile), which keeps the entries of its first schema.
function isTable(schema: v.GenericSchema): schema is v.GenericSchema & { entries: Entries } {
  return schema.type === 'strict_object';
}

function rowOf(path: string, schema: v.GenericSchema, fallback: unknown): OptionRow {
  const { type, unit } = v.getMetadata(schema);
  return {
    path,
    description: v.getDescription(schema) ?? '',
    type: String(type),
    default: JSON.stringify(fallback),
    unit: String(unit),
  };
}
