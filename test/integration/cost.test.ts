// What containers must not cost, however many there are: compiled filters, processes of the server.
// (Nor mounts of the host: mount-table.test.ts.)
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { exec } from '../lib/pods.ts';
import { runtimeDefault, standard } from '../lib/standard.ts';

const { ProfileType } = runtime.v1.SecurityProfile;

type Security = runtime.v1.LinuxContainerSecurityContext.$Properties;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

describe('a seccomp profile', () => {
  async function compilations(): Promise<number> {
    const text = await ground.server.metrics();
    return Number(/^estiba_seccomp_compilations_total (\d+)$/mu.exec(text)?.[1]);
  }

  /** Twelve containers at once: four with few capabilities, four with the usual, four with a profile of the node. */
  async function makeTwelve(localhost: Security): Promise<void> {
    const usual = () => withSecurity(['sleep', '1000'], runtimeDefault);
    const make = [
      () => standard(ground, 'filtered'),
      usual,
      () => standard(ground, 'own', localhost),
    ];
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
    const id = await pod.run(await standard(ground, 'spawned'));
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
