import { describe, expect, it } from 'vitest';
import { parseYaml } from './yaml.ts';

const program = new URL('yaml-thread.ts', import.meta.url);
const keys = (count: number) =>
  Array.from({ length: count }, (_, key) => `k${key}: 0660\n`).join('');

describe('YAML', () => {
  it.each(['short', 'long'])('of a %s text has octal numbers, as Go reads them', async (length) => {
    const answer = await parseYaml(keys(length === 'long' ? 3000 : 1), program);
    expect(answer).toMatchObject({ value: { k0: 0o660 } });
  });

  it.each(['short', 'long'])('of a %s text says why it is none', async (length) => {
    const text = `${keys(length === 'long' ? 3000 : 1)}k0: again\n`;
    const problem = expect.stringMatching(/^Map keys must be unique/u) as unknown;
    expect(await parseYaml(text, program)).toEqual({ problem });
  });

  it('of a text that takes long holds up nobody, and is given up', async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 5);
    const parsed = parseYaml(keys(50_000), program, 500);
    await expect(parsed).rejects.toMatchObject({
      code: 'DeadlineExceeded',
      message: 'cannot parse 638890 characters of YAML: no answer within 500 ms',
    });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(20);
  });
});
