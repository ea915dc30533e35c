/** Fields of CRI's configurations that are maps: their keys are names of the user's, not fields. */
const mapFields: ReadonlySet<string> = new Set(['labels', 'annotations', 'sysctls', 'unified']);

/**
 * Returns where two configurations first differ, in the first one's order of fields: a path in CRI's
 * own names ("linux.cgroup_parent", "mounts[2].host_path", `labels["app"]`); undefined when they are
 * equal. The order of map entries does not count, nor does an absent field that the other has unset.
 * Values are never part of the path: they may be secret.
 */
export function firstDifference(left: unknown, right: unknown): string | undefined {
  const path = differenceBelow(left, right, '', false);
  return path === undefined ? undefined : path.replace(/^\./, '');
}

function differenceBelow(
  left: unknown,
  right: unknown,
  path: string,
  isMap: boolean,
): string | undefined {
  const [a, b] = [left ?? undefined, right ?? undefined];
  if (Object.is(a, b)) {
    return undefined;
  }
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return sameBytes(a, b) ? undefined : path;
  }
  if (isLong(a) && isLong(b)) {
    return a.low === b.low && a.high === b.high ? undefined : path;
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return listDifference(a, b, path);
  }
  if (isFields(a) && isFields(b)) {
    return fieldsDifference(a, b, path, isMap);
  }
  return path;
}

function listDifference(
  left: readonly unknown[],
  right: readonly unknown[],
  path: string,
): string | undefined {
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const below = `${path}[${index}]`;
    const isLonger = index >= left.length || index >= right.length;
    const difference = isLonger ? below : differenceBelow(left[index], right[index], below, false);
    if (difference !== undefined) {
      return difference;
    }
  }
  return undefined;
}

function fieldsDifference(
  left: Fields,
  right: Fields,
  path: string,
  isMap: boolean,
): string | undefined {
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const name of names) {
    const below = isMap ? `${path}[${JSON.stringify(name)}]` : `${path}.${snakeCase(name)}`;
    const inMap = !isMap && mapFields.has(name);
    const difference = differenceBelow(
      valueOf(left, name, isMap),
      valueOf(right, name, isMap),
      below,
      inMap,
    );
    if (difference !== undefined) {
      return difference;
    }
  }
  return undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** A message's unset fields stand on its prototype; a map has only its own. */
function valueOf(fields: Fields, name: string, isMap: boolean): unknown {
  return !isMap || Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isLong(value: unknown): value is { readonly low: number; readonly high: number } {
  return isFields(value) && typeof value['low'] === 'number' && typeof value['high'] === 'number';
}

function sameBytes(left: unknown, right: unknown): boolean {
  return (
    left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0
  );
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
