// What containers must not cost, however many there are: mounts of the host, compiled filters,
// processes of the server.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { defaultMaskedPaths, defaultReadonlyPaths } from '../../cri/spec/security.ts';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { containerConfig, exec } from '../lib/pods.ts';
import { base, mapped } from '../lib/userns.ts';

const { ProfileType } = runtime.v1.SecurityProfile;

type Security = runtime.v1.LinuxContainerSecurityContext.$Properties;
type Container = runtime.v1.ContainerConfig.$Properties;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const runtimeDefault: Security = { seccomp: { profileType: ProfileType.RuntimeDefault } };

/** With what the kubelet asks for, volumes included. */
async function standard(name: string, security: Security = runtimeDefault): Promise<Container> {
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

describe('the mount table of the host', () => {
  /** Mount points that the process sees. */
  async function mountPoints(pid: number): Promise<string[]> {
    const table = await readFile(`/proc/${pid}/mountinfo`, 'utf8');
    return table
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .toSorted();
  }

  /** As server and launcher see it. */
  async function tables(): Promise<[string[], string[]]> {
    const socketPath = join(ground.server.runDir, 'launcher.sock');
    const { launcherPid } = await new Launcher({ socketPath }).ping();
    return Promise.all([mountPoints(ground.server.serverPid), mountPoints(launcherPid ?? 0)]);
  }

  it('has one line more for each pod, none for a container, and is as before in the end', async () => {
    const before = await tables();
    const pods = await Promise.all([
      ground.another(),
      ground.another(mapped(base)),
      ground.another({ linux: { securityContext: { privileged: true } } }),
    ]);
    const lines = pods.map(({ podSandboxId }) => `/run/netns/estiba-${podSandboxId}`);
    const withPods = before.map((table) => [...table, ...lines].toSorted());
    expect(await tables()).toEqual(withPods);
    for (const [index, pod] of pods.entries()) {
      const config = await standard(`volumes-${index}`);
      const ids = await Promise.all([
        pod.run(config),
        pod.create(containerConfig('true')),
        pod.run(containerConfig(['sleep', '1000'])),
      ]);
      expect((await exec(ground.server, ids[0], 'cat /etc/hosts')).exitCode).toBe(0);
      expect(await tables()).toEqual(withPods);
      const mounts = [...(config.mounts ?? []), { hostPath: '/tmp', containerPath: '/proc/sys' }];
      const bad = { ...(await standard('bad')), mounts };
      await expect(pod.create(bad)).rejects.toThrow(/procfs/u);
      expect(await tables()).toEqual(withPods);
      for (const containerId of ids) {
        await ground.server.client.runtime.removeContainer({ containerId });
      }
      expect(await tables()).toEqual(withPods);
    }
    for (const { podSandboxId } of pods) {
      await ground.server.client.runtime.stopPodSandbox({ podSandboxId });
      await ground.server.client.runtime.removePodSandbox({ podSandboxId });
    }
    expect(await tables()).toEqual(before);
  });
});

describe('a seccomp profile', () => {
  async function compilations(): Promise<number> {
    const addresses = [...ground.server.log.matchAll(/"metrics":"([^"]+)"/gu)];
    const text = await (await fetch(`http://${addresses.at(-1)?.[1]}/metrics`)).text();
    return Number(/^estiba_seccomp_compilations_total (\d+)$/mu.exec(text)?.[1]);
  }

  /** Twelve containers at once: four with few capabilities, four with the usual, four with a profile of the node. */
  async function makeTwelve(localhost: Security): Promise<void> {
    const usual = () => withSecurity(['sleep', '1000'], runtimeDefault);
    const make = [() => standard('filtered'), usual, () => standard('own', localhost)];
    const all = Array.from({ length: 4 }, () => make.map(async (each) => await each())).flat();
    const configs = await Promise.all(all);
    const ids = await Promise.all(configs.map((config) => ground.run(config)));
    const seen = await exec(ground.server, ids[0] ?? '', 'grep Seccomp: /proc/self/status');
    expect(seen.stdout).toBe('Seccomp:\t2\n');
    await Promise.all(
      ids.map((containerId) => ground.server.client.runtime.removeContainer({ containerId })),
    );
  }

  it('is compiled once, RuntimeDefault before the first container asks; so after a restart', async () => {
    const directory = join(ground.server.stateDir, 'profiles');
    await mkdir(directory);
    const localhostRef = join(directory, 'own.json');
    await writeFile(localhostRef, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW' }));
    const localhost = { seccomp: { profileType: ProfileType.Localhost, localhostRef } };
    for (const time of ['first', 'restarted']) {
      const before = await compilations();
      // RuntimeDefault for the usual capabilities, and for few.
      expect(before, time).toBe(2);
      await makeTwelve(localhost);
      expect(await compilations(), time).toBe(before + 1);
      await makeTwelve(localhost);
      expect(await compilations(), time).toBe(before + 1);
      await ground.server.stopServing();
      await ground.server.serve();
    }
  });
});

describe('the server', () => {
  /** Page faults of its children that have ended: each process that it ever waited for had some. */
  async function faultsOfChildren(): Promise<number> {
    const text = await readFile(`/proc/${ground.server.serverPid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[8]);
  }

  /** Children of any of its threads that live. */
  async function children(): Promise<string> {
    const pid = ground.server.serverPid;
    const threads = await readdir(`/proc/${pid}/task`);
    const each = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8'));
    return (await Promise.all(each)).join('');
  }

  it('starts no process for a pod, its network, its containers and their end', async () => {
    const before = [await faultsOfChildren(), await children()];
    const pod = await ground.another();
    const id = await pod.run(await standard('spawned'));
    expect(await children()).toBe(before[1]);
    expect((await exec(ground.server, id, 'echo done')).stdout).toBe('done\n');
    await ground.server.client.runtime.stopContainer({ containerId: id });
    await ground.server.client.runtime.removeContainer({ containerId: id });
    const { podSandboxId } = pod;
    await ground.server.client.runtime.stopPodSandbox({ podSandboxId });
    await ground.server.client.runtime.removePodSandbox({ podSandboxId });
    expect([await faultsOfChildren(), await children()]).toEqual(before);
  });
});
