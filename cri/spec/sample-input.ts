// An ordinary request for the tests beside it to vary. Not used outside tests.
import { capabilityNames } from './capabilities.ts';
import type { ContainerConfig, ContainerSecurity, PodSandboxConfig } from './cri-types.ts';
import { contentOf } from './input.ts';
import type { Content, HostFacts, ImageProcess, PodFacts, SpecInput } from './input.ts';

export const sampleHost: HostFacts = {
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

export const samplePod: PodFacts = {
  sandboxId: 'a'.repeat(64),
  netnsPath: '/run/netns/estiba-a',
  ipcPath: '/proc/7/fd/5',
  utsPath: '/proc/7/fd/6',
  pidPath: '/proc/7/fd/7',
  shmPath: '/proc/7/fd/8',
  userPath: '/proc/7/fd/9',
  selinuxLevel: undefined,
  hostname: 'web',
  files: { hosts: '/f/hosts', hostname: '/f/hostname', resolvConf: '/f/resolv.conf' },
};

export const sampleSandbox: PodSandboxConfig = {
  metadata: { name: 'web', namespace: 'shop', uid: '8f3c', attempt: 0 },
};

export function sampleContent(image: Partial<ImageProcess> = {}): Content {
  return contentOf({
    User: '',
    Env: [],
    Entrypoint: [],
    Cmd: [],
    WorkingDir: '',
    Volumes: {},
    StopSignal: '',
    ...image,
  });
}

export function sampleContainer(
  config: ContainerConfig = {},
  security?: ContainerSecurity,
): ContainerConfig {
  return {
    metadata: { name: 'main', attempt: 0 },
    image: { image: 'sha256:1' },
    command: ['/bin/true'],
    ...(security === undefined ? {} : { linux: { securityContext: security } }),
    ...config,
  };
}

export function sampleInput(change: Partial<SpecInput> = {}): SpecInput {
  return {
    containerId: 'c'.repeat(64),
    requested: { sandbox: sampleSandbox, container: sampleContainer() },
    content: sampleContent(),
    pod: samplePod,
    host: sampleHost,
    settings: {
      cgroupBase: '/estiba',
      pidsLimit: 0,
      rlimitNofile: { soft: 1024, hard: 524_288 },
      sparedDirs: ['/var/lib/estiba'],
    },
    deviceNodes: new Map(),
    imageLayers: new Map(),
    ...change,
  };
}

/** The code and message of what a function throws; fails when it throws anything but a CriError. */
export function refusalOf(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.name === 'CriError') {
      return { code: String(error.code), message: error.message };
    }
    throw error;
  }
  throw new Error('nothing was refused');
}
