import { expect, test } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { parseConfig } from '../config/config.ts';
import { protocolVersion } from '../isolator/protocol.ts';
import type { ContainerConfig } from '../spec/cri-types.ts';
import { sampleContainer, sampleHost } from '../spec/sample-input.ts';
import { sampleId } from '../store/record-samples.ts';
import { containerSpec } from './container-spec.ts';
import { requestedImage } from './container-images.ts';
import { FakeDeps } from './fake-deps.ts';
import { RuntimeHandlers } from './runtime-handlers.ts';

const { RuntimeDefault } = runtime.v1.SecurityProfile.ProfileType;

const podStarted = {
  monitorPid: 7,
  monitorStartTimeTicks: 1,
  ipcPath: '/proc/7/fd/5',
  utsPath: '/proc/7/fd/6',
  pidPath: '/proc/7/fd/7',
  shmPath: '/proc/7/fd/8',
  netnsInode: 1,
  initPid: 8,
  userPath: '',
};

/** The spec of a container in a pod whose monitor speaks `version`. */
async function specIn(fake: FakeDeps, version: number, config: ContainerConfig) {
  const id = await fake.sandbox(1);
  await fake.monitor(1, () => undefined, { version, subscribed: {} });
  await fake.deps.monitors.connect(id, { pid: process.pid, startTimeTicks: 0 });
  const host = { ...sampleHost, apparmorEnabled: true };
  const deps = { ...fake.deps, handlers: new RuntimeHandlers(parseConfig(''), host) };
  const sandbox = { ...deps.store.sandboxes.resolve(id), podStarted };
  const image = requestedImage(deps, config);
  return (await containerSpec(deps, sandbox, sampleId(2), config, image, new Map())).spec;
}

test('a pod of an older version is given no AppArmor profile that nobody asked for', async () => {
  for (const [version, profile] of [
    [protocolVersion, 'estiba-default'],
    [protocolVersion - 1, undefined],
  ] as const) {
    await using fake = await FakeDeps.make();
    const spec = await specIn(fake, version, sampleContainer());
    expect(spec.process.apparmorProfile).toBe(profile);
  }
});

test.each([
  ['a profile', sampleContainer({}, { apparmor: { profileType: RuntimeDefault } })],
  [
    'an image as a volume',
    sampleContainer({ mounts: [{ containerPath: '/a', readonly: true, image: { image: 'b' } }] }),
  ],
])('%s that a pod of an older version is asked for is refused by its age', async (_, config) => {
  await using fake = await FakeDeps.make();
  await expect(specIn(fake, protocolVersion - 1, config)).rejects.toMatchObject({
    code: 'FailedPrecondition',
    message: expect.stringMatching(/: the pod was made by an older version of this server$/u),
  });
});
