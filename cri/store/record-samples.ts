// Objects for this folder's unit tests.
import { isId, type ContainerId, type SandboxId } from '../core/ids.ts';
import type { NewContainer, NewSandbox } from './record.ts';

/** Returns an id that begins with the digits of `number` and differs for each one. */
export function sampleId(number: number): SandboxId & ContainerId {
  const id = number.toString(16).padStart(8, '0').repeat(8);
  if (!isId(id)) {
    throw new TypeError(`"${id}" is not an id`);
  }
  return id;
}

/** A sandbox as RunPodSandbox would claim it; pod `number` has uid "uid-<number>". */
export function sampleSandbox(number: number, labels: Record<string, string> = {}): NewSandbox {
  return {
    id: sampleId(number),
    createdAtNs: BigInt(number) + 1_700_000_000_000_000_000n,
    runtimeHandler: '',
    runtimePath: '',
    cgroupParent: `/kubepods/pod-${number}`,
    netnsPath: `/run/netns/${number}`,
    selinuxLevel: undefined,
    config: {
      metadata: { name: `pod-${number}`, uid: `uid-${number}`, namespace: 'default', attempt: 0 },
      hostname: `pod-${number}`,
      labels: { 'io.kubernetes.pod.uid': `uid-${number}`, ...labels },
      annotations: { note: 'ä"\n' },
      linux: { cgroupParent: `/kubepods/pod-${number}` },
    },
  };
}

/** A container of sandbox `sandbox` as CreateContainer would claim it. */
export function sampleContainer(
  number: number,
  sandbox: number,
  labels: Record<string, string> = {},
): NewContainer {
  return {
    id: sampleId(number),
    sandboxId: sampleId(sandbox),
    createdAtNs: BigInt(number) + 1_700_000_000_000_000_000n,
    image: 'docker.io/library/busybox:latest',
    imageId: `sha256:${'a'.repeat(64)}`,
    imageRef: `docker.io/library/busybox@sha256:${'b'.repeat(64)}`,
    lowerDirs: ['/layers/top', '/layers/base'],
    volumeLayerDirs: ['/layers/volume'],
    logPath: `/var/log/pods/${number}/0.log`,
    stopSignal: 15,
    config: {
      metadata: { name: `container-${number}`, attempt: 2 },
      image: { image: `sha256:${'a'.repeat(64)}`, userSpecifiedImage: 'busybox' },
      args: ['sleep', 'inf'],
      envs: [{ key: 'RAW', value: Buffer.from([0xff, 0xfe]) }],
      labels: { 'io.kubernetes.pod.uid': `uid-${sandbox}`, ...labels },
      annotations: { restarts: '2' },
    },
  };
}
