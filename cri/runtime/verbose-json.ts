// JSON for people and node tools: what `crictl inspect` prints.

/** As JSON.stringify; 64-bit numbers of messages as numbers, those that would round as text. */
export function verboseJson(value: object): string {
  return JSON.stringify(value, (_, part: unknown) => {
    const whole = isLong(part) ? part.toBigInt() : part;
    if (typeof whole !== 'bigint') {
      return whole;
    }
    return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole.toString();
  });
}

function isLong(part: unknown): part is { toBigInt(): bigint } {
  return typeof part === 'object' && part !== null && '__isLong__' in part && 'toBigInt' in part;
}
