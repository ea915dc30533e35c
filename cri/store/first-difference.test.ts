import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { firstDifference } from './first-difference.ts';

type Wire = typeof runtime.v1;
const v1: Wire = runtime.v1;
type Config = runtime.v1.PodSandboxConfig.$Properties;

function decoded(config: Config): Config {
  return v1.PodSandboxConfig.decode(v1.PodSandboxConfig.encode(config).finish());
}

test.each<[string, Config, Config]>([
  ['hostname', { hostname: 'a' }, { hostname: 'b' }],
  ['linux.cgroup_parent', { linux: { cgroupParent: '/a' } }, { linux: { cgroupParent: '/b' } }],
  ['linux', { linux: {} }, {}],
  [
    'linux.sysctls["net.ipv4.ip_forward"]',
    { linux: { sysctls: { 'net.ipv4.ip_forward': '1' } } },
    { linux: {} },
  ],
  ['labels["appName"]', { labels: { appName: 'x' } }, { labels: { appName: 'y' } }],
  [
    'port_mappings[1]',
    { portMappings: [{ hostPort: 1 }, {}] },
    { portMappings: [{ hostPort: 1 }] },
  ],
  [
    'port_mappings[0].host_port',
    { portMappings: [{ hostPort: 1 }] },
    { portMappings: [{ hostPort: 2 }] },
  ],
  ['metadata.attempt', { metadata: { attempt: 1 } }, { metadata: { attempt: 0 } }],
])('the first difference is named "%s"', (path, left, right) => {
  expect(firstDifference(decoded(left), decoded(right))).toBe(path);
  expect(firstDifference(decoded(right), decoded(left))).toBe(path);
});

test('plain objects, bytes and 64-bit numbers are compared by value', () => {
  expect(firstDifference({ linux: { cgroupParent: 'a' } }, { linux: { cgroupParent: 'b' } })).toBe(
    'linux.cgroup_parent',
  );
  expect(firstDifference({ value: Buffer.from('a') }, { value: new Uint8Array([97]) })).toBe(
    undefined,
  );
  expect(firstDifference({ value: Buffer.from('a') }, { value: Buffer.from('b') })).toBe('value');
  expect(firstDifference({ n: { low: 1, high: 0 } }, { n: { low: 1, high: 1 } })).toBe('n');
});

test('a label called as an inherited property is still a label', () => {
  const left = decoded({ labels: { toString: 'x' } });
  expect(firstDifference(left, decoded({ labels: {} }))).toBe('labels["toString"]');
});

test('the order of map entries does not count, and an equal configuration never differs', () => {
  const labels = fc.dictionary(fc.string({ minLength: 1 }), fc.string());
  fc.assert(
    fc.property(labels, fc.string(), (map, hostname) => {
      const reversed = Object.fromEntries(Object.entries(map).toReversed());
      const left = decoded({ labels: map, hostname });
      expect(firstDifference(left, decoded({ hostname, labels: reversed }))).toBeUndefined();
    }),
  );
});
