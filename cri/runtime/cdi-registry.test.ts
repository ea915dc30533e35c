import { mkdir, mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readBoundedText } from '../core/bounded-file.ts';
import { CriError } from '../core/error.ts';
import { CdiRegistry } from './cdi-registry.ts';
import { parseYaml } from './yaml.ts';

vi.mock('../core/bounded-file.ts', { spy: true });
vi.mock('./yaml.ts', { spy: true });

let scratch: string;
let etc: string;
let run: string;
let registry: CdiRegistry;

const document = (name: string) => ({
  cdiVersion: '0.5.0',
  kind: 'vendor.com/gpu',
  devices: [{ name, containerEdits: {} }],
});

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'estiba-cdi-'));
  [etc, run] = [join(scratch, 'etc'), join(scratch, 'run')];
  await mkdir(etc);
  registry = new CdiRegistry([etc, run], new URL('yaml-thread.ts', import.meta.url));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(scratch, { recursive: true });
});

const names = async () =>
  (await registry.files()).files.map(
    ({ directory, document: { devices } }) => `${directory}:${devices[0]?.name}`,
  );

test('JSON and YAML files of all directories are read, others and missing directories passed over', async () => {
  await writeFile(join(etc, 'b.json'), JSON.stringify(document('json')));
  await writeFile(
    join(etc, 'a.yaml'),
    'cdiVersion: "0.5.0"\nkind: vendor.com/gpu\ndevices:\n- name: yaml\n  containerEdits: {}\n',
  );
  await writeFile(join(etc, 'c.txt'), 'no');
  expect(await names()).toEqual(['0:yaml', '0:json']);
  await mkdir(run);
  await writeFile(join(run, 'd.json'), JSON.stringify(document('later')));
  expect(await names()).toEqual(['0:yaml', '0:json', '1:later']);
  expect((await registry.files()).problems).toEqual([]);
});

test('a mode in YAML is octal, as Go reads it, and a class may have dots', async () => {
  const node = '{path: /dev/a, fileMode: 0660}';
  await writeFile(
    join(etc, 'a.yaml'),
    `cdiVersion: "0.5.0"\nkind: vendor.com/net.a\ndevices:\n- {name: x, containerEdits: {deviceNodes: [${node}]}}\n`,
  );
  const { files, problems } = await registry.files();
  expect(problems).toEqual([]);
  const [edits] = files[0]?.document.devices ?? [];
  expect(edits?.containerEdits.deviceNodes).toMatchObject([{ fileMode: 0o660 }]);
});

test('a file is read again when it has changed, and only then', async () => {
  const path = join(etc, 'a.json');
  await writeFile(path, JSON.stringify(document('one')));
  const [before] = (await registry.files()).files;
  const [same] = (await registry.files()).files;
  expect(same?.document).toBe(before?.document);
  await writeFile(path, JSON.stringify(document('two')));
  await utimes(path, 1, 1);
  expect(await names()).toEqual(['0:two']);
  await rm(path);
  expect(await names()).toEqual([]);
});

test('containers that come at the same time have a file read once', async () => {
  await writeFile(join(etc, 'a.json'), JSON.stringify(document('one')));
  const [first, second] = await Promise.all([registry.files(), registry.files()]);
  expect(first.files).toHaveLength(1);
  expect(second.files[0]?.document).toBe(first.files[0]?.document);
});

test('a file that cannot be used is told and harms no other', async () => {
  await writeFile(join(etc, 'broken.json'), '{');
  await writeFile(join(etc, 'large.yaml'), '');
  await truncate(join(etc, 'large.yaml'), 512 * 1024 + 1);
  await writeFile(join(etc, 'odd.json'), JSON.stringify({ ...document('x'), kind: 1 }));
  await mkdir(join(etc, 'directory.json'));
  await writeFile(join(etc, 'good.json'), JSON.stringify(document('good')));
  const { files, problems } = await registry.files();
  expect(files).toHaveLength(1);
  expect(problems).toHaveLength(4);
  expect(problems.join('\n')).toMatch(/odd\.json": field "kind"/u);
  expect(problems.join('\n')).toMatch(/large\.yaml": it has 524289 bytes, more than 524288/u);
});

test('a directory that cannot be read is told', async () => {
  await writeFile(run, 'a file');
  expect((await registry.files()).problems).toEqual([expect.stringContaining(`"${run}"`)]);
});

test('a file that could not be read once is read again, without a change of it', async () => {
  const path = join(etc, 'a.json');
  await writeFile(path, JSON.stringify(document('one')));
  const full = Object.assign(new Error('EMFILE: too many open files'), {
    code: 'EMFILE',
    errno: -24,
  });
  vi.mocked(readBoundedText).mockRejectedValueOnce(full);
  expect((await registry.files()).problems).toEqual([`"${path}": EMFILE: too many open files`]);
  expect(await names()).toEqual(['0:one']);
});

const yaml = 'cdiVersion: "0.5.0"\nkind: vendor.com/gpu\ndevices: [{name: one, containerEdits: {}}]\n';
const coded = (code: string) => Object.assign(new Error(code), { code });

test.each([
  new Error('the thread that parses it ended'),
  coded('ERR_WORKER_INIT_FAILED'),
  coded('MODULE_NOT_FOUND'),
])('the thread that reads YAML may fail once without a change of the file: %s', async (error) => {
  const path = join(etc, 'a.yaml');
  await writeFile(path, yaml);
  vi.mocked(parseYaml).mockRejectedValueOnce(error);
  expect((await registry.files()).problems).toEqual([`"${path}": ${error.message}`]);
  expect(await names()).toEqual(['0:one']);
});

test.each([new CriError('DeadlineExceeded', 'too long'), coded('ERR_WORKER_OUT_OF_MEMORY')])(
  'what costs a thread its time or memory is tried again after a minute, or when it has changed: %s',
  async (error) => {
    const path = join(etc, 'a.yaml');
    await writeFile(path, yaml);
    const start = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(start);
    const failed = { files: [], problems: [`"${path}": ${error.message}`] };
    vi.mocked(parseYaml).mockClear().mockRejectedValue(error);
    expect(await registry.files()).toMatchObject(failed);
    clock.mockReturnValue(start + 59_999);
    expect(await registry.files()).toMatchObject(failed);
    expect(parseYaml).toHaveBeenCalledOnce();
    clock.mockReturnValue(start + 60_000);
    expect(await registry.files()).toMatchObject(failed);
    expect(parseYaml).toHaveBeenCalledTimes(2);
    await utimes(path, 1, 1);
    vi.mocked(parseYaml).mockRestore();
    expect(await names()).toEqual(['0:one']);
  },
);

test.each([yaml.replace('one', '{'), yaml.replace('gpu', '')])(
  'a file that says what cannot be used is read once: %s',
  async (text) => {
    await writeFile(join(etc, 'a.yaml'), text);
    vi.mocked(parseYaml).mockClear();
    expect((await registry.files()).problems).toHaveLength(1);
    expect((await registry.files()).problems).toHaveLength(1);
    expect(parseYaml).toHaveBeenCalledOnce();
  },
);
