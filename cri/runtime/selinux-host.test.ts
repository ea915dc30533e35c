import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleHost } from '../spec/sample-input.ts';
import type { HostFacts } from './host-facts.ts';
import { HostSelinux, readSelinux } from './selinux-host.ts';

// A plain file takes every label; that the kernel does not is tested in hack/vm's variant selinux.
describe('readSelinux', () => {
  let root: string;
  const contexts = [
    '# containers',
    'process = "system_u:system_r:container_t:s0"',
    'content = "system_u:object_r:virt_var_lib_t:s0"',
    'file = "system_u:object_r:container_file_t:s0"',
    'ro_file = "system_u:object_r:container_ro_file_t:s0"',
  ];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'selinux-'));
    await mkdir(join(root, 'kernel'));
    await mkdir(join(root, 'etc/targeted/contexts'), { recursive: true });
    await write('kernel/enforce', '1');
    await write('kernel/mls', '1');
    await write('kernel/context', '');
    await write('etc/config', '# SELINUXTYPE=old\nSELINUX=enforcing\nSELINUXTYPE = targeted\n');
    await write('etc/targeted/contexts/lxc_contexts', `${contexts.join('\n')}\n`);
  });

  afterEach(() => rm(root, { recursive: true }));

  const write = (path: string, text: string) => writeFile(join(root, path), text);
  const read = () => readSelinux({ kernel: join(root, 'kernel'), policies: join(root, 'etc') });

  it('takes the labels from the contexts file of the policy', async () => {
    expect(await read()).toEqual({
      enforcing: true,
      process: { user: 'system_u', role: 'system_r', type: 'container_t', level: 's0' },
      file: { user: 'system_u', role: 'object_r', type: 'container_file_t', level: 's0' },
      layer: { user: 'system_u', role: 'object_r', type: 'container_ro_file_t', level: 's0' },
      privilegedType: 'spc_t',
      mayRelabelItself: false,
      problem: '',
    });
    await write('kernel/enforce', '0');
    expect((await read()).enforcing).toBe(false);
  });

  it('labels layers as other files where the policy has nothing for them', async () => {
    const older = contexts.filter((line) => !line.startsWith('ro_file'));
    await write('etc/targeted/contexts/lxc_contexts', older.join('\n'));
    expect((await read()).layer.type).toBe('container_file_t');
  });

  it.each([
    ['kernel/mls', '0', 'has no levels'],
    ['etc/config', 'SELINUX=enforcing', 'names no SELINUXTYPE'],
    ['etc/config', 'SELINUXTYPE=../../x', 'names no SELINUXTYPE'],
    ['etc/config', 'SELINUXTYPE=..', 'names no SELINUXTYPE'],
    ['etc/config', 'SELINUXTYPE=other', 'other/contexts/lxc_contexts'],
    ['etc/targeted/contexts/lxc_contexts', 'process = "a:b:c:s0"', 'no label for "file"'],
    ['etc/targeted/contexts/lxc_contexts', 'process = "a:b"', 'no label for "process"'],
  ])('says what is wrong with %s = %j', async (path, text, why) => {
    await write(path, text);
    expect((await read()).problem).toContain(why);
  });

  it('is asked again, a minute later, while it cannot be used', async () => {
    await write('etc/config', '');
    const told: unknown[] = [];
    const log = {
      info: () => told.push('usable'),
      warn: (facts: { reason: string }) => told.push(facts.reason),
    };
    let nowMs = 0;
    const at = { kernel: join(root, 'kernel'), policies: join(root, 'etc') };
    const selinux = new HostSelinux(at, log as never, () => nowMs);
    const apparmor = { problem: 'not loaded' };
    const spec = {
      ...sampleHost,
      get apparmorDefaultProblem() {
        return apparmor.problem;
      },
    };
    const host = selinux.factsWith({ hostname: 'h', spec } as unknown as HostFacts);
    let uses = 0;
    selinux.onceItCanBeUsed(async () => {
      uses += 1;
      expect(host.spec.selinux?.problem).toBe('');
    });
    await selinux.refresh();
    expect(host.spec.selinux?.problem).toContain('names no SELINUXTYPE');
    await write('etc/config', 'SELINUXTYPE=targeted');
    nowMs = 59_999;
    await selinux.refresh();
    expect(host.spec.selinux?.problem).not.toBe('');
    nowMs = 60_000;
    await selinux.refresh();
    await selinux.refresh();
    expect(host.spec.selinux).toMatchObject({ problem: '', process: { type: 'container_t' } });
    expect([uses, told]).toEqual([1, [expect.stringContaining('SELINUXTYPE'), 'usable']]);
    apparmor.problem = '';
    expect(host.spec.apparmorDefaultProblem).toBe('');
  });

  it('says so when the kernel cannot be asked', async () => {
    await rm(join(root, 'kernel/context'));
    expect((await read()).problem).toContain('context');
  });
});
