import { parse } from 'yaml';
import { describeError } from '../core/error.ts';

/** The value of a text, or why it has none. */
export type YamlAnswer = { readonly value: unknown } | { readonly problem: string };

/**
 * Reads a YAML document. Version 1.1, as Go reads it: 0660 is octal. Few aliases are enough for what a
 * person writes.
 */
export function parseYamlText(text: string): YamlAnswer {
  try {
    return { value: parse(text, { version: '1.1', maxAliasCount: 100 }) as unknown };
  } catch (error) {
    return { problem: describeError(error) };
  }
}
