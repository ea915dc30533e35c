import { expect, test } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import { toLong } from '../../proto/long.ts';
import { FakePeer } from './fake-peer.ts';
import { maxFrameBytes } from './frame.ts';
import { MonitorClient } from './monitor-client.ts';
import type { MonitorEvent } from './monitor-messages.ts';
import { protocolVersion } from './protocol.ts';

type Wire = typeof estiba.isolation.v1;
const v1: Wire = estiba.isolation.v1;

const execRequest = { containerId: 'c', argv: ['true'], timeoutMs: 0, outputLimitBytes: 10 };

test('answers reach their own calls, in whatever order they come', async () => {
  const waiting: number[] = [];
  await using peer = await FakePeer.monitor((request, id, connection) => {
    expect(request.startContainer?.containerId).toBe(`c${waiting.length}`);
    waiting.push(id);
    if (waiting.length === 3) {
      for (const done of waiting.toReversed()) {
        connection.monitorReply(done, { done: true, containerStarted: { pid: done * 100 } });
      }
    }
  });
  const client = await MonitorClient.connect(peer.socketPath);
  const started = await Promise.all(['c0', 'c1', 'c2'].map((id) => client.startContainer(id)));
  expect(started.map(({ pid }) => pid)).toEqual(waiting.map((id) => id * 100));
  client.close();
});

test('createContainer sends the whole request and returns times as bigint', async () => {
  await using peer = await FakePeer.monitor(({ createContainer }, id, connection) => {
    expect(createContainer).toMatchObject({
      containerId: 'c',
      rootfs: { lowerDirs: ['/top', '/base'], writableDir: '/w', volatile: true },
      stdio: { logPath: '/l/0.log', logDirectory: '/l', tty: false, stdin: true, stdinOnce: false },
      user: { user: 'web', group: '', supplementalGids: [7], strictGroups: true },
      pidTargetContainerId: '',
    });
    expect(Buffer.from(createContainer?.specJson ?? []).toString()).toBe('{"é":1}');
    connection.monitorReply(id, {
      done: true,
      containerCreated: {
        pid: 5,
        user: { uid: 1, gid: 2, additionalGids: [3] },
        createdAtNs: toLong(1_700_000_000_123_456_789n),
        steps: [{ step: 'mount-rootfs', elapsedUs: toLong(40) }],
      },
    });
  });
  const client = await MonitorClient.connect(peer.socketPath);
  expect(
    await client.createContainer({
      containerId: 'c',
      specJson: '{"é":1}',
      rootfs: { lowerDirs: ['/top', '/base'], writableDir: '/w', volatile: true },
      stdio: { logPath: '/l/0.log', logDirectory: '/l', tty: false, stdin: true, stdinOnce: false },
      user: { user: 'web', group: '', supplementalGids: [7], strictGroups: true },
    }),
  ).toEqual({
    pid: 5,
    user: { uid: 1, gid: 2, additionalGids: [3] },
    createdAtNs: 1_700_000_000_123_456_789n,
    steps: [{ step: 'mount-rootfs', elapsedUs: 40 }],
  });
  client.close();
});

test('every other call sends its own message and takes its own answer', async () => {
  const exit = { exitCode: 137, signal: 9, oomKilled: true, finishedAtNs: toLong(5) };
  const state = { containerId: 'c', phase: v1.ContainerPhase.EXITED, exit };
  await using peer = await FakePeer.monitor((request, id, connection) => {
    const answers = {
      subscribe: { subscribed: {} },
      getPod: { pod: { podId: 'p', bootId: 'b', containers: [state] } },
      stopContainer: { containerStopped: state },
      removeContainer: { removed: {} },
      reopenLog: { reopened: {} },
      updateContainer: { updated: {} },
      stopPod: { podStopped: {} },
      releasePod: { podReleased: {} },
    };
    const answer = Object.entries(answers).find(([name]) => name === request.call)?.[1];
    connection.monitorReply(id, { done: true, ...answer });
  });
  const client = await MonitorClient.connect(peer.socketPath);
  await client.subscribe();
  const pod = await client.getPod();
  expect(pod).toMatchObject({ podId: 'p', bootId: 'b' });
  expect(pod.containers[0]).toMatchObject({ phase: 'exited', exit: { exitCode: 137 } });
  const stopped = await client.stopContainer('c', 15, 30_000);
  expect(stopped.exit).toMatchObject({ oomKilled: true, finishedAtNs: 5n });
  await client.removeContainer('c');
  await client.reopenLog('c');
  await client.updateContainer({ containerId: 'c', resourcesJson: '{}', oomScoreAdj: undefined });
  await client.stopPod();
  await client.releasePod();
  client.close();
});

test('execSync joins the pieces of both streams', async () => {
  await using peer = await FakePeer.monitor((_, id, connection) => {
    connection.monitorReply(id, { execOutput: { stdout: Buffer.from('ab') } });
    connection.monitorReply(id, { execOutput: { stderr: Buffer.from('!') } });
    connection.monitorReply(id, { execOutput: { stdout: Buffer.from('cd') } });
    connection.monitorReply(id, { done: true, execEnded: { exitCode: 2 } });
  });
  const client = await MonitorClient.connect(peer.socketPath);
  expect(await client.execSync(execRequest)).toEqual({
    exitCode: 2,
    timedOut: false,
    outputCut: false,
    oomKilled: false,
    stdout: Buffer.from('abcd'),
    stderr: Buffer.from('!'),
  });
  client.close();
});

test('execSync keeps no more than its limit of a monitor that does not cut', async () => {
  await using peer = await FakePeer.monitor((_, id, connection) => {
    connection.monitorReply(id, { execOutput: { stdout: Buffer.from('12345678') } });
    connection.monitorReply(id, { execOutput: { stdout: Buffer.from('9abc') } });
    connection.monitorReply(id, { execOutput: { stdout: Buffer.from('d') } });
    connection.monitorReply(id, { done: true, execEnded: {} });
  });
  const client = await MonitorClient.connect(peer.socketPath);
  const result = await client.execSync(execRequest);
  expect(result.stdout.toString()).toBe('123456789a');
  expect(result.outputCut).toBe(true);
  client.close();
});

test('an abort rejects at once, tells the monitor, and a late answer disturbs nobody', async () => {
  const canceled = Promise.withResolvers<number>();
  const controller = new AbortController();
  await using peer = await FakePeer.monitor((request, id, connection) => {
    if (request.execSync) {
      controller.abort();
    } else if (request.cancel) {
      const target = request.cancel.targetId?.toNumber() ?? 0;
      canceled.resolve(target);
      const fault = { code: v1.ErrorCode.CANCELED, message: 'cannot exec: canceled' };
      connection.monitorReply(target, { done: true, fault });
      connection.monitorReply(id, { done: true, canceled: {} });
    } else {
      connection.monitorReply(id, { done: true, reopened: {} });
    }
  });
  const client = await MonitorClient.connect(peer.socketPath);
  await expect(client.execSync(execRequest, controller.signal)).rejects.toMatchObject({
    code: 'Canceled',
    message: 'cannot exec in container "c": the caller gave up',
  });
  expect(await canceled.promise).toBe(1);
  await client.reopenLog('c');
  client.close();
});

test('a signal that has fired already sends nothing', async () => {
  await using peer = await FakePeer.monitor(() => {});
  const client = await MonitorClient.connect(peer.socketPath);
  await expect(client.getPod(AbortSignal.abort())).rejects.toMatchObject({ code: 'Canceled' });
  expect(peer.connections[0]?.received ?? []).toEqual([]);
  client.close();
});

test('a fault becomes the error it stands for and the connection lives on', async () => {
  await using peer = await FakePeer.monitor((request, id, connection) => {
    if (request.startContainer) {
      const fault = {
        code: v1.ErrorCode.NOT_FOUND,
        step: 'execve',
        errno: 2,
        message: 'cannot start container "c": "/x" does not exist',
      };
      connection.monitorReply(id, { done: true, fault });
    } else {
      connection.monitorReply(id, { done: true, removed: {} });
    }
  });
  const client = await MonitorClient.connect(peer.socketPath);
  await expect(client.startContainer('c')).rejects.toMatchObject({
    code: 'NotFound',
    step: 'execve',
    errno: 2,
    message: 'cannot start container "c": "/x" does not exist',
  });
  await client.removeContainer('c');
  client.close();
});

test('events reach every listener until it is taken away', async () => {
  await using peer = await FakePeer.monitor((_, id, connection) => {
    connection.monitorReply(0, {
      containerExited: {
        containerId: 'c',
        phase: v1.ContainerPhase.EXITED,
        exit: { exitCode: 1, startedAtNs: toLong(3) },
      },
    });
    const oom = { kills: toLong(2), level: v1.OomLevel.OOM_LEVEL_POD, cgroup: '/p' };
    connection.monitorReply(0, { containerOomKilled: { containerId: 'c', oom } });
    connection.monitorReply(0, { podInitDied: { exit: { exitCode: 137 } } });
    connection.monitorReply(id, { done: true, subscribed: {} });
  });
  const client = await MonitorClient.connect(peer.socketPath);
  const seen: MonitorEvent[] = [];
  const forget = client.onEvent((event) => seen.push(event));
  await client.subscribe();
  expect(seen).toMatchObject([
    { kind: 'containerExited', state: { containerId: 'c', exit: { startedAtNs: 3n } } },
    {
      kind: 'containerOomKilled',
      containerId: 'c',
      oom: { kills: 2, level: 'pod', cgroup: '/p', limitBytes: 0 },
    },
    { kind: 'podInitDied', exit: { exitCode: 137 } },
  ]);
  forget();
  await client.subscribe();
  expect(seen).toHaveLength(3);
  client.close();
});

test('when the monitor dies every pending and every later call is Unavailable, and onClose runs once', async () => {
  await using peer = await FakePeer.monitor((request, _, { socket }) => {
    if (request.stopPod) {
      socket.destroy();
    }
  });
  const client = await MonitorClient.connect(peer.socketPath, { podId: 'p1' });
  const closes: string[] = [];
  client.onClose((error) => closes.push(error.message));
  const exec = client.execSync(execRequest);
  const stop = client.stopPod();
  await expect(exec).rejects.toMatchObject({
    code: 'Unavailable',
    message: 'cannot exec in container "c": the monitor of pod p1 is gone',
  });
  await expect(stop).rejects.toMatchObject({ code: 'Unavailable' });
  await expect(client.getPod()).rejects.toMatchObject({
    message: 'cannot ask the state of pod p1: the monitor of pod p1 is gone',
  });
  client.close();
  expect(client.isClosed).toBe(true);
  expect(closes).toEqual(['the monitor of pod p1 is gone']);
});

test.each([
  ['bytes that do not parse', Buffer.from('0400000031313131', 'hex'), /out of reach/],
  ['a frame that is too long', Buffer.from('ffffffff', 'hex'), /4294967295 bytes, more than/],
  ['half a frame', Buffer.from('0a00000008', 'hex'), /in the middle of a frame/],
])('%s ends the connection and says so', async (_, bytes, why) => {
  await using peer = await FakePeer.monitor((_request, _id, { socket }) => socket.end(bytes));
  const client = await MonitorClient.connect(peer.socketPath);
  await expect(client.getPod()).rejects.toThrow(why);
  await peer.connections[0]?.closed;
});

test('crashing at any frame of an answer leaves no call hanging', async () => {
  for (let frames = 0; frames < 4; frames += 1) {
    await using peer = await FakePeer.monitor((_, id, connection) => {
      for (let sent = 0; sent < frames; sent += 1) {
        connection.monitorReply(id, { execOutput: { stdout: Buffer.from('x') } });
      }
      connection.socket.end();
    });
    const client = await MonitorClient.connect(peer.socketPath);
    await expect(client.execSync(execRequest)).rejects.toMatchObject({ code: 'Unavailable' });
  }
});

test('a request too long for a frame is refused and the connection lives on', async () => {
  await using peer = await FakePeer.monitor((_, id, connection) => {
    connection.monitorReply(id, { done: true, removed: {} });
  });
  const client = await MonitorClient.connect(peer.socketPath);
  const argv = ['x'.repeat(maxFrameBytes)];
  await expect(client.execSync({ ...execRequest, argv })).rejects.toMatchObject({
    code: 'ResourceExhausted',
  });
  await client.removeContainer('c');
  client.close();
});

test('a monitor that nobody runs is Unavailable', async () => {
  await using peer = await FakePeer.monitor(() => {});
  await expect(MonitorClient.connect(`${peer.dir}/none.sock`)).rejects.toMatchObject({
    code: 'Unavailable',
    message: expect.stringContaining('there is no such socket'),
  });
});

test('what an older monitor does not know is told by its age; one of our version has none', async () => {
  let version = 1;
  await using peer = await FakePeer.monitor(({ updateContainer }, id, connection) => {
    const message = 'cannot serve request: this build does not know it';
    const fault = { code: v1.ErrorCode.UNIMPLEMENTED, step: 'dispatch', message };
    connection.monitorReply(id, {
      version,
      done: true,
      ...(updateContainer ? { fault } : { subscribed: {} }),
    });
  });
  const update = { containerId: 'c', resourcesJson: '{}', oomScoreAdj: undefined };
  const older = await MonitorClient.connect(peer.socketPath);
  await older.subscribe();
  expect(older.isOlder).toBe(true);
  await expect(older.updateContainer(update)).rejects.toMatchObject({
    code: 'Unimplemented',
    step: 'dispatch',
    message:
      'cannot serve request: this build does not know it; ' +
      'the pod was made by an older version of this server',
  });
  older.close();
  version = protocolVersion;
  const same = await MonitorClient.connect(peer.socketPath);
  await same.subscribe();
  expect(same.isOlder).toBe(false);
  await expect(same.updateContainer(update)).rejects.toThrow(/does not know it$/u);
  same.close();
});
