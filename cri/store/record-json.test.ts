import { expect, test } from 'vitest';
import { toLong, toNumber } from '../../proto/long.ts';
import type { ContainerRecord, SandboxRecord } from './record.ts';
import {
  containerFromJson,
  containerToJson,
  copyContainerConfig,
  copySandboxConfig,
  sandboxFromJson,
  sandboxToJson,
} from './record-json.ts';
import { sampleContainer, sampleId, sampleSandbox } from './record-samples.ts';

const sandbox: SandboxRecord = {
  ...sampleSandbox(1),
  config: copySandboxConfig(sampleSandbox(1).config),
  bootId: 'boot',
  createdAtNs: 9_223_372_036_854_775_807n,
  state: 'notReady',
  reason: 'monitor died',
  ips: ['10.0.0.2', 'fd00::2'],
  podStarted: {
    monitorPid: 10,
    monitorStartTimeTicks: 20,
    ipcPath: '/proc/10/fd/3',
    utsPath: '/proc/10/fd/4',
    pidPath: '',
    shmPath: '/proc/10/fd/5',
    netnsInode: 4026531840,
    initPid: 0,
    userPath: '/proc/10/fd/6',
  },
  attachment: { interfaces: ['eth0'], mtu: 1500, ipv6: null },
  resources: { overhead: undefined, resources: undefined },
};

const container: ContainerRecord = {
  ...sampleContainer(2, 1),
  config: copyContainerConfig(sampleContainer(2, 1).config),
  bootId: 'boot',
  state: 'exited',
  startedAtNs: 1_700_000_000_123_456_789n,
  finishedAtNs: 1_700_000_001_123_456_789n,
  exitCode: 137,
  reason: 'OOMKilled',
  message: '',
  pid: 0,
  user: { uid: 1000, gid: 1000, additionalGids: [5, 6] },
  mounts: [{ containerPath: '/data', hostPath: '/srv', readonly: true }],
  resources: { linux: { oomScoreAdj: toLong(-5) } },
  oomKills: 3,
};

test('a sandbox comes back as it was', () => {
  expect(sandboxFromJson(sandboxToJson(sandbox))).toEqual(sandbox);
  const bare = { ...sandbox, podStarted: undefined, attachment: undefined };
  expect(sandboxFromJson(sandboxToJson(bare))).toEqual(bare);
});

test('what the kubelet told of the pod as a whole comes back, from older records too', () => {
  const resources = { overhead: undefined, resources: { cpuShares: toLong(77) } };
  const back = sandboxFromJson(sandboxToJson({ ...sandbox, resources }));
  expect(toNumber(back.resources.resources?.cpuShares)).toBe(77);
  expect(back.resources.overhead).toBeUndefined();
  const config = copySandboxConfig({
    ...sampleSandbox(1).config,
    linux: { overhead: { cpuShares: toLong(5) } },
  });
  const { resources: _, ...older }: Record<string, unknown> = JSON.parse(
    sandboxToJson({ ...sandbox, config }),
  );
  const told = sandboxFromJson(JSON.stringify(older)).resources;
  expect(toNumber(told.overhead?.cpuShares)).toBe(5);
});

test('a container comes back as it was, bytes and nanoseconds included', () => {
  const back = containerFromJson(containerToJson(container));
  expect({ ...back, mounts: [], resources: undefined }).toEqual({
    ...container,
    mounts: [],
    resources: undefined,
  });
  expect(back.mounts[0]).toMatchObject({
    containerPath: '/data',
    hostPath: '/srv',
    readonly: true,
  });
  expect(toNumber(back.resources?.linux?.oomScoreAdj)).toBe(-5);
  expect(Buffer.from(back.config.envs[0]?.value ?? [])).toEqual(Buffer.from([0xff, 0xfe]));
  const bare = { ...container, user: undefined, resources: undefined, mounts: [] };
  expect(containerFromJson(containerToJson(bare))).toEqual(bare);
});

test('a copied configuration shares no memory with the original', () => {
  const bytes = Buffer.from('secret');
  const copy = copyContainerConfig({ envs: [{ key: 'A', value: bytes }] });
  bytes.fill('x');
  expect(Buffer.from(copy.envs[0]?.value ?? []).toString()).toBe('secret');
});

test.each([
  ['"id"', { id: 'nope' }],
  ['"state"', { state: 'sleeping' }],
  ['"createdAtNs"', { createdAtNs: 5 }],
  ['"config"', { config: Buffer.from([0xff]).toString('base64') }],
  ['"podStarted.monitorPid"', { podStarted: { monitorPid: '1' } }],
  ['format version 2 is newer than 1', { version: 2 }],
])('a record that is wrong says where: %s', (why, change) => {
  const value: object = JSON.parse(sandboxToJson(sandbox));
  expect(() => sandboxFromJson(JSON.stringify({ ...value, ...change }))).toThrow(why);
});

test('text that is no record is refused', () => {
  for (const text of ['', '{', 'null', '[]', '{}', sandboxToJson(sandbox).slice(0, 100)]) {
    expect(() => sandboxFromJson(text), text).toThrow();
    expect(() => containerFromJson(text), text).toThrow();
  }
});

test('a field of a later program is passed over', () => {
  const value: object = JSON.parse(sandboxToJson(sandbox));
  expect(sandboxFromJson(JSON.stringify({ ...value, later: 1 })).id).toBe(sampleId(1));
});
