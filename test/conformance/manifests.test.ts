// The files users copy: they parse, they say the same about the same thing, and the configuration
// passes the server's own check.
import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { parseConfig } from '../../cri/config/config.ts';
import { manifest } from './crictl.ts';

const text = (path: string): Promise<string> => readFile(manifest(path), 'utf8');
const json = async (path: string): Promise<unknown> => JSON.parse(await text(path)) as unknown;
const yaml = async (path: string): Promise<unknown> => parseYaml(await text(path)) as unknown;

/** The values of one key of a systemd unit, in order. */
async function unitValues(key: string): Promise<string[]> {
  const lines = (await text('estiba.service')).split('\n');
  return lines
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

describe('manifests', () => {
  test('the example configuration is accepted and changes no default', async () => {
    const source = await text('estiba.toml');
    expect(parseConfig(source)).toEqual(parseConfig(''));
    expect(Object.keys(parseToml(source))).toContain('run_dir');
  });

  test('crictl, kubelet and the default configuration agree on the socket', async () => {
    const endpoint = `unix://${parseConfig('').runDir}/estiba.sock`;
    await expect(yaml('crictl.yaml')).resolves.toMatchObject({
      'runtime-endpoint': endpoint,
      'image-endpoint': endpoint,
      timeout: 10,
    });
    await expect(yaml('kubelet.yaml')).resolves.toMatchObject({
      kind: 'KubeletConfiguration',
      containerRuntimeEndpoint: endpoint,
      cgroupDriver: 'cgroupfs',
    });
  });

  test('the RuntimeClass is one the API server takes', async () => {
    await expect(yaml('runtimeclass.yaml')).resolves.toMatchObject({
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'estiba' },
      handler: expect.stringMatching(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u),
    });
  });

  test('the conflist is bridge with host-local and portmap on a private subnet', async () => {
    const conflist = (await json('10-estiba.conflist')) as {
      plugins: { type: string; ipam?: { ranges: { subnet: string }[][] } }[];
    };
    expect(conflist.plugins.map(({ type }) => type)).toEqual(['bridge', 'portmap']);
    const subnet = conflist.plugins[0]?.ipam?.ranges[0]?.[0]?.subnet ?? '';
    expect(isIPv4(subnet.split('/')[0] ?? '')).toBe(true);
    expect(subnet).toMatch(/^10\./u);
  });

  test('the unit lets pods outlive the server and makes no private mount namespace', async () => {
    await expect(unitValues('KillMode')).resolves.toEqual(['process']);
    await expect(unitValues('Delegate')).resolves.toEqual(['yes']);
    await expect(unitValues('OOMScoreAdjust')).resolves.toEqual(['-999']);
    const keys = (await text('estiba.service')).match(/^\w+(?==)/gmu) ?? [];
    const forbidden =
      /^(Private|Protect|ReadOnlyPaths|ReadWritePaths|InaccessiblePaths|Bind|Temporary|Root|RuntimeDirectory|StateDirectory|DynamicUser|MountFlags|Restrict)/u;
    expect(keys.filter((key) => forbidden.test(key))).toEqual([]);
  });

  test.each([
    ['example-pod', ['web', 'client']],
    ['example-host-network', ['shell']],
  ])('%s names what CRI requires of every container', async (directory, containers) => {
    await expect(json(`${directory}/pod.json`)).resolves.toMatchObject({
      metadata: { name: expect.any(String), namespace: 'default', uid: expect.any(String) },
      log_directory: expect.stringMatching(/^\//u),
    });
    for (const name of containers) {
      await expect(json(`${directory}/${name}.json`)).resolves.toMatchObject({
        metadata: { name },
        image: { image: 'localhost/estiba/busybox:latest' },
        log_path: `${name}/0.log`,
        linux: { resources: { memory_limit_in_bytes: expect.any(Number) } },
      });
    }
  });
});
