// The reference page of the configuration file, written from the schema so that it cannot lag.
import { defaultConfigPath } from './config.ts';
import { optionRows } from './option-rows.ts';
import type { OptionRow } from './option-rows.ts';

/** Returns the reference page as Markdown; ends with a newline. */
export function renderReference(): string {
  const rows = optionRows();
  return [
    '# Configuration',
    '',
    '<!-- Written from cri/config/schema.ts; change it there. -->',
    '',
    `\`estiba serve\` reads \`${defaultConfigPath}\` (TOML). Without that file every option has its`,
    'default. An unknown key is an error. It is read once, at the start: a change needs a restart, which',
    'no pod notices. A pipe (`--config <(…)`) is refused: it has to be a file.',
    '',
    '| option | type | default | unit | meaning |',
    '|---|---|---|---|---|',
    ...rows.map(renderRow),
    '',
    '## The defaults as a file',
    '',
    '```toml',
    ...renderDefaults(rows),
    '```',
    '',
  ].join('\n');
}

/** The defaults as TOML lines: top-level keys first, then one table after the other. */
export function renderDefaults(rows: readonly OptionRow[]): string[] {
  // Tables that the operator names have none; an empty one could not be added to.
  const valued = rows.filter(({ type }) => type !== 'tables');
  const tables = Map.groupBy(valued, (row) =>
    row.path.slice(0, Math.max(0, row.path.lastIndexOf('.'))),
  );
  const lines: string[] = [];
  for (const [table, options] of tables) {
    if (table !== '') {
      lines.push('', `[${table}]`);
    }
    for (const option of options) {
      lines.push(`${option.path.slice(option.path.lastIndexOf('.') + 1)} = ${option.default}`);
    }
  }
  return lines;
}

function renderRow(row: OptionRow): string {
  const cells = [`\`${row.path}\``, row.type, `\`${row.default}\``, row.unit, row.description];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
