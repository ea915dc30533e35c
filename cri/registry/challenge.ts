/** One challenge of a WWW-Authenticate header: scheme and parameter names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/uy;
const quoted = /"((?:[^"\\]|\\.)*)"/uy;

/**
 * Parses WWW-Authenticate headers: several lines, several challenges in a line, quoted commas. What
 * cannot be read ends that line; what was read before it stays.
 */
export function parseChallenges(header: string | readonly string[] | undefined): Challenge[] {
  const lines = typeof header === 'string' ? [header] : (header ?? []);
  return lines.flatMap((line) => parseLine(line));
}

/** A place in a line. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  skip(pattern: RegExp): boolean {
    return this.take(pattern) !== undefined;
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    this.#at += match?.[0].length ?? 0;
    return match ?? undefined;
  }
}

const gap = /[\s,]*/uy;
const equals = /\s*=\s*/uy;
const space = /[ \t]+/uy;

function parseLine(line: string): Challenge[] {
  const scanner = new Scanner(line);
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (;;) {
    scanner.skip(gap);
    const name = scanner.take(token)?.[0].toLowerCase();
    if (name === undefined) {
      return challenges;
    }
    const current = challenges.at(-1);
    if (current === undefined || !scanner.skip(equals)) {
      challenges.push({ scheme: name, parameters: {} });
      scanner.skip(space);
      continue;
    }
    const text = scanner.take(quoted)?.[1]?.replaceAll(/\\(.)/gu, '$1');
    const value = text ?? scanner.take(token)?.[0];
    if (value === undefined) {
      return challenges;
    }
    current.parameters[name] ??= value;
  }
}
