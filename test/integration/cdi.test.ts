// Devices by the Container Device Interface, and device directories: nodes, rules, mounts, variables.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { toLong } from '../../proto/long.ts';
import { containerConfig, eventually, exec } from '../lib/pods.ts';
import { base, mapped } from '../lib/userns.ts';

const run = promisify(execFile);
let ground: Fixture;
let scratch: string;
let etc: string;
let later: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'estiba-cdi-'));
  [etc, later] = [join(scratch, 'etc'), join(scratch, 'run')];
  await mkdir(etc);
  ground = await Fixture.start({ config: { cdi: [`spec_dirs = ["${etc}", "${later}"]`] } });
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
  await rm(scratch, { recursive: true });
});

const write = (directory: string, name: string, change: object) =>
  writeFile(
    join(directory, name),
    JSON.stringify({ cdiVersion: '0.6.0', kind: 'test.estiba/dev', devices: [], ...change }),
  );

const asking = (...names: string[]) => ({ CDIDevices: names.map((name) => ({ name })) });

describe('a CDI device', () => {
  it('brings its nodes, mounts, variables and groups, by field and by annotation', async () => {
    await writeFile(join(scratch, 'library'), 'of the driver\n');
    await write(etc, 'dev.json', {
      containerEdits: { env: ['DRIVER=1'] },
      devices: [
        {
          name: 'full',
          containerEdits: {
            env: ['DEVICE=full'],
            deviceNodes: [
              { path: '/dev/cdi/full', hostPath: '/dev/full', permissions: 'rw' },
              { path: '/dev/cdi/zero', type: 'c', major: 1, minor: 5, fileMode: 0o444, gid: 7 },
            ],
            mounts: [
              {
                hostPath: join(scratch, 'library'),
                containerPath: '/usr/lib/driver/library',
                options: ['ro', 'nosuid', 'bind'],
              },
            ],
            additionalGids: [4242],
          },
        },
      ],
    });
    const script = [
      'echo $DRIVER $DEVICE; cat /usr/lib/driver/library; echo x >/dev/cdi/full',
      'head -c 2 /dev/cdi/zero | wc -c; stat -c "%a %g" /dev/cdi/zero; id -G',
      'echo x >/usr/lib/driver/library',
    ].join('\n');
    for (const change of [
      asking('test.estiba/dev=full'),
      { annotations: { 'cdi.k8s.io/test': 'test.estiba/dev=full' } },
    ]) {
      const found = await ground.outcome(containerConfig(script, change));
      expect(found.stdout).toBe('1 full\nof the driver\n2\n444 7\n0 4242\n');
      expect(found.stderr).toMatch(/No space left.*Read-only file system/su);
    }
  });

  it('belongs to the user of the container, by number or name, unless it says whose it is', async () => {
    const zero = { type: 'c', major: 1, minor: 5, fileMode: 0o600 };
    const deviceNodes = [
      { path: '/dev/cdi/mine', ...zero },
      { path: '/dev/cdi/theirs', ...zero, uid: 7, gid: 8 },
    ];
    await write(etc, 'owned.json', {
      devices: [{ name: 'owned', containerEdits: { deviceNodes } }],
    });
    const script =
      'id -u; stat -c "%u:%g" /dev/cdi/mine /dev/cdi/theirs; head -c 1 /dev/cdi/mine | wc -c';
    for (const [security, expected] of [
      [{ runAsUsername: 'nobody' }, '65534\n65534:65534\n7:8\n1\n'],
      [{ runAsUser: { value: toLong(33) } }, '33\n33:33\n7:8\n1\n'],
      [{}, '0\n0:0\n7:8\n1\n'],
    ] as const) {
      const config = withSecurity(script, security, asking('test.estiba/dev=owned'));
      expect(await ground.outcome(config)).toMatchObject({ stderr: '', stdout: expected });
    }
  });

  it('comes from a YAML file of hundreds of devices, too', async () => {
    const devices = Array.from(
      { length: 500 },
      (_, number) => `- name: d${number}\n  containerEdits:\n    env: [ "NUMBER=${number}" ]\n`,
    );
    const head = 'cdiVersion: 0.6.0\nkind: test.estiba/many\ndevices:\n';
    await writeFile(join(etc, 'many.yaml'), `${head}${devices.join('')}`);
    const config = containerConfig('echo $NUMBER', asking('test.estiba/many=d499'));
    expect((await ground.outcome(config)).stdout).toBe('499\n');
  });

  it('is found anew when files change, the later directory first, without a restart', async () => {
    const env = (value: string) => ({
      devices: [{ name: 'moving', containerEdits: { env: [`FROM=${value}`] } }],
    });
    const config = () => containerConfig('echo $FROM', asking('test.estiba/dev=moving'));
    await expect(ground.create(config())).rejects.toThrow(
      /FAILED_PRECONDITION: .*"test\.estiba\/dev=moving": no file in/u,
    );
    await write(etc, 'moving.json', env('etc'));
    expect((await ground.outcome(config())).stdout).toBe('etc\n');
    await mkdir(later);
    await write(later, 'moving.json', env('run'));
    expect((await ground.outcome(config())).stdout).toBe('run\n');
    await write(later, 'again.json', env('run'));
    await expect(ground.create(config())).rejects.toThrow(/again\.json" and .*moving\.json" both/u);
    await rm(later, { recursive: true });
    expect((await ground.outcome(config())).stdout).toBe('etc\n');
  });

  it('is refused where it wants what we cannot do, and nothing is left', async () => {
    await write(etc, 'rdt.json', {
      devices: [{ name: 'rdt', containerEdits: { intelRdt: { closID: 'x' } } }],
    });
    const config = containerConfig('true', asking('test.estiba/dev=rdt'));
    await expect(ground.create(config)).rejects.toThrow(/UNIMPLEMENTED: .*Intel RDT/u);
    await expect(ground.create(containerConfig('true', asking('nonsense')))).rejects.toThrow(
      /INVALID_ARGUMENT: .*"nonsense".*vendor\/class=device/u,
    );
    const { containers } = await ground.server.client.runtime.listContainers({});
    expect(containers?.map(({ metadata }) => metadata?.name)).not.toContain(config.metadata?.name);
  });
});

describe('hooks of a CDI device', () => {
  const hook = (hookName: string, script: string, change: object = {}) => ({
    hookName,
    path: '/bin/sh',
    args: ['sh', '-c', script, 'hook', hookName],
    env: [`DIR=${scratch}`],
    ...change,
  });
  const device = (name: string, hooks: readonly object[]) =>
    write(etc, `${name}.json`, { devices: [{ name, containerEdits: { hooks } }] });
  const written = (name: string) => readFile(join(scratch, name), 'utf8');
  const kinds = ['prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'];

  it('run at their moments, see the container’s root and are told its state', async () => {
    const root = `root=$(sed 's/.*"root":{"path":"\\([^"]*\\)".*/\\1/' $bundle/config.json)`;
    const script = [
      'state=$(cat); echo "$state" >$DIR/$1; echo $1 >>$DIR/order',
      `bundle=$(echo "$state" | sed 's/.*"bundle":"\\([^"]*\\)".*/\\1/'); ${root}`,
      'if test $1 = createContainer; then',
      '  test $(pwd) = $root && cat /proc/self/cgroup >$DIR/cgroup && echo found >$root/found',
      'fi',
    ].join('\n');
    await device('hooked', [
      ...kinds.map((kind) => hook(kind, script)),
      { hookName: 'startContainer', path: '/bin/sh', args: ['sh', '-c', 'cat >/started'] },
    ]);
    const config = containerConfig(
      'cat /found; cat /started; cat /proc/mounts; echo end; exec sleep 1000',
      {
        ...asking('test.estiba/dev=hooked'),
        logPath: 'hooked.log',
      },
    );
    for (const pod of [ground, await ground.another(mapped(base))]) {
      const containerId = await pod.run(config);
      // The start is answered when these hooks are through; they end with a container that ends before.
      expect(JSON.parse(await written('poststart'))).toMatchObject({ status: 'running' });
      await eventually(async () => {
        const { status } = await pod.server.client.runtime.containerStatus({ containerId });
        expect(await readFile(status?.logPath ?? '', 'utf8')).toContain(' end\n');
      });
      await pod.server.client.runtime.stopContainer({ containerId, timeout: toLong(0) });
      const found = await pod.ended(containerId);
      expect(found.stderr).toBe('');
      expect(found.stdout).toMatch(/^found\n\{.*"status":"created","pid":1,.*\}/u);
      // Nothing of the host is left in the container.
      expect(found.stdout).not.toContain(scratch);
      const id = found.status.id ?? '';
      expect(JSON.parse(await written('createContainer'))).toMatchObject({ id, pid: 1 });
      expect(JSON.parse(await written('poststart'))).toMatchObject({ id, status: 'running' });
      await ground.server.client.runtime.removeContainer({ containerId: id });
      expect(JSON.parse(await written('poststop'))).toMatchObject({
        id,
        status: 'stopped',
        pid: 0,
      });
      expect(await written('order')).toBe(kinds.map((kind) => `${kind}\n`).join(''));
      await rm(join(scratch, 'order'));
    }
  });

  it('that fail or take too long fail the create, which tells device, hook and why', async () => {
    const config = () => containerConfig('true', asking('test.estiba/dev=failing'));
    const poststop = hook('poststop', 'echo over >$DIR/over');
    for (const [failing, why] of [
      [hook('createRuntime', 'echo no card >&2; exit 3'), /ended with exit status 3; .*no card/u],
      [hook('createContainer', 'sleep 100', { timeout: 1 }), /its time of 1 s is over/u],
      [hook('createContainer', '', { path: '/no/such/hook' }), /cannot be run: no such file/u],
    ] as const) {
      await device('failing', [failing, poststop]);
      const failure = ground.create(config());
      await expect(failure).rejects.toThrow(why);
      await expect(failure).rejects.toThrow(
        new RegExp(`${failing.hookName} hook .* of device \\\\*"test.estiba/dev=failing`, 'u'),
      );
      await expect.poll(() => written('over'), { timeout: 30_000 }).toBe('over\n');
      await rm(join(scratch, 'over'));
    }
    const start = { hookName: 'startContainer', path: '/bin/false' };
    await device('failing', [start]);
    await expect(ground.run(config())).rejects.toThrow(/startContainer hook .*exit status 1/u);
  });
});

describe('a device', () => {
  it('may be a directory of nodes or a link, each allowed as asked', async () => {
    const nodes = join(scratch, 'nodes');
    await mkdir(join(nodes, 'below'), { recursive: true });
    await run('mknod', [join(nodes, 'full'), 'c', '1', '7']);
    await run('mknod', [join(nodes, 'below', 'kmsg'), 'c', '1', '11']);
    await run('ln', ['-s', join(nodes, 'below', 'kmsg'), join(scratch, 'link')]);
    const devices = [
      { hostPath: nodes, containerPath: '/dev/nodes', permissions: 'rwm' },
      { hostPath: join(scratch, 'link'), containerPath: '/dev/linked', permissions: 'r' },
    ];
    const id = await ground.run(withSecurity(['sleep', '1000'], {}, { devices }));
    const script = [
      'stat -c "%t:%T %n" /dev/nodes/full /dev/nodes/below/kmsg /dev/linked',
      'echo x >/dev/nodes/full',
      'echo >/dev/nodes/below/kmsg && echo written',
    ].join('\n');
    const found = await exec(ground.server, id, script);
    expect(found.stdout).toBe(
      '1:7 /dev/nodes/full\n1:b /dev/nodes/below/kmsg\n1:b /dev/linked\nwritten\n',
    );
    expect(found.stderr).toContain('No space left');
  });

  it('that was not asked for cannot be opened, and one for writing cannot be read', async () => {
    const devices = [{ hostPath: '/dev/kmsg', containerPath: '/dev/log', permissions: 'w' }];
    const change = { capabilities: { addCapabilities: ['MKNOD'] } };
    const id = await ground.run(withSecurity(['sleep', '1000'], change, { devices }));
    const script = [
      'echo >/dev/log && echo written; head -c 1 /dev/log',
      'mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem',
    ].join('\n');
    const found = await exec(ground.server, id, script);
    expect(found.stdout).toBe('written\n');
    expect(found.stderr.match(/Operation not permitted/gu)).toHaveLength(2);
  });

  it('belongs to whom it does on the host', async () => {
    const path = join(scratch, 'owned');
    await run('mknod', ['-m', '640', path, 'c', '1', '5']);
    await run('chown', ['33:44', path]);
    const devices = [{ hostPath: path, containerPath: '/dev/owned', permissions: 'r' }];
    const user = { runAsUser: { value: toLong(33) } };
    const script = 'stat -c "%u:%g %a" /dev/owned; head -c 1 /dev/owned | wc -c';
    const found = await ground.outcome(withSecurity(script, user, { devices }));
    expect(found).toMatchObject({ stderr: '', stdout: '33:44 640\n1\n' });
  });
});
