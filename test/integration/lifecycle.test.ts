// Calls in any order, twice, at once, for things that are not there: what the kubelet relies on.
import { access } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture } from '../lib/fixture.ts';
import {
  containerConfig,
  createContainer,
  exec,
  exited,
  hostNetworkPodConfig,
  podConfig,
  runContainer,
  runPod,
  statusOf,
} from '../lib/pods.ts';

const { ContainerState, PodSandboxState } = runtime.v1;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const call = () => ground.server.client.runtime;
const unknown = 'deadbeef'.repeat(8);

describe('calls about what is not there', () => {
  it('end well where the kubelet only wants it gone', async () => {
    await call().stopPodSandbox({ podSandboxId: unknown });
    await call().removePodSandbox({ podSandboxId: unknown });
    await call().stopContainer({ containerId: unknown, timeout: toLong(0) });
    await call().removeContainer({ containerId: unknown });
    await call().removePodSandbox({ podSandboxId: '' });
    await call().removeContainer({ containerId: '' });
  });

  it('are NotFound where it wants to know', async () => {
    const quoted = new RegExp(`NOT_FOUND.*"${unknown}"`, 'u');
    const containerId = unknown;
    await expect(call().podSandboxStatus({ podSandboxId: unknown })).rejects.toThrow(quoted);
    await expect(call().containerStatus({ containerId })).rejects.toThrow(quoted);
    await expect(call().startContainer({ containerId })).rejects.toThrow(quoted);
    await expect(call().execSync({ containerId, cmd: ['true'] })).rejects.toThrow(quoted);
    const config = containerConfig('true');
    await expect(call().createContainer({ podSandboxId: unknown, config })).rejects.toThrow(quoted);
    const absent = containerConfig('true', { image: { image: 'localhost/no/such:1' } });
    await expect(ground.create(absent)).rejects.toThrow(/NOT_FOUND.*"localhost\/no\/such:1"/u);
  });

  it('without what they need are InvalidArgument', async () => {
    await expect(call().runPodSandbox({})).rejects.toThrow(/INVALID_ARGUMENT/u);
    await expect(call().runPodSandbox({ config: {} })).rejects.toThrow(/INVALID_ARGUMENT/u);
    const { podSandboxId } = ground;
    await expect(call().createContainer({ podSandboxId })).rejects.toThrow(/INVALID_ARGUMENT/u);
    await expect(
      call().runPodSandbox({ config: podConfig(), runtimeHandler: 'kata' }),
    ).rejects.toThrow(/runtime handler "kata"/u);
  });
});

describe('a container', () => {
  it('that runs is killed by its removal, and gone from the list at once', async () => {
    const id = await ground.wait();
    await call().removeContainer({ containerId: id });
    const { containers } = await call().listContainers({ filter: { id } });
    expect(containers).toEqual([]);
    await call().removeContainer({ containerId: id });
  });

  it('that ended keeps code and times through stops and restarts of the server', async () => {
    const id = await ground.run(containerConfig('exit 4'));
    const before = await exited(ground.server, id);
    await call().stopContainer({ containerId: id, timeout: toLong(5) });
    await ground.server.stopServing();
    await ground.server.serve();
    expect(JSON.stringify(await statusOf(ground.server, id))).toBe(JSON.stringify(before));
    await expect(call().startContainer({ containerId: id })).rejects.toThrow(
      /FAILED_PRECONDITION.*exited/u,
    );
  });

  it('is the same for the same request, and another for another attempt', async () => {
    const config = containerConfig('sleep 1000');
    const ids = await Promise.all([1, 2, 3].map(() => ground.create(config)));
    expect(new Set(ids).size).toBe(1);
    await expect(ground.create({ ...config, args: ['other'] })).rejects.toThrow(
      /ALREADY_EXISTS.*"args/u,
    );
    const again = { ...config, metadata: { ...config.metadata, attempt: 1 } };
    expect(await ground.create(again)).not.toBe(ids[0]);
    await call().startContainer({ containerId: ids[0] ?? '' });
    await expect(call().startContainer({ containerId: ids[0] ?? '' })).rejects.toThrow(
      /FAILED_PRECONDITION.*running/u,
    );
  });

  it('is found by id, prefix, state, sandbox and labels', async () => {
    const id = await ground.run(containerConfig('sleep 1000', { labels: { find: 'me', x: 'y' } }));
    const ended = await ground.run(containerConfig('true', { labels: { find: 'me', x: 'z' } }));
    await exited(ground.server, ended);
    const found = async (filter: runtime.v1.ContainerFilter.$Properties) =>
      (await call().listContainers({ filter })).containers?.map((one) => one.id ?? '').toSorted();
    const both = [id, ended].toSorted();
    expect(await found({ id: id.slice(0, 13) })).toEqual([id]);
    expect(await found({ labelSelector: { find: 'me' } })).toEqual(both);
    expect(await found({ labelSelector: { find: 'me', x: 'z' } })).toEqual([ended]);
    expect(await found({ labelSelector: { find: 'other' } })).toEqual([]);
    const state = { state: ContainerState.CONTAINER_RUNNING };
    expect(await found({ state, labelSelector: { find: 'me' } })).toEqual([id]);
    const inPod = { podSandboxId: ground.podSandboxId, labelSelector: { find: 'me' } };
    expect(await found(inPod)).toEqual(both);
    expect(await found({ podSandboxId: unknown })).toEqual([]);
  });

  it('whose caller gives up while it is created is there for the next call', async () => {
    const config = containerConfig('sleep 1000');
    const request = { podSandboxId: ground.podSandboxId, config, sandboxConfig: ground.pod };
    await call()
      .createContainer(request, { deadlineMs: 2 })
      .catch(() => undefined);
    const id = await ground.create(config);
    const { containers } = await call().listContainers({});
    const same = containers?.filter((one) => one.metadata?.name === config.metadata?.name);
    expect(same?.map((one) => one.id)).toEqual([id]);
  });
});

describe('a sandbox', () => {
  it('that is stopped has ended containers, which stay listed until it is removed', async () => {
    const pod = await ground.another();
    const running = await pod.wait();
    const created = await pod.create(containerConfig('true'));
    await call().stopPodSandbox({ podSandboxId: pod.podSandboxId });
    for (const id of [running, created]) {
      expect((await statusOf(pod.server, id)).state).toBe(ContainerState.CONTAINER_EXITED);
    }
    await expect(pod.create(containerConfig('true'))).rejects.toThrow(/FAILED_PRECONDITION/u);
    await call().stopPodSandbox({ podSandboxId: pod.podSandboxId });
    const { status } = await call().podSandboxStatus({ podSandboxId: pod.podSandboxId });
    expect(status?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
    await call().removePodSandbox({ podSandboxId: pod.podSandboxId });
    await expect(statusOf(pod.server, running)).rejects.toThrow(/NOT_FOUND/u);
  });

  it('that runs is stopped by its removal', async () => {
    const pod = await ground.another();
    const id = await pod.wait();
    await call().removePodSandbox({ podSandboxId: pod.podSandboxId });
    await expect(statusOf(pod.server, id)).rejects.toThrow(/NOT_FOUND/u);
    await expect(access(`/run/netns/estiba-${pod.podSandboxId}`)).rejects.toThrow('ENOENT');
  });

  it('frees its name when it is removed; a stopped one keeps it', async () => {
    const config = hostNetworkPodConfig();
    const first = await runPod(ground.server, config);
    await call().stopPodSandbox({ podSandboxId: first });
    await expect(runPod(ground.server, config)).rejects.toThrow(
      new RegExp(`ALREADY_EXISTS.*"${first}".*remove it first`, 'u'),
    );
    const next = { ...config, metadata: { ...config.metadata, attempt: 1 } };
    const second = await runPod(ground.server, next);
    expect(second).not.toBe(first);
    await call().removePodSandbox({ podSandboxId: first });
    expect(await runPod(ground.server, config)).not.toBe(first);
  });

  it('whose caller gives up while it starts is there for the next call', async () => {
    const config = podConfig();
    await call()
      .runPodSandbox({ config }, { deadlineMs: 5 })
      .catch(() => undefined);
    const id = await runPod(ground.server, config);
    const { items } = await call().listPodSandbox({});
    const same = items?.filter((one) => one.metadata?.name === config.metadata?.name);
    expect(same?.map((one) => one.id)).toEqual([id]);
  });

  it('may be stopped and removed by several callers at once', async () => {
    const pod = await ground.another();
    await pod.wait();
    const request = { podSandboxId: pod.podSandboxId };
    await Promise.all([
      call().stopPodSandbox(request),
      call().stopPodSandbox(request),
      call().removePodSandbox(request),
      call().removePodSandbox(request),
    ]);
    const { items } = await call().listPodSandbox({ filter: { id: pod.podSandboxId } });
    expect(items).toEqual([]);
  });

  it('has the limits of its sysctls, and refuses those of the host', async () => {
    const withSysctls = (sysctls: Record<string, string>) => ({
      linux: { ...ground.pod.linux, sysctls },
    });
    const pod = await ground.another(
      withSysctls({ 'kernel.shm_rmid_forced': '1', 'fs.mqueue.msg_max': '100' }),
    );
    const id = await pod.wait();
    const files = '/proc/sys/kernel/shm_rmid_forced /proc/sys/fs/mqueue/msg_max';
    expect((await exec(pod.server, id, `cat ${files}`)).stdout).toBe('1\n100\n');
    await expect(ground.another(withSysctls({ 'vm.swappiness': '1' }))).rejects.toThrow(
      /"vm.swappiness"/u,
    );
  });
});

describe('twenty pods at once', () => {
  it('come, each with an address of its own, and go without a trace', async () => {
    const { items: before } = await call().listPodSandbox({});
    const pods = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const config = podConfig();
        const id = await runPod(ground.server, config);
        const container = await createContainer(
          ground.server,
          id,
          config,
          containerConfig(['sleep', '1000']),
        );
        await call().startContainer({ containerId: container });
        const second = await runContainer(ground.server, id, config, containerConfig('exit 5'));
        await expect(exited(ground.server, second)).resolves.toMatchObject({ exitCode: 5 });
        return id;
      }),
    );
    const states = await Promise.all(
      pods.map(async (podSandboxId) => (await call().podSandboxStatus({ podSandboxId })).status),
    );
    expect(new Set(states.map((status) => status?.network?.ip)).size).toBe(20);
    await Promise.all(
      pods.map(async (podSandboxId) => {
        await call().stopPodSandbox({ podSandboxId });
        await call().removePodSandbox({ podSandboxId });
      }),
    );
    const { items: after } = await call().listPodSandbox({});
    expect(after).toHaveLength(before?.length ?? 0);
  });
});
