// Medians, ratios with their spread, and tables of them.

/** The value below which `share` of the sorted values are. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
  return sorted[at] ?? Number.NaN;
}

/** The middle one. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Rival's time over ours, pair by pair: median and the range that holds eight of ten pairs. */
export function ratio(ours: readonly number[], rival: readonly number[]): string {
  const ratios = ours.map((value, index) => (rival[index] ?? Number.NaN) / value);
  const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => quantile(ratios, share).toFixed(1));
  return `${middle} (${low} – ${high})`;
}

/** What `more` is above `less`, pair by pair in ms: median and the range that holds eight of ten pairs. */
export function difference(less: readonly number[], more: readonly number[]): string {
  const found = less.map((value, index) => (more[index] ?? Number.NaN) - value);
  const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => quantile(found, share).toFixed(2));
  return `${middle} (${low} – ${high})`;
}

/** A table as Markdown has it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Milliseconds with a sensible number of digits. */
export const ms = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
