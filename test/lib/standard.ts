// A container with what the kubelet asks for, volumes included.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultMaskedPaths, defaultReadonlyPaths } from '../../cri/spec/security.ts';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { withSecurity, type Fixture } from './fixture.ts';

const { ProfileType } = runtime.v1.SecurityProfile;

type Security = runtime.v1.LinuxContainerSecurityContext.$Properties;
type Container = runtime.v1.ContainerConfig.$Properties;

/** The filter that the kubelet asks for. */
export const runtimeDefault: Security = { seccomp: { profileType: ProfileType.RuntimeDefault } };

/** One that only waits, with a directory `name` of the test's as its volumes. */
export async function standard(
  ground: Fixture,
  name: string,
  security: Security = runtimeDefault,
): Promise<Container> {
  const directory = await ground.directory(name);
  await writeFile(join(directory, 'file'), '');
  const mounts = [
    { hostPath: directory, containerPath: '/data' },
    { hostPath: join(directory, 'file'), containerPath: '/etc/hosts' },
    { hostPath: directory, containerPath: '/var/run/secrets/account', readonly: true },
  ];
  const usual: Security = {
    noNewPrivs: true,
    readonlyRootfs: true,
    runAsUser: { value: toLong(1000) },
    capabilities: { dropCapabilities: ['ALL'], addCapabilities: ['NET_BIND_SERVICE'] },
    maskedPaths: [...defaultMaskedPaths],
    readonlyPaths: [...defaultReadonlyPaths],
  };
  return withSecurity(['sleep', '1000'], { ...usual, ...security }, { mounts });
}
