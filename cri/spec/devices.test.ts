import { describe, expect, it } from 'vitest';

import { containerDevices, devicePathsToStat } from './devices.ts';
import type { DeviceNode } from './input.ts';
import { refusalOf, sampleContainer, sampleSandbox } from './sample-input.ts';

const fuse: DeviceNode = {
  below: '',
  type: 'c',
  major: 10,
  minor: 229,
  mode: 0o666,
  uid: 0,
  gid: 0,
};
const found = new Map([['/dev/fuse', [fuse]]]);
const device = { hostPath: '/dev/fuse', containerPath: '/dev/f', permissions: 'rw' };
const asked = sampleContainer({ devices: [device] });

describe('containerDevices', () => {
  it('denies everything first, then allows the standard nodes and what is asked', () => {
    const { devices, rules } = containerDevices(sampleSandbox, asked, found);
    expect(devices).toEqual([
      { path: '/dev/f', type: 'c', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 },
    ]);
    expect(rules[0]).toEqual({ allow: false, access: 'rwm' });
    expect(rules.slice(1).every((rule) => rule.allow)).toBe(true);
    expect(rules.at(-1)).toEqual({ allow: true, access: 'rw', type: 'c', major: 10, minor: 229 });
  });

  it('gives a privileged container every node and no rule', () => {
    const container = sampleContainer({}, { privileged: true });
    const node = { ...fuse, below: '/fuse' };
    const made = containerDevices(sampleSandbox, container, new Map([['/dev', [node]]]));
    expect(made.devices.map((one) => one.path)).toEqual(['/dev/fuse']);
    expect(made.rules).toEqual([{ allow: true, access: 'rwm' }]);
  });

  it.each([
    [{ ...device, permissions: 'rx' }, 'permissions "rx"'],
    [{ ...device, permissions: 'rr' }, 'permissions "rr"'],
    [{ ...device, hostPath: '/dev/none' }, 'neither a device node nor a directory'],
    [{ ...device, containerPath: 'f' }, 'not an absolute path'],
    [{ ...device, containerPath: '/..' }, 'below the root'],
  ])('refuses %j', (one, why) => {
    const refusal = refusalOf(() =>
      containerDevices(sampleSandbox, sampleContainer({ devices: [one] }), found),
    );
    expect(refusal.code).toBe('InvalidArgument');
    expect(refusal.message).toContain(why);
  });

  it('gives a privileged container of a user namespace what it names and no more', () => {
    const range = [{ hostId: 100_000, containerId: 0, length: 65_536 }];
    const usernsOptions = { uids: range, gids: range };
    const sandbox = {
      ...sampleSandbox,
      linux: { securityContext: { privileged: true, namespaceOptions: { usernsOptions } } },
    };
    const container = sampleContainer({ devices: [device] }, { privileged: true });
    container.linux = { securityContext: { privileged: true } };
    expect(devicePathsToStat(sandbox, container)).toEqual(['/dev/fuse']);
    const made = containerDevices(sandbox, container, found);
    expect(made.devices.map(({ path }) => path)).not.toContain('/dev/sda');
    expect(made.rules).not.toContainEqual({ allow: true, access: 'rwm' });
  });
});

describe('devicePathsToStat', () => {
  it.each([
    ['dev/fuse', 'host_path is not an absolute path'],
    ['', 'host_path is not an absolute path'],
    ['/dev/fu\0se', 'holds a NUL byte'],
  ])('refuses %j', (hostPath, why) => {
    const config = sampleContainer({ devices: [{ ...device, hostPath }] });
    const refusal = refusalOf(() => devicePathsToStat(sampleSandbox, config));
    expect(refusal.code).toBe('InvalidArgument');
    expect(refusal.message).toContain(why);
  });

  it('lists each path once, and /dev for privileged containers', () => {
    expect(
      devicePathsToStat(sampleSandbox, sampleContainer({ devices: [device, device] })),
    ).toEqual(['/dev/fuse']);
    expect(devicePathsToStat(sampleSandbox, sampleContainer({}, { privileged: true }))).toEqual([
      '/dev',
    ]);
  });
});
