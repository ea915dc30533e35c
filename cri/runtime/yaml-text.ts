import { parse } from 'yaml';

/**
 * The value of a YAML document. Version 1.1, as Go reads it: 0660 is octal. Few aliases are enough for
 * what a person writes. Throws Error with why.
 */
export function parseYamlText(text: string): unknown {
  return parse(text, { version: '1.1', maxAliasCount: 100 });
}
