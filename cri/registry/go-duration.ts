const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads a duration as Go writes it ("1m30s", "500ms"); undefined for anything else. */
export function parseGoDuration(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/gu)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) {
    return undefined;
  }
  let total = 0;
  for (const [, count = '', unit = ''] of parts) {
    total += Number(count) * (unitMs[unit] ?? 0);
  }
  return total;
}
