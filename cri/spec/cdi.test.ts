import { describe, expect, it } from 'vitest';
import { buildSpec } from './build-spec.ts';
import { parseCdiDocument } from './cdi-document.ts';
import { applyCdi, cdiDevices, cdiEdits, cdiPathsToStat, type CdiFiles } from './cdi.ts';
import { refusalOf, sampleContainer, sampleInput, sampleSandbox } from './sample-input.ts';

const device = (name: string, containerEdits: object = {}) => ({ name, containerEdits });
const content = (change: object = {}) => ({
  cdiVersion: '0.6.0',
  kind: 'vendor.com/gpu',
  devices: [device('0')],
  ...change,
});

/** Files in two directories; the numbers say in which. */
function known(...files: readonly (readonly [directory: number, change: object])[]): CdiFiles {
  return {
    directories: ['/etc/cdi', '/var/run/cdi'],
    files: files.map(([directory, change], index) => ({
      path: `/cdi/${index}.json`,
      directory,
      document: parseCdiDocument(content(change)),
    })),
    problems: [],
  };
}

const edited = (containerEdits: object, container = sampleContainer(), nodes = new Map()) => {
  const edits = cdiEdits(
    ['vendor.com/gpu=0'],
    known([0, { devices: [device('0', containerEdits)] }]),
  );
  const requested = { sandbox: sampleSandbox, container };
  return applyCdi(buildSpec(sampleInput({ requested })), edits, nodes);
};

describe('the devices that a container asks for', () => {
  it('are those of the field, then those of annotations, each once', () => {
    const config = sampleContainer({
      CDIDevices: [{ name: 'v.com/a=1' }, { name: 'v.com/a=2' }],
      annotations: { 'cdi.k8s.io/x_y': 'v.com/a=2,v.com/b=all', 'other/x': 'v.com/a=9' },
    });
    expect(cdiDevices(config)).toEqual(['v.com/a=1', 'v.com/a=2', 'v.com/b=all']);
    expect(cdiDevices(sampleContainer())).toEqual([]);
  });

  it('have a vendor, a class and a name', () => {
    for (const name of ['', 'gpu', 'v.com/a', 'v.com=1', '/a=1', 'v.com/a=', 'v/a/b=1', 'v/a=-1']) {
      const config = sampleContainer({ CDIDevices: [{ name }] });
      expect(refusalOf(() => cdiDevices(config)).message).toContain('is not named vendor/class');
    }
  });
});

describe('the edits of devices', () => {
  it('begin with those of the whole file, once', () => {
    const files = known([
      0,
      {
        containerEdits: { env: ['ALL=1'] },
        devices: [device('0', { env: ['A=1'] }), device('1', { env: ['B=1'] })],
      },
    ]);
    const names = ['vendor.com/gpu=1', 'vendor.com/gpu=0'];
    expect(cdiEdits(names, files).flatMap(({ env }) => env)).toEqual(['ALL=1', 'B=1', 'A=1']);
  });

  it('are those of the last directory that has the device', () => {
    const files = known(
      [1, { devices: [device('0', { env: ['D=run'] })] }],
      [0, { devices: [device('0', { env: ['D=etc'] }), device('1', { env: ['O=etc'] })] }],
    );
    const names = ['vendor.com/gpu=0', 'vendor.com/gpu=1'];
    expect(cdiEdits(names, files).flatMap(({ env }) => env)).toEqual(['D=run', 'O=etc']);
  });

  it('are not to be had when two files of one directory have the device', () => {
    const why = refusalOf(() => cdiEdits(['vendor.com/gpu=0'], known([1, {}], [1, {}], [0, {}])));
    expect(why.code).toBe('FailedPrecondition');
    expect(why.message).toContain('"/cdi/0.json" and "/cdi/1.json" both have it');
  });

  it('are not to be had for a device that is not there, which tells what could not be read', () => {
    const files = { ...known([0, {}]), problems: ['"/etc/cdi/x.yaml": field "kind": wrong'] };
    const { message } = refusalOf(() => cdiEdits(['vendor.com/gpu=7'], files));
    expect(message).toContain('no file in "/etc/cdi", "/var/run/cdi" has it');
    expect(message).toContain('unusable: "/etc/cdi/x.yaml": field "kind": wrong');
  });

  it('are refused by name where we cannot make them', () => {
    for (const [edits, what] of [
      [{ intelRdt: { closID: 'x' } }, 'Intel RDT'],
      [{ netDevices: [{ hostInterfaceName: 'eth1', name: 'eth0' }] }, 'network devices'],
    ] as const) {
      const files = known([0, { devices: [device('0', edits)] }]);
      const why = refusalOf(() => cdiEdits(['vendor.com/gpu=0'], files));
      expect(why.code).toBe('Unimplemented');
      expect(why.message).toContain(what);
    }
  });
});

describe('a spec with edits', () => {
  it('is the same without any', () => {
    const result = buildSpec(sampleInput());
    expect(applyCdi(result, [], new Map())).toBe(result);
  });

  it('has their variables in place of others of the same name', () => {
    const container = sampleContainer({ envs: [{ key: 'GPU', value: Buffer.from('none') }] });
    const { env } = edited({ env: ['GPU=0', 'MORE=a=b'] }, container).spec.process;
    expect(env.filter((entry) => entry.startsWith('GPU='))).toEqual(['GPU=0']);
    expect(env).toContain('MORE=a=b');
  });

  it('has their nodes, allowed, with what the host says where they leave it out', () => {
    const found = {
      below: '',
      type: 'b',
      major: 8,
      minor: 1,
      mode: 0o640,
      uid: 5,
      gid: 6,
    } as const;
    const deviceNodes = [
      { path: '/dev/gpu0', type: 'c', major: 195, minor: 0, permissions: 'rw', fileMode: 0o600 },
      { path: '/dev/disk', hostPath: '/dev/sda1', gid: 9 },
    ];
    const files = known([0, { devices: [device('0', { deviceNodes })] }]);
    expect(cdiPathsToStat(cdiEdits(['vendor.com/gpu=0'], files))).toEqual(['/dev/sda1']);
    const { linux } = edited({ deviceNodes }, undefined, new Map([['/dev/sda1', [found]]])).spec;
    const gpu = { path: '/dev/gpu0', type: 'c', major: 195, minor: 0, fileMode: 0o600 };
    const disk = { path: '/dev/disk', type: 'b', major: 8, minor: 1, fileMode: 0o640 };
    expect(linux.devices).toEqual([
      { ...gpu, uid: 0, gid: 0, uidOfUser: true, gidOfUser: true },
      { ...disk, uid: 5, gid: 9, uidOfUser: true },
    ]);
    expect(linux.resources.devices.slice(-2)).toEqual([
      { allow: true, access: 'rw', type: 'c', major: 195, minor: 0 },
      { allow: true, access: 'rwm', type: 'b', major: 8, minor: 1 },
    ]);
  });

  it('gives the nodes to the user of the container, whose number the helper finds out', () => {
    const deviceNodes = [
      { path: '/dev/gpu0', type: 'c', major: 195, minor: 0 },
      { path: '/dev/gpu1', type: 'c', major: 195, minor: 1, uid: 7, gid: 8 },
    ];
    const { devices } = edited({ deviceNodes }).spec.linux;
    expect(devices).toMatchObject([
      { uidOfUser: true, gidOfUser: true },
      { uid: 7, gid: 8 },
    ]);
    expect(devices[1]).not.toHaveProperty('uidOfUser');
  });

  it('is refused when a node is not there or of another type', () => {
    const missing = { deviceNodes: [{ path: '/dev/none' }] };
    expect(refusalOf(() => edited(missing)).message).toBe(
      'cannot make node "/dev/none" of CDI device "vendor.com/gpu=0": there is no device "/dev/none"',
    );
    const block = { deviceNodes: [{ path: '/dev/x', type: 'b' }] };
    const character = { below: '', type: 'c', major: 1, minor: 3, mode: 0, uid: 0, gid: 0 };
    const nodes = new Map([['/dev/x', [character]]]);
    expect(refusalOf(() => edited(block, undefined, nodes)).message).toContain('not of type "b"');
    const pipe = { deviceNodes: [{ path: '/dev/x', type: 'p' }] };
    expect(refusalOf(() => edited(pipe)).code).toBe('Unimplemented');
  });

  it('has their mounts before those below them and in place of those at the same path', () => {
    const container = sampleContainer({
      mounts: [
        { containerPath: '/opt/x/y', hostPath: '/h' },
        { containerPath: '/lib/gpu', hostPath: '/h' },
      ],
    });
    const { mounts } = edited(
      {
        mounts: [
          { hostPath: '/drv', containerPath: '/opt/x/', options: ['ro', 'bind'] },
          { hostPath: '/lib', containerPath: '/lib/gpu', options: ['ro'] },
          { hostPath: 'none', containerPath: '/scratch', type: 'tmpfs', options: ['size=1m'] },
        ],
      },
      container,
    ).spec;
    const at = (path: string) => mounts.findIndex(({ destination }) => destination === path);
    expect(mounts[at('/opt/x')]).toMatchObject({ source: '/drv', options: ['ro', 'bind'] });
    expect(at('/opt/x')).toBeLessThan(at('/opt/x/y'));
    expect(mounts.filter(({ destination }) => destination === '/lib/gpu')).toEqual([
      { destination: '/lib/gpu', type: 'bind', source: '/lib', options: ['rbind', 'ro'] },
    ]);
    expect(mounts[at('/scratch')]).toMatchObject({ type: 'tmpfs', options: ['size=1m'] });
  });

  it('refuses mounts that are none', () => {
    const mounting = (change: object) =>
      refusalOf(() => edited({ mounts: [{ hostPath: '/h', containerPath: '/c', ...change }] }));
    expect(mounting({ containerPath: '/..' }).message).toContain('it is the root');
    expect(mounting({ hostPath: 'h' }).message).toContain('not absolute');
    expect(mounting({ type: 'nfs' }).code).toBe('Unimplemented');
  });

  it('has their hooks by kind, those of the whole file first, each with its device', () => {
    const hook = (hookName: string, path: string) => ({ hookName, path, args: [path, 'x'] });
    const files = known([
      0,
      {
        containerEdits: { hooks: [{ ...hook('createContainer', '/all'), timeout: 5 }] },
        devices: [
          device('0', { hooks: [hook('createContainer', '/0'), hook('poststop', '/end')] }),
          device('1', { hooks: [{ ...hook('createContainer', '/1'), env: ['A=b'] }] }),
        ],
      },
    ]);
    const edits = cdiEdits(['vendor.com/gpu=0', 'vendor.com/gpu=1'], files);
    const { hooks } = applyCdi(buildSpec(sampleInput()), edits, new Map()).spec;
    const made = (path: string, number: number, change: object = {}) => ({
      path,
      args: [path, 'x'],
      env: [],
      estibaDevice: `vendor.com/gpu=${number}`,
      ...change,
    });
    expect(hooks).toEqual({
      createContainer: [
        made('/all', 0, { timeout: 5 }),
        made('/0', 0),
        made('/1', 1, { env: ['A=b'] }),
      ],
      poststop: [made('/end', 0)],
    });
    expect(edited({ env: ['A=1'] }).spec).not.toHaveProperty('hooks');
  });

  it('has their groups, root’s not', () => {
    expect(edited({ additionalGids: [44, 0, 44] }).user.supplementalGids).toEqual([44]);
  });
});

describe('a CDI file', () => {
  it('is refused with the first field that is wrong', () => {
    for (const [change, why] of [
      [{ cdiVersion: '2.0.0' }, /"cdiVersion": is not a version/u],
      [{ kind: 'gpu' }, /"kind": is not vendor\/class/u],
      [{ devices: [device('a b')] }, /"devices.0.name"/u],
      [{ devices: [device('a'), device('a')] }, /two devices "a"/u],
      [
        { devices: [device('a', { env: ['NAME'] })] },
        /"devices.0.containerEdits.env.0": is not NAME/u,
      ],
      [
        { devices: [device('a', { mounts: [{ hostPath: '/h', containerPath: 'c' }] })] },
        /absolute/u,
      ],
      [{ devices: [device('a', { deviceNodes: [{ path: '/d', permissions: 'x' }] })] }, /r, w, m/u],
      [
        { devices: [device('a', { hooks: [{ hookName: 'later', path: '/h' }] })] },
        /"devices.0.containerEdits.hooks.0.hookName"/u,
      ],
      [{ containerEdits: { hooks: [{ hookName: 'poststop', path: 'h' }] } }, /absolute/u],
      [
        { containerEdits: { hooks: [{ hookName: 'poststop', path: '/h', timeout: 0 }] } },
        /timeout/u,
      ],
      [{ futureField: 1 }, /"futureField"/u],
      [{ containerEdits: { futureEdit: [] } }, /"containerEdits.futureEdit"/u],
    ] as const) {
      expect(() => parseCdiDocument(content(change))).toThrow(why);
    }
    expect(() => parseCdiDocument(null)).toThrow(/Expected Object/u);
  });
});
