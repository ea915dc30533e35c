import { describe, expect, it } from 'vitest';

import { runtime } from '../../proto/gen/cri.js';
import { buildSpec } from './build-spec.ts';
import type { ContainerSecurity, PodSandboxConfig, SandboxSecurity } from './cri-types.ts';
import {
  refusalOf,
  sampleContainer,
  sampleHost,
  sampleInput,
  samplePod,
  sampleSandbox,
} from './sample-input.ts';
import {
  containerLabels,
  formatContext,
  parseContext,
  podMountLabel,
  podProcessLabel,
  podSelinuxLevel,
  type SelinuxFacts,
} from './selinux.ts';

const { NamespaceMode } = runtime.v1;

const facts: SelinuxFacts = {
  enforcing: true,
  process: { user: 'system_u', role: 'system_r', type: 'container_t', level: 's0' },
  file: { user: 'system_u', role: 'object_r', type: 'container_file_t', level: 's0' },
  layer: { user: 'system_u', role: 'object_r', type: 'container_ro_file_t', level: 's0' },
  privilegedType: 'spc_t',
  mayRelabelItself: true,
  problem: '',
};
const host = { selinux: facts };
const broken = { selinux: { ...facts, problem: 'its policy has no levels' } };
const off = { selinux: undefined };
const level = 's0:c1,c2';
const podLabel = 'system_u:object_r:container_file_t:s0:c1,c2';

function sandboxWith(securityContext: SandboxSecurity) {
  return { ...sampleSandbox, linux: { securityContext } };
}

const labels = (security: ContainerSecurity, sandbox: PodSandboxConfig = sampleSandbox) =>
  containerLabels(sandbox, security, level, host);

describe('containerLabels', () => {
  it('are the policy’s with the level of the pod', () => {
    expect(labels({})).toEqual({
      process: 'system_u:system_r:container_t:s0:c1,c2',
      mount: podLabel,
      podFiles: podLabel,
    });
  });

  it('take what is asked for part by part', () => {
    const asked = { user: 'staff_u', role: 'staff_r', type: 'web_t', level: 's0:c4,c5' };
    expect(labels({ selinuxOptions: asked })).toEqual({
      process: 'staff_u:staff_r:web_t:s0:c4,c5',
      mount: 'staff_u:object_r:container_file_t:s0:c4,c5',
      podFiles: podLabel,
    });
    expect(labels({ selinuxOptions: { type: 'web_t' } }).process).toBe(
      'system_u:system_r:web_t:s0:c1,c2',
    );
    expect(labels({ selinuxOptions: { level: 's0' } }).process).toBe(
      'system_u:system_r:container_t:s0',
    );
  });

  it('are the sandbox’s where the container asks for nothing', () => {
    const sandbox = sandboxWith({ selinuxOptions: { type: 'pod_t' } });
    expect(labels({}, sandbox).process).toContain(':pod_t:');
    expect(labels({ selinuxOptions: { type: '' } }, sandbox).process).toContain(':pod_t:');
    expect(labels({ selinuxOptions: { type: 'own_t' } }, sandbox).process).toContain(':own_t:');
  });

  const { NODE, POD, CONTAINER } = NamespaceMode;
  it.each<[string, ContainerSecurity, PodSandboxConfig, string]>([
    ['privileged', { privileged: true }, sampleSandbox, 'spc_t:s0'],
    [
      'privileged, whatever is asked',
      { privileged: true, selinuxOptions: { type: 'web_t' } },
      sampleSandbox,
      'spc_t:s0',
    ],
    ['pids of the host', { namespaceOptions: { pid: NODE } }, sampleSandbox, 'spc_t:s0'],
    [
      'pids of a pod that has the host’s',
      { namespaceOptions: { pid: POD } },
      sandboxWith({ namespaceOptions: { pid: NODE } }),
      'spc_t:s0',
    ],
    [
      'pids of its own in such a pod',
      { namespaceOptions: { pid: CONTAINER } },
      sandboxWith({ namespaceOptions: { pid: NODE } }),
      'container_t:s0:c1,c2',
    ],
    ['IPC of the host', {}, sandboxWith({ namespaceOptions: { ipc: NODE } }), 'spc_t:s0'],
    [
      'pids of the host, with a type of its own',
      { namespaceOptions: { pid: NODE }, selinuxOptions: { type: 'agent_t' } },
      sampleSandbox,
      'agent_t:s0:c1,c2',
    ],
  ])('of a container with %s', (_, security, sandbox, expected) => {
    const made = labels(security, sandbox);
    expect(made.process).toBe(`system_u:system_r:${expected}`);
    expect(made.mount).toBe('system_u:object_r:container_file_t:s0:c1,c2');
  });

  it('are left out where the policy has no type for privileged containers', () => {
    const without = { selinux: { ...facts, privilegedType: '' } };
    const { process } = containerLabels(sampleSandbox, { privileged: true }, level, without);
    expect(process).toBe('');
  });

  it('are none without SELinux, and options have no effect', () => {
    const none = { process: '', mount: '', podFiles: '' };
    const asked = { selinuxOptions: { level: 's0:c1' } };
    expect(containerLabels(sampleSandbox, asked, undefined, off)).toEqual(none);
    expect(containerLabels(sampleSandbox, {}, undefined, broken)).toEqual(none);
    expect(containerLabels(sampleSandbox, {}, undefined, host)).toEqual(none);
  });

  it('are refused where they were asked for and cannot be had', () => {
    const asked = { selinuxOptions: { type: 'web_t' } };
    const { code, message } = refusalOf(() => containerLabels(sampleSandbox, asked, level, broken));
    expect(code).toBe('FailedPrecondition');
    expect(message).toContain('its policy has no levels');
    const late = refusalOf(() => containerLabels(sampleSandbox, asked, undefined, host));
    expect(late.message).toContain('made without SELinux labels');
  });

  it.each<[string, typeof off | typeof broken, ContainerSecurity, string]>([
    ['labels are switched off', off, {}, 'its pod has SELinux labels, but containers.selinux is'],
    ['they cannot be used', broken, {}, 'its pod has SELinux labels, but SELinux cannot be used'],
    ['this one is privileged', off, { privileged: true }, 'containers.selinux is false'],
  ])('are not left out in a pod that has them when %s', (_, where, security, why) => {
    const error = refusalOf(() => containerLabels(sampleSandbox, security, level, where));
    expect(error.code).toBe('FailedPrecondition');
    expect(error.message).toContain(why);
  });

  it.each([
    [{ type: 'a b' }, 'selinux_options.type "a b"'],
    [{ user: 'a:b' }, 'selinux_options.user "a:b"'],
    [{ level: 's0"' }, 'selinux_options.level'],
    [{ role: 'x'.repeat(129) }, 'selinux_options.role'],
  ])('refuse %j, also without SELinux', (selinuxOptions, why) => {
    for (const where of [host, off]) {
      const error = refusalOf(() =>
        containerLabels(sampleSandbox, { selinuxOptions }, level, where),
      );
      expect(error.code).toBe('InvalidArgument');
      expect(error.message).toContain(why);
    }
  });
});

describe('podSelinuxLevel', () => {
  const numbers = (...given: number[]) => {
    const left = [...given];
    return () => left.shift() ?? 0;
  };

  it('has two categories in order, of no other pod', () => {
    const used = new Set(['s0:c3,c9']);
    const random = numbers(9, 3, 7, 7, 20, 4);
    expect(podSelinuxLevel(sampleSandbox, host, used, random)).toBe('s0:c4,c20');
  });

  it('is the sandbox’s own where it asks for one', () => {
    const sandbox = sandboxWith({ selinuxOptions: { level: 's0:c5' } });
    expect(podSelinuxLevel(sandbox, host, new Set(), numbers())).toBe('s0:c5');
    expect(podMountLabel(sandbox, 's0:c5', host)).toBe('system_u:object_r:container_file_t:s0:c5');
  });

  it('is found when guesses do not help, until all are in use', () => {
    const used = new Set<string>();
    for (let one = 0; one < 1024; one += 1) {
      for (let other = one + 1; other < 1024; other += 1) {
        used.add(`s0:c${one},c${other}`);
      }
    }
    const find = () => podSelinuxLevel(sampleSandbox, host, used, numbers());
    expect(refusalOf(find).code).toBe('ResourceExhausted');
    used.delete('s0:c1000,c1001');
    expect(find()).toBe('s0:c1000,c1001');
  });

  it('is also that of the pod’s pid 1, where the policy lets that have it', () => {
    const label = podProcessLabel(sampleSandbox, level, host);
    expect(label).toBe('system_u:system_r:container_t:s0:c1,c2');
    const rigid = { selinux: { ...facts, mayRelabelItself: false } };
    expect(podProcessLabel(sampleSandbox, level, rigid)).toBe('');
    expect(podProcessLabel(sandboxWith({ privileged: true }), level, host)).toBe('');
    expect(podProcessLabel(sampleSandbox, undefined, off)).toBe('');
  });

  it('is none where containers get no labels', () => {
    expect(podSelinuxLevel(sampleSandbox, off, new Set(), numbers())).toBeUndefined();
    expect(podSelinuxLevel(sampleSandbox, broken, new Set(), numbers())).toBeUndefined();
    expect(podMountLabel(sampleSandbox, undefined, host)).toBe('');
    const sandbox = sandboxWith({ selinuxOptions: { level: 's0' } });
    const refusal = refusalOf(() => podSelinuxLevel(sandbox, broken, new Set(), numbers()));
    expect(refusal.code).toBe('FailedPrecondition');
  });
});

describe('a context', () => {
  it('is four parts, the last with colons', () => {
    const label = 'system_u:system_r:container_t:s0-s0:c0.c1023';
    const context = parseContext(label);
    expect(context?.level).toBe('s0-s0:c0.c1023');
    expect(context && formatContext(context)).toBe(label);
    for (const text of ['', 'a', 'a:b:c', 'a:b::s0', ':b:c:s0']) {
      expect(parseContext(text)).toBeUndefined();
    }
  });
});

describe('buildSpec', () => {
  it('labels process, mounts and the pod’s own files', () => {
    const pod = { ...samplePod, selinuxLevel: level };
    const requested = { sandbox: sampleSandbox, container: sampleContainer() };
    const { spec } = buildSpec(
      sampleInput({ requested, pod, host: { ...sampleHost, selinux: facts } }),
    );
    expect(spec.process.selinuxLabel).toBe('system_u:system_r:container_t:s0:c1,c2');
    expect(spec.linux.mountLabel).toBe('system_u:object_r:container_file_t:s0:c1,c2');
    const relabelled = spec.mounts.filter(({ options }) =>
      options.includes(`estiba-relabel=${podLabel}`),
    );
    expect(relabelled.map(({ destination }) => destination)).toEqual([
      '/etc/hosts',
      '/etc/hostname',
      '/etc/resolv.conf',
    ]);
    const { spec: plain } = buildSpec(sampleInput({ requested, pod: samplePod }));
    expect(plain.process).not.toHaveProperty('selinuxLabel');
    expect(plain.linux).not.toHaveProperty('mountLabel');
  });
});
