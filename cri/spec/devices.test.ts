import { describe, expect, it } from 'vitest';

import { containerDevices, devicePathsToStat } from './devices.ts';
import type { DeviceNode } from './input.ts';
import { refusalOf, sampleContainer } from './sample-input.ts';

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
    const { devices, rules } = containerDevices(asked, found);
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
    const made = containerDevices(container, new Map([['/dev', [node]]]));
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
    const refusal = refusalOf(() => containerDevices(sampleContainer({ devices: [one] }), found));
    expect(refusal.code).toBe('InvalidArgument');
    expect(refusal.message).toContain(why);
  });
});

describe('devicePathsToStat', () => {
  it('lists each path once, and /dev for privileged containers', () => {
    expect(devicePathsToStat(sampleContainer({ devices: [device, device] }))).toEqual([
      '/dev/fuse',
    ]);
    expect(devicePathsToStat(sampleContainer({}, { privileged: true }))).toEqual(['/dev']);
  });
});
