// Processes: whose a container sees, its terminal, how it ends and what is told about that.
import { readdir, readFile, stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { importOnBusybox } from '../lib/images.ts';
import { containerConfig, eventually, exec, exited, readLog, statusOf } from '../lib/pods.ts';
import { limitMs } from '../lib/time.ts';

const { ContainerState, NamespaceMode } = runtime.v1;

const signalled = 'localhost/estiba/stop-signal:latest';

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
  await importOnBusybox(ground.server, signalled, [], { StopSignal: 'SIGUSR1' });
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const podWithPid = (pid: runtime.v1.NamespaceMode) =>
  ground.another({
    linux: {
      securityContext: {
        namespaceOptions: { network: NamespaceMode.POD, pid, ipc: NamespaceMode.POD },
      },
    },
  });

const withPid = (script: string, pid: runtime.v1.NamespaceMode, targetId = '') =>
  withSecurity(script, {
    namespaceOptions: { network: NamespaceMode.POD, pid, ipc: NamespaceMode.POD, targetId },
  });

const stop = (containerId: string, seconds: number) =>
  ground.server.client.runtime.stopContainer({ containerId, timeout: toLong(seconds) });

describe('a process namespace', () => {
  it('of its own has the program as pid 1 and nobody else', async () => {
    const found = await ground.outcome(containerConfig('echo $$; set -- /proc/[0-9]*; echo $#'));
    expect(found.stdout).toBe('1\n1\n');
  });

  it('of the pod shows nothing through its pid 1, not even to who may trace it', async () => {
    const pod = await podWithPid(NamespaceMode.POD);
    const tracer = withSecurity('exec sleep 1000', {
      namespaceOptions: { network: NamespaceMode.POD, pid: NamespaceMode.POD },
      capabilities: { addCapabilities: ['SYS_PTRACE'] },
    });
    const id = await pod.run(tracer);
    const look =
      'ls -A /proc/1/root/ && echo nothing; touch /proc/1/root/x; wc -l </proc/1/mountinfo';
    const seen = await exec(pod.server, id, look);
    expect(seen.stdout).toBe('nothing\n1\n');
    expect(seen.stderr).toContain('Read-only file system');
  });

  it('of no container lets the mode of the host’s null device be changed by its streams', async () => {
    const id = await ground.run(containerConfig('exec sleep 1000'));
    const change = 'chmod 600 /proc/1/fd/0; chmod 600 /proc/self/fd/0; stat -Lc %t:%T /proc/1/fd/0';
    const seen = await exec(ground.server, id, change);
    expect(seen.stdout).toBe('1:3\n');
    expect(seen.stderr.match(/Read-only file system/gu)).toHaveLength(2);
    expect((await stat('/dev/null')).mode & 0o777).toBe(0o666);
  });

  it('of the pod is shared by its containers, pid 1 is ours', async () => {
    const pod = await podWithPid(NamespaceMode.POD);
    const marked = await pod.run(withPid('exec sleep 4242', NamespaceMode.POD));
    const other = await pod.run(withPid('exec sleep 1000', NamespaceMode.POD));
    const seen = await exec(
      pod.server,
      other,
      'cat /proc/1/comm; cat /proc/*/cmdline | tr "\\0" " "',
    );
    expect(seen.stdout).toContain('estiba-init\n');
    expect(seen.stdout).toContain('sleep 4242');
    await stop(marked, 0);
    expect((await statusOf(pod.server, other)).state).toBe(ContainerState.CONTAINER_RUNNING);
    // A container of its own in such a pod is refused nowhere: it is simply apart.
    const apart = await pod.outcome(withPid('echo $$', NamespaceMode.CONTAINER));
    expect(apart.stdout).toBe('1\n');
  });

  it('of the pod cannot be asked for in a pod without one', async () => {
    await expect(ground.create(withPid('true', NamespaceMode.POD))).rejects.toThrow(
      /INVALID_ARGUMENT.*the sandbox was made with pid mode CONTAINER/u,
    );
    await expect(ground.create(withPid('true', NamespaceMode.NODE))).rejects.toThrow(
      /INVALID_ARGUMENT.*the sandbox was not made with pid mode NODE/u,
    );
  });

  it('of the node shows the host', async () => {
    const pod = await podWithPid(NamespaceMode.NODE);
    const script = `cat /proc/${process.pid}/comm; echo pid $$`;
    const found = await pod.outcome(withPid(script, NamespaceMode.NODE));
    const own = await readFile(`/proc/${process.pid}/comm`, 'utf8');
    expect(found.stdout.startsWith(own)).toBe(true);
    expect(found.stdout).not.toContain('pid 1\n');
  });

  it('of a target is that container’s', async () => {
    const target = await ground.run(containerConfig('exec sleep 4343'));
    const script = 'cat /proc/1/cmdline | tr "\\0" " "; test $$ != 1';
    const found = await ground.outcome(withPid(script, NamespaceMode.TARGET, target));
    expect(found).toMatchObject({ stdout: 'sleep 4343 ', stderr: '', status: { exitCode: 0 } });
    await stop(target, 0);
    await expect(ground.create(withPid('true', NamespaceMode.TARGET, target))).rejects.toThrow(
      target,
    );
    const nobody = 'f'.repeat(64);
    await expect(ground.create(withPid('true', NamespaceMode.TARGET, nobody))).rejects.toThrow(
      nobody,
    );
  });

  it('that loses its pid 1 loses every process', async () => {
    const id = await ground.run(containerConfig('sleep 4444 & sleep 4444 & exit 3'));
    await expect(exited(ground.server, id)).resolves.toMatchObject({ exitCode: 3 });
    expect(await commandLines()).not.toContain('sleep\x004444');
  });
});

async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).join('\n');
}

describe('a terminal', () => {
  it('is one stream of lines, with the size of nobody, on the container’s own devpts', async () => {
    const script = 'tty; test -t 0 && test -t 1 && test -t 2 && echo all; echo err >&2; echo $TERM';
    const found = await ground.outcome(containerConfig(script, { tty: true, stdin: true }));
    expect(found.stderr).toBe('');
    // The terminal turns line ends into CR LF, as every runtime's log shows.
    expect(found.stdout.replaceAll('\r', '')).toBe('/dev/pts/0\nall\nerr\nxterm\n');
  });

  it('belongs to the user and is /dev/console too', async () => {
    const config = withSecurity(
      'stat -c %u /dev/pts/0; test -c /dev/console && echo console',
      { runAsUser: { value: toLong(1001) } },
      { tty: true },
    );
    const found = await ground.outcome(config);
    expect(found.stdout.replaceAll('\r', '')).toBe('1001\nconsole\n');
  });

  it('is absent where none was asked for: stdin is at its end', async () => {
    const found = await ground.outcome(containerConfig('tty; cat; echo end'));
    expect(found.stdout).toBe('not a tty\nend\n');
  });
});

describe('an end', () => {
  it.each([
    ['exit 0', 0, 'Completed'],
    ['exit 1', 1, 'Error'],
    ['exit 255', 255, 'Error'],
    // From inside, no signal without a handler reaches pid 1.
    ['kill -9 $$; exit 0', 0, 'Completed'],
  ])('of "%s" is told as %i %s', async (script, exitCode, reason) => {
    const { status } = await ground.outcome(containerConfig(script));
    expect(status).toMatchObject({ exitCode, reason });
  });

  it.each([
    ['KILL', 137],
    ['TERM', 143],
    ['SEGV', 139],
  ])('by SIG%s is told as %i Error', async (signal, exitCode) => {
    // Not pid 1, which signals without a handler do not reach from inside.
    const pod = await podWithPid(NamespaceMode.POD);
    const config = withPid(`kill -${signal} $$; sleep 100`, NamespaceMode.POD);
    const { status } = await pod.outcome(config);
    expect(status).toMatchObject({ exitCode, reason: 'Error' });
    expect(Number(status.finishedAt)).toBeGreaterThanOrEqual(Number(status.startedAt));
    expect(Number(status.startedAt)).toBeGreaterThanOrEqual(Number(status.createdAt));
  });
});

describe('a stop', () => {
  const waitFor = (id: string) =>
    eventually(async () => {
      const path = (await statusOf(ground.server, id)).logPath ?? '';
      expect((await readLog(path)).length).toBeGreaterThan(0);
    });

  const trapping = (signal: string, change = {}) =>
    containerConfig(`trap "exit 7" ${signal}; echo ready; while :; do sleep 0.02; done`, {
      logPath: `stop-${signal}-${Math.random()}/0.log`,
      ...change,
    });

  const stubborn = ['/bin/sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.02; done'];

  it('sends the signal of the image', async () => {
    const id = await ground.run(trapping('USR1', { image: { image: signalled } }));
    await waitFor(id);
    await stop(id, 30);
    const stopSignal = runtime.v1.Signal.SIGNAL_SIGUSR1;
    expect(await statusOf(ground.server, id)).toMatchObject({ exitCode: 7, stopSignal });
  });

  it('sends the signal of the request before that of the image', async () => {
    const stopSignal = runtime.v1.Signal.SIGNAL_SIGUSR2;
    const change = { image: { image: signalled }, stopSignal };
    const id = await ground.run(trapping('USR2', change));
    await waitFor(id);
    await stop(id, 30);
    expect(await statusOf(ground.server, id)).toMatchObject({ exitCode: 7, stopSignal });
  });

  it.each([
    ['of the image', 'SIGRTMIN+3', undefined, 37],
    ['of the image, by number', '40', undefined, 40],
    ['of the request', undefined, runtime.v1.Signal.SIGNAL_SIGRTMINPLUS5, 39],
    [
      'of the request, counted from the end',
      'SIGTERM',
      runtime.v1.Signal.SIGNAL_SIGRTMAXMINUS2,
      62,
    ],
  ])('sends the real-time signal %s', async (_whose, ofImage, ofRequest, number) => {
    const tag = `localhost/estiba/real-time-${number}:latest`;
    await importOnBusybox(ground.server, tag, [], ofImage ? { StopSignal: ofImage } : {});
    const stopSignal = ofRequest === undefined ? {} : { stopSignal: ofRequest };
    const id = await ground.run(trapping(String(number), { image: { image: tag }, ...stopSignal }));
    await waitFor(id);
    await stop(id, 30);
    expect(await statusOf(ground.server, id)).toMatchObject({ exitCode: 7 });
  });

  it('with grace 0 kills at once', async () => {
    const id = await ground.run(trapping('TERM'));
    await waitFor(id);
    await stop(id, 0);
    expect(await statusOf(ground.server, id)).toMatchObject({
      state: ContainerState.CONTAINER_EXITED,
      exitCode: 137,
      reason: 'Error',
    });
  });

  it('with less grace than an earlier one wins, and both answer at the death', async () => {
    const id = await ground.run(containerConfig(stubborn, { logPath: 'stubborn.log' }));
    await waitFor(id);
    const before = performance.now();
    const patient = stop(id, 600);
    await stop(id, 1);
    await patient;
    expect(performance.now() - before).toBeLessThan(limitMs(10_000));
    expect(await statusOf(ground.server, id)).toMatchObject({ exitCode: 137 });
  });

  it('of a pod kills all its containers at once', async () => {
    const pod = await ground.another();
    const ids = await Promise.all([1, 2, 3, 4].map(() => pod.run(containerConfig(stubborn))));
    const before = performance.now();
    const { podSandboxId } = pod;
    await ground.server.client.runtime.stopPodSandbox({ podSandboxId });
    expect(performance.now() - before).toBeLessThan(limitMs(5_000));
    for (const id of ids) {
      expect(await statusOf(ground.server, id)).toMatchObject({ exitCode: 137 });
    }
  });

  it('takes the descendants too and is fine a second time', async () => {
    const id = await ground.run(containerConfig('trap "" TERM; sleep 4545 & wait'));
    await stop(id, 0);
    expect(await commandLines()).not.toContain('sleep\x004545');
    await stop(id, 0);
    await stop('no-such-container', 0);
  });

  it('reaches a container that was created and never started', async () => {
    const id = await ground.create(containerConfig('true'));
    await stop(id, 5);
    const status = await statusOf(ground.server, id);
    expect(status.state).toBe(ContainerState.CONTAINER_EXITED);
    await expect(ground.server.client.runtime.startContainer({ containerId: id })).rejects.toThrow(
      /FAILED_PRECONDITION/u,
    );
  });
});
