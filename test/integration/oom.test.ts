// Processes that the kernel kills for lack of memory: never missed, told with the limit reached.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { cgroupOf, pidOf } from '../lib/cgroups.ts';
import { Fixture, withResources } from '../lib/fixture.ts';
import { kubepods } from '../lib/leftovers.ts';
import { eventually, exec, exited, statusOf } from '../lib/pods.ts';
import { pidsNamed, statOf } from '../lib/processes.ts';
import { limitMs } from '../lib/time.ts';

const mebi = 1024 * 1024;
/** Far more than any limit here: how long it takes to fail does not depend on it. */
const eater = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=100M', 'count=1'];
const { CONTAINER_RUNNING } = runtime.v1.ContainerState;

let ground: Fixture;
let isV2 = false;

beforeAll(async () => {
  ground = await Fixture.start();
  ({ isV2 } = await cgroupOf(ground.server, await ground.wait()));
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

function limited(
  bytes: number,
  command: readonly string[],
): runtime.v1.ContainerConfig.$Properties {
  return withResources(command, {
    memoryLimitInBytes: toLong(bytes),
    memorySwapLimitInBytes: toLong(bytes),
  });
}

/** Gives a cgroup below the base a limit, as the kubelet does for pods; makes it where it is missing. */
async function limit(path: string, bytes: number): Promise<void> {
  const root = isV2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
  const names = `${ground.server.cgroupBase}/${path}`.split('/').filter((name) => name !== '');
  for (const [index, name] of names.entries()) {
    const above = join(root, ...names.slice(0, index));
    await mkdir(join(above, name), { recursive: true });
    if (isV2) {
      await writeFile(join(above, 'cgroup.subtree_control'), '+memory');
    }
  }
  // v1: memory alone must never be above memory and swap; one of the two writes of that is in order.
  const both = 'memory.memsw.limit_in_bytes';
  const files = isV2 ? ['memory.max', 'memory.swap.max'] : [both, 'memory.limit_in_bytes', both];
  for (const file of files) {
    const value = file === 'memory.swap.max' ? 0 : bytes;
    await writeFile(join(root, ...names, file), String(value)).catch(() => {});
  }
}

describe('a container that is killed', () => {
  it('says so by reason and exit code, and names its limit', async () => {
    const id = await ground.run(limited(15 * mebi, eater));
    expect(await exited(ground.server, id)).toMatchObject({
      reason: 'OOMKilled',
      exitCode: 137,
      message:
        'the kernel killed 1 process of it for lack of memory: ' +
        `the container's limit of ${15 * mebi} bytes was reached`,
    });
  });

  it('says so also when a shell in between ends by itself', async () => {
    const id = await ground.run(
      limited(15 * mebi, ['/bin/sh', '-c', `${eater.join(' ')}; exit $?`]),
    );
    expect(await exited(ground.server, id)).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
  });

  it('says so each time, however short it lives', async () => {
    const ids = await Promise.all(
      Array.from({ length: 10 }, () => ground.run(limited(8 * mebi, eater))),
    );
    const ends = await Promise.all(ids.map((id) => exited(ground.server, id)));
    expect(new Set(ends.map(({ reason }) => reason))).toEqual(new Set(['OOMKilled']));
  });

  it('names the limit of its pod when that was reached', async () => {
    const cgroupParent = `${ground.server.cgroupBase}/${kubepods}`;
    await limit(kubepods, 16 * mebi);
    const pod = await ground.another({ linux: { ...ground.pod.linux, cgroupParent } });
    const end = await exited(ground.server, await pod.run(limited(64 * mebi, eater)));
    expect(end).toMatchObject({
      reason: 'OOMKilled',
      exitCode: 137,
      message:
        'the kernel killed 1 process of it for lack of memory: ' +
        `the pod's limit of ${16 * mebi} bytes was reached (cgroup "${cgroupParent}")`,
    });
  });

  it('names a limit above its pod when that was reached', async () => {
    const slice = dirname(kubepods);
    await limit(slice, 16 * mebi);
    await limit(kubepods, 64 * mebi);
    const cgroupParent = `${ground.server.cgroupBase}/${kubepods}`;
    const pod = await ground.another({ linux: { ...ground.pod.linux, cgroupParent } });
    const end = await exited(ground.server, await pod.run(limited(64 * mebi, eater)));
    const cgroup = `${ground.server.cgroupBase}/${slice}`;
    expect(end.message).toContain(`the limit of ${16 * mebi} bytes of cgroup "${cgroup}"`);
  });

  it('takes all its processes along where the kubelet asks for that', async () => {
    const script = `sleep 1000 & ${eater.join(' ')}; sleep 1000`;
    const base = limited(15 * mebi, ['/bin/sh', '-c', script]);
    const resources = { ...base.linux?.resources, unified: { 'memory.oom.group': '1' } };
    const config = { ...base, linux: { ...base.linux, resources } };
    if (!isV2) {
      await expect(ground.create(config)).rejects.toThrow(/memory\.oom\.group.*cgroup v2/u);
      return;
    }
    const end = await exited(ground.server, await ground.run(config));
    expect(end).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
    expect(end.message).toMatch(/killed [2-9] processes/u);
  });
});

describe('a container that lives on', () => {
  it('tells of a child that was killed, also after the server has started anew', async () => {
    const id = await ground.run(
      limited(15 * mebi, ['/bin/sh', '-c', `${eater.join(' ')}; sleep 1000`]),
    );
    const told = async () => {
      const { state, message, reason } = await statusOf(ground.server, id);
      expect([state, reason]).toEqual([CONTAINER_RUNNING, '']);
      expect(message).toContain('killed 1 process of it');
    };
    await eventually(told);
    expect(await ground.server.metrics()).toMatch(
      /^estiba_container_oom_kills_total\{level="container"\} [1-9]/mu,
    );
    expect(ground.server.log).toMatch(
      new RegExp(`"containerId":"${id}".*"level":"container"`, 'u'),
    );
    await ground.server.stopServing();
    await ground.server.serve();
    await told();
    await ground.server.client.runtime.stopContainer({ containerId: id });
    expect((await statusOf(ground.server, id)).reason).toBe('OOMKilled');
  });

  it('is Completed when it ends well in spite of that', async () => {
    const id = await ground.run(
      limited(15 * mebi, ['/bin/sh', '-c', `${eater.join(' ')}; exit 0`]),
    );
    const end = await exited(ground.server, id);
    // Without a word of it: the kubelet would put that before the program's own termination message.
    expect([end.reason, end.exitCode, end.message]).toEqual(['Completed', 0, '']);
  });

  it('tells of a command of ExecSync that was killed', async () => {
    const id = await ground.run(limited(15 * mebi, ['sleep', '1000']));
    expect((await exec(ground.server, id, eater.join(' '))).exitCode).toBe(137);
    await eventually(async () => {
      const { state, message } = await statusOf(ground.server, id);
      expect(state).toBe(CONTAINER_RUNNING);
      expect(message).toContain('killed 1 process of it');
    });
    expect(ground.server.log).toContain('a command in a container was killed for lack of memory');
    expect((await exec(ground.server, id, 'echo alive')).stdout).toBe('alive\n');
  });
});

describe('the monitor', () => {
  /** Pid and start of every monitor. */
  async function monitors(): Promise<string[]> {
    const stats = await Promise.all((await pidsNamed('estiba-monitor')).map(statOf));
    return stats.map((stat) => `${stat?.pid} ${stat?.startTicks}`).toSorted();
  }

  it('is neither killed nor starved by hogs in its pod, and stands outside of its limits', async () => {
    const cgroupParent = `${ground.server.cgroupBase}/${kubepods}`;
    const others = await monitors();
    const pod = await ground.another({ linux: { ...ground.pod.linux, cgroupParent } });
    const ours = (await monitors()).filter((one) => !others.includes(one));
    expect(ours).toHaveLength(1);
    const [pid = ''] = (ours[0] ?? '').split(' ');
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    expect(groups).not.toContain(kubepods);
    expect(groups).toContain(`${ground.server.cgroupBase}/monitors`);
    const quiet = await pod.run(withResources(['sleep', '1000'], {}));
    await limit(dirname(kubepods), 256 * mebi);
    await limit(kubepods, 48 * mebi);
    const score = async (of: string | number): Promise<number> =>
      Number(await readFile(`/proc/${of}/oom_score_adj`, 'utf8'));
    expect(await score(pid)).toBeLessThanOrEqual(await score(await pidOf(ground.server, quiet)));
    // Without limits of their own: memory up to the pod's limit again and again, processes, output.
    const eat = `while :; do ${eater.join(' ')} 2>/dev/null; done`;
    const hogs = [eat, `(${eat})& (${eat})& yes`, 'while :; do (:) & wait; done'];
    const ids = await Promise.all(
      hogs.map((script) =>
        pod.run(withResources(['/bin/sh', '-c', script], { oomScoreAdj: toLong(1000) })),
      ),
    );
    await eventually(async () => {
      const metrics = await ground.server.metrics();
      const kills = /^estiba_container_oom_kills_total\{level="pod"\} (\d+)/mu.exec(metrics)?.[1];
      expect(Number(kills)).toBeGreaterThan(5);
    });
    for (let round = 0; round < 5; round += 1) {
      const before = performance.now();
      await ground.server.client.runtime.containerStatus({ containerId: quiet, verbose: true });
      const id = await pod.create(withResources(['true'], {}));
      await ground.server.client.runtime.removeContainer({ containerId: id });
      expect(performance.now() - before).toBeLessThan(limitMs(10_000));
    }
    const timeout = toLong(0);
    await Promise.all(
      ids.map((containerId) =>
        ground.server.client.runtime.stopContainer({ containerId, timeout }),
      ),
    );
    expect((await exec(ground.server, quiet, 'echo alive')).stdout).toBe('alive\n');
    expect((await monitors()).filter((one) => !others.includes(one))).toEqual(ours);
  });
});
