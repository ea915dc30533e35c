// A pod with one container as the kubelet asks for it, with every standard feature in use.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { defaultMaskedPaths, defaultReadonlyPaths } from '../../cri/spec/security.ts';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { cgroupRoots } from '../../test/lib/leftovers.ts';
import { plain, type ContainerConfig, type PodConfig, type Shape } from './pod-life.ts';

const { ProfileType } = runtime.v1.SecurityProfile;
const { SupplementalGroupsPolicy } = runtime.v1;
const run = promisify(execFile);

/** The two shapes that are compared; `unmount` ends the only mount that they need. */
export interface Shapes {
  readonly plain: Shape;
  readonly standard: Shape;
  readonly unmount: () => Promise<void>;
}

/** Prepares in `directory` what the kubelet prepares on a host. */
export async function prepareShapes(directory: string): Promise<Shapes> {
  const account = join(directory, 'service-account');
  await mkdir(account, { recursive: true });
  await mkdir(join(directory, 'empty-dir'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', account]);
  for (const name of ['ca.crt', 'namespace', 'token']) {
    await writeFile(join(account, name), `${name}\n`);
  }
  await writeFile(join(directory, 'hosts'), '127.0.0.1 localhost\n');
  await writeFile(join(directory, 'termination-log'), '', { mode: 0o666 });
  // Both in a cgroup of the kubelet's: making it is no part of what is compared.
  return {
    plain: { ...plain, pod: inPodCgroup },
    standard: {
      name: 'standard',
      pod: async (config) => inPodCgroup(standardPod(config)),
      container: (config) => standardContainer(config, directory),
    },
    unmount: async () => {
      await run('umount', [account]);
    },
  };
}

const runtimeDefault = { profileType: ProfileType.RuntimeDefault };

function standardPod(config: PodConfig): PodConfig {
  const securityContext = { ...config.linux?.securityContext, seccomp: runtimeDefault };
  return { ...config, linux: { ...config.linux, securityContext } };
}

// resolv.conf is there already: both runtimes bind it, from the pod's DNS configuration.
function standardContainer(config: ContainerConfig, directory: string): ContainerConfig {
  const service = 'KUBERNETES_SERVICE_HOST=10.96.0.1 KUBERNETES_SERVICE_PORT=443';
  return {
    ...config,
    envs: service.split(' ').map((line) => {
      const [key = '', value = ''] = line.split('=');
      return { key, value: Buffer.from(value) };
    }),
    mounts: [
      { hostPath: join(directory, 'empty-dir'), containerPath: '/data' },
      {
        hostPath: join(directory, 'service-account'),
        containerPath: '/var/run/secrets/kubernetes.io/serviceaccount',
        readonly: true,
      },
      { hostPath: join(directory, 'hosts'), containerPath: '/etc/hosts' },
      { hostPath: join(directory, 'termination-log'), containerPath: '/dev/termination-log' },
    ],
    linux: {
      resources: {
        ...config.linux?.resources,
        memorySwapLimitInBytes: toLong(64n << 20n),
        oomScoreAdj: toLong(985n),
        hugepageLimits: ['2MB', '1GB'].map((pageSize) => ({ pageSize, limit: toLong(0n) })),
      },
      securityContext: {
        ...config.linux?.securityContext,
        seccomp: runtimeDefault,
        noNewPrivs: true,
        readonlyRootfs: true,
        capabilities: { dropCapabilities: ['ALL'], addCapabilities: ['NET_BIND_SERVICE'] },
        runAsUser: { value: toLong(1000n) },
        runAsGroup: { value: toLong(1000n) },
        supplementalGroups: [toLong(2000n), toLong(3000n)],
        supplementalGroupsPolicy: SupplementalGroupsPolicy.Merge,
        maskedPaths: [...defaultMaskedPaths],
        readonlyPaths: [...defaultReadonlyPaths],
      },
    },
  };
}

// A pod's cgroup as the kubelet leaves it to the runtime: made, with a limit of tasks.
async function inPodCgroup(config: PodConfig): Promise<PodConfig> {
  const names = (config.linux?.cgroupParent ?? '').split('/').filter((name) => name !== '');
  for (const root of await cgroupRoots()) {
    await mkdir(join(root, ...names), { recursive: true });
    for (let depth = 0; depth < names.length; depth += 1) {
      const file = join(root, ...names.slice(0, depth), 'cgroup.subtree_control');
      // Only cgroup v2 has the file.
      await writeFile(file, '+pids', { flag: 'r+' }).catch(() => undefined);
    }
    const most = join(root, ...names, 'pids.max');
    await writeFile(most, '1024', { flag: 'r+' }).catch(() => undefined);
  }
  return config;
}
