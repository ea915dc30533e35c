// Pods with a user namespace on the host's network: ids of their own, and no rights over the network.
import { readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { containerConfig, exec } from '../lib/pods.ts';
import { base, mapped } from '../lib/userns.ts';

const { NODE, POD } = runtime.v1.NamespaceMode;

const names = [
  'a pod with a user namespace on the host’s network',
  'with legacy_mounts, such a pod',
];

describe.each(names)('%s', (name) => {
  let ground: Fixture;

  beforeAll(async () => {
    const legacyMounts = name.startsWith('with legacy_mounts');
    ground = await Fixture.start({ legacyMounts }, mapped(base, { network: NODE }));
  });

  afterAll(async () => {
    expect(await ground.server.stop()).toEqual([]);
  });

  it('is offered by the node', async () => {
    const { features } = await ground.server.client.runtime.status({});
    expect(features?.userNamespacesHostNetwork).toBe(true);
  });

  it('has the network, name and interfaces of the host, and ids of its own', async () => {
    const found = await ground.outcome(
      containerConfig(
        'readlink /proc/self/ns/net; hostname; cat /proc/self/uid_map; ls /sys/class/net/lo/mtu',
      ),
    );
    const [net, name, map, mtu] = found.stdout.trim().split('\n');
    expect(found.stderr).toBe('');
    expect(net).toBe(await readlink('/proc/self/ns/net'));
    expect(name).toBe(hostname());
    expect(map?.trim().split(/\s+/u)).toEqual(['0', String(base), '65536']);
    expect(mtu).toBe('/sys/class/net/lo/mtu');
  });

  it('may change nothing of the network, nor of what /sys tells of it', async () => {
    const all = { capabilities: { addCapabilities: ['ALL'] } };
    const id = await ground.run(withSecurity(['sleep', '1000'], all));
    for (const [script, why] of [
      ['ip link add estiba-x type dummy', /not permitted/u],
      ['ip link set lo down', /not permitted/u],
      ['echo 0 >/proc/sys/net/ipv4/ip_forward', /Permission denied|Read-only/u],
      ['echo 1500 >/sys/class/net/lo/mtu', /Permission denied|Read-only/u],
      ['mount -o remount,rw /sys', /permission denied|not permitted/iu],
    ] as const) {
      const { stderr } = await exec(ground.server, id, script);
      expect(stderr, script).toMatch(why);
    }
  });

  it('may share its processes', async () => {
    const pod = await ground.another(mapped(base, { network: NODE, pid: POD }));
    const security = { namespaceOptions: { network: NODE, pid: POD } };
    const found = await pod.outcome(withSecurity('cat /proc/1/comm', security));
    expect(found.stdout).toBe('estiba-init\n');
  });
});
