import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { runtime } from '../../proto/gen/cri.js';
import type { NamespaceOption } from './cri-types.ts';
import { containerNamespaces, podModes } from './namespaces.ts';
import { refusalOf, samplePod, sampleSandbox } from './sample-input.ts';

const { POD, CONTAINER, NODE, TARGET } = runtime.v1.NamespaceMode;
const target = 'b'.repeat(64);

function sandbox(namespaceOptions: NamespaceOption) {
  return { ...sampleSandbox, linux: { securityContext: { namespaceOptions } } };
}

function pidOf(pod: NamespaceOption, container: NamespaceOption | undefined) {
  const result = containerNamespaces(sandbox(pod), container, samplePod);
  return result.namespaces.find((one) => one.type === 'pid') ?? 'none';
}

describe('podModes', () => {
  it('are POD where nothing is said', () => {
    expect(podModes(sampleSandbox)).toEqual({ network: 'pod', ipc: 'pod', pid: 'pod' });
  });

  it.each([{ network: CONTAINER }, { network: TARGET }, { ipc: CONTAINER }, { pid: TARGET }])(
    'refuse %j',
    (options) => {
      expect(refusalOf(() => podModes(sandbox(options))).code).toBe('InvalidArgument');
    },
  );
});

describe('an enum value from a newer kubelet', () => {
  it('is refused, not taken for another', () => {
    const pid7 = runtime.v1.NamespaceOption.decode(Uint8Array.of(0x10, 7));
    const network7 = runtime.v1.NamespaceOption.decode(Uint8Array.of(0x08, 7));
    expect(refusalOf(() => podModes(sandbox(pid7))).message).toContain('pid mode "7"');
    expect(refusalOf(() => podModes(sandbox(network7))).message).toContain('network mode "7"');
    const container = () => containerNamespaces(sampleSandbox, pid7, samplePod);
    expect(refusalOf(container).message).toContain('unknown pid mode "7"');
  });
});

describe('containerNamespaces', () => {
  it('shares the pod’s, and the pid namespace when asked', () => {
    expect(containerNamespaces(sampleSandbox, undefined, samplePod)).toEqual({
      namespaces: [
        { type: 'mount' },
        { type: 'network', path: samplePod.netnsPath },
        { type: 'ipc', path: samplePod.ipcPath },
        { type: 'uts', path: samplePod.utsPath },
        { type: 'pid', path: samplePod.pidPath },
        { type: 'cgroup' },
      ],
      pidTargetContainerId: '',
    });
  });

  it('gives each container its own processes, the pod’s, the host’s or a neighbour’s', () => {
    expect(pidOf({ pid: CONTAINER }, { pid: CONTAINER })).toEqual({ type: 'pid' });
    expect(pidOf({ pid: POD }, { pid: CONTAINER })).toEqual({ type: 'pid' });
    expect(pidOf({ pid: POD }, { pid: POD })).toEqual({ type: 'pid', path: samplePod.pidPath });
    expect(pidOf({ pid: NODE }, { pid: NODE })).toBe('none');
    expect(pidOf({ pid: NODE }, undefined)).toBe('none');
    expect(pidOf({ pid: CONTAINER }, { pid: TARGET, targetId: target })).toEqual({ type: 'pid' });
  });

  it('names the target of TARGET mode', () => {
    const options = { pid: TARGET, targetId: target };
    const result = containerNamespaces(sampleSandbox, options, samplePod);
    expect(result.pidTargetContainerId).toBe(target);
  });

  it.each([
    [{ pid: POD }, { pid: NODE }, 'not made with pid mode NODE'],
    [{ pid: CONTAINER }, { pid: POD }, 'was made with pid mode CONTAINER'],
    [{}, { pid: TARGET }, 'target_id "" is not a container id'],
    [{}, { pid: TARGET, targetId: '../x' }, 'is not a container id'],
    [{}, { network: NODE }, 'has a network of its own'],
    [{}, { ipc: NODE }, 'has one of its own'],
  ])('refuses in a pod with %j a container with %j', (pod, container, why) => {
    const refusal = refusalOf(() => containerNamespaces(sandbox(pod), container, samplePod));
    expect(refusal.code).toBe('InvalidArgument');
    expect(refusal.message).toContain(why);
  });

  it('gives no container a namespace of the host that its pod was not given', () => {
    const mode = fc.constantFrom(POD, CONTAINER, NODE, TARGET);
    const options = fc.record({
      network: mode,
      pid: mode,
      ipc: mode,
      targetId: fc.constant(target),
    });
    fc.assert(
      fc.property(options, options, (pod, container) => {
        let types: string[];
        try {
          const made = containerNamespaces(sandbox(pod), container, samplePod);
          types = made.namespaces.map((one) => one.type);
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidArgument' });
          return;
        }
        expect(types.includes('network')).toBe(pod.network !== NODE);
        expect(types.includes('ipc')).toBe(pod.ipc !== NODE);
        if (pod.pid !== NODE) {
          expect(types).toContain('pid');
        }
        expect(types).toContain('mount');
        expect(types).toContain('cgroup');
      }),
    );
  });

  it('says that it lacks a path rather than leave a namespace out', () => {
    const lost = { ...samplePod, netnsPath: '' };
    expect(refusalOf(() => containerNamespaces(sampleSandbox, undefined, lost)).code).toBe(
      'Internal',
    );
  });
});
