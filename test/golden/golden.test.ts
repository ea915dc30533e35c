// Each <case>.json holds a CRI request; <case>.spec.json what comes out of buildSpec. After a wanted
// change: UPDATE_GOLDEN=1 npx vitest run --project unit test/golden, then read the diff.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import * as v from 'valibot';
import { describe, expect, it } from 'vitest';

import { buildSpec } from '../../cri/spec/build-spec.ts';
import { capabilityNames } from '../../cri/spec/capabilities.ts';
import { contentOf } from '../../cri/spec/input.ts';
import type { HostFacts, PodFacts } from '../../cri/spec/input.ts';
import { planPod } from '../../cri/spec/pod.ts';
import { containerFromJson, sandboxFromJson } from './cri-json.ts';

const folder = import.meta.dirname;
const cases = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && !name.endsWith('.spec.json'))
  .map((name) => name.slice(0, -'.json'.length));

const host: HostFacts = {
  cgroupVersion: 'v2',
  swapLimit: true,
  hugepageSizes: ['2MB'],
  nofileHardLimit: 1_048_576,
  lowestOomScoreAdj: -1000,
  capabilities: capabilityNames,
  recursiveReadOnly: true,
  userNamespacesProblem: '',
  environmentBytes: true,
  architecture: 'x64',
  seccompEnabled: true,
  apparmorEnabled: false,
  apparmorDefaultProblem: '',
  selinux: undefined,
};

const strings = v.optional(v.array(v.string()), []);
const caseSchema = v.strictObject({
  about: v.string(),
  sandbox: v.record(v.string(), v.unknown()),
  container: v.record(v.string(), v.unknown()),
  image: v.optional(
    v.object({
      User: v.optional(v.string(), ''),
      Env: strings,
      Entrypoint: strings,
      Cmd: strings,
      WorkingDir: v.optional(v.string(), ''),
      Volumes: v.optional(v.record(v.string(), v.unknown()), {}),
      StopSignal: v.optional(v.string(), ''),
    }),
    {},
  ),
  host: v.optional(
    v.strictObject({
      cgroupVersion: v.optional(v.picklist(['v1', 'v2']), host.cgroupVersion),
      swapLimit: v.optional(v.boolean(), host.swapLimit),
      hugepageSizes: v.optional(v.array(v.string()), [...host.hugepageSizes]),
      nofileHardLimit: v.optional(v.number(), host.nofileHardLimit),
      capabilities: v.optional(v.array(v.string()), [...host.capabilities]),
      architecture: v.optional(v.picklist(['x64', 'arm64']), host.architecture),
    }),
    {},
  ),
  pidsLimit: v.optional(v.number(), 0),
  imageLayers: v.optional(v.record(v.string(), strings), {}),
  deviceNodes: v.optional(
    v.record(
      v.string(),
      v.array(
        v.strictObject({
          below: v.string(),
          type: v.picklist(['c', 'b']),
          major: v.number(),
          minor: v.number(),
          mode: v.number(),
          uid: v.number(),
          gid: v.number(),
        }),
      ),
    ),
    {},
  ),
});

function podFacts(plan: ReturnType<typeof planPod>): PodFacts {
  const when = (present: boolean, path: string) => (present ? path : '');
  const files = '/var/lib/estiba/pods/pod';
  return {
    sandboxId: 'a'.repeat(64),
    netnsPath: when(plan.modes.network === 'pod', '/run/netns/estiba-aaaaaaaaaaaa'),
    ipcPath: when(plan.modes.ipc === 'pod', '/proc/4711/fd/5'),
    utsPath: when(plan.utsHostname !== '', '/proc/4711/fd/6'),
    pidPath: when(plan.modes.pid === 'pod', '/proc/4711/fd/7'),
    shmPath: when(plan.modes.ipc === 'pod', '/proc/4711/fd/8'),
    userPath: when(plan.ids !== undefined, '/proc/4711/fd/9'),
    selinuxLevel: undefined,
    hostname: plan.hostname,
    files: {
      hosts: `${files}/hosts`,
      hostname: `${files}/hostname`,
      resolvConf: `${files}/resolv.conf`,
    },
  };
}

function build(name: string): unknown {
  const json: unknown = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
  const golden = v.parse(caseSchema, json);
  const sandbox = sandboxFromJson(golden.sandbox);
  const plan = planPod({
    config: sandbox,
    runtimeHandler: '',
    runtimeHandlers: [''],
    hostHostname: 'node-1',
    cgroupBase: '/estiba',
    host,
  });
  const container = containerFromJson(golden.container);
  const { mounts, ...result } = buildSpec({
    containerId: 'c'.repeat(64),
    requested: { sandbox, container },
    content: contentOf(golden.image),
    pod: podFacts(plan),
    host: { ...host, ...golden.host },
    settings: {
      cgroupBase: '/estiba',
      pidsLimit: golden.pidsLimit,
      rlimitNofile: { soft: 1024, hard: 524_288 },
      sparedDirs: [],
    },
    deviceNodes: new Map(Object.entries(golden.deviceNodes)),
    imageLayers: new Map(Object.entries(golden.imageLayers)),
  });
  // Status shows the kubelet's own mounts, unaltered and in its order.
  expect(mounts).toBe(container.mounts);
  const { seccomp, ...plain } = result;
  const read = (profile: string): unknown => JSON.parse(profile);
  const confined =
    seccomp.kind === 'default' ? { ...seccomp, profile: read(seccomp.profile) } : seccomp;
  const shown = seccomp.kind === 'unconfined' ? plain : { ...plain, seccomp: confined };
  return JSON.parse(JSON.stringify(shown));
}

describe('a CRI request becomes the OCI spec we expect', () => {
  it('has at least twelve cases', () => {
    expect(cases.length).toBeGreaterThanOrEqual(12);
  });

  it.each(cases)('%s', (name) => {
    const path = join(folder, `${name}.spec.json`);
    const result = build(name);
    if (process.env['UPDATE_GOLDEN'] === '1') {
      writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
    }
    expect(result).toEqual(JSON.parse(readFileSync(path, 'utf8')));
  });
});
