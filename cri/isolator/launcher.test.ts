import { expect, test } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import { toLong } from '../../proto/long.ts';
import { FakePeer } from './fake-peer.ts';
import { Launcher } from './launcher.ts';
import { protocolVersion } from './protocol.ts';

type Wire = typeof estiba.isolation.v1;
const v1: Wire = estiba.isolation.v1;

test('runProgram sends every field and returns plain values', async () => {
  await using peer = await FakePeer.launcher(({ version, runProgram }, connection) => {
    expect(version).toBe(protocolVersion);
    expect(runProgram).toMatchObject({ argv: ['/bin/x', 'y'], env: ['A=b'], cwd: '/tmp' });
    expect(runProgram?.deadlineMs?.toString()).toBe('1500');
    expect(Buffer.from(runProgram?.stdin ?? []).toString()).toBe('in');
    connection.launcherReply({
      done: true,
      programEnded: { exitCode: 3, stdout: Buffer.from('out'), elapsedUs: toLong(7) },
    });
  });
  const launcher = new Launcher({ socketPath: peer.socketPath });
  const ended = await launcher.runProgram({
    argv: ['/bin/x', 'y'],
    env: ['A=b'],
    stdin: 'in',
    cwd: '/tmp',
    deadlineMs: 1500,
  });
  expect(ended).toEqual({
    exitCode: 3,
    signal: 0,
    stdout: Buffer.from('out'),
    stderr: Buffer.alloc(0),
    timedOut: false,
    outputCut: false,
    elapsedUs: 7,
  });
  await peer.connections[0]?.closed;
});

test('startPod translates modes and sizes both ways', async () => {
  await using peer = await FakePeer.launcher(({ startPod }, connection) => {
    expect(startPod).toMatchObject({ podId: 'p', network: 2, ipc: 0, pid: 1, sysctls: { a: '1' } });
    expect(startPod?.shmSizeBytes?.toString()).toBe('67108864');
    connection.launcherReply({
      done: true,
      podStarted: {
        monitorPid: 9,
        monitorStartTimeTicks: toLong(123),
        netnsInode: toLong(4026531840),
      },
    });
  });
  const started = await new Launcher({ socketPath: peer.socketPath }).startPod({
    podId: 'p',
    podDir: '/run/p',
    netnsPath: '',
    network: 'node',
    ipc: 'pod',
    pid: 'container',
    hostname: 'h',
    sysctls: { a: '1' },
    shmSizeBytes: 64 * 1024 * 1024,
    cgroupParent: '',
  });
  expect(started).toMatchObject({
    monitorPid: 9,
    monitorStartTimeTicks: 123,
    netnsInode: 4026531840,
    ipcPath: '',
  });
});

test('labelTrees names every tree, and ends at the deadline it is given', async () => {
  await using peer = await FakePeer.launcher(({ labelTrees }, connection) => {
    expect(labelTrees?.trees).toMatchObject([
      { path: '/a', label: 'u:r:t:s0', shallow: true },
      { path: '/b', label: 'u:r:l:s0', shallow: false },
    ]);
    connection.launcherReply({ done: true, labelled: {} });
  });
  const trees = [
    { path: '/a', label: 'u:r:t:s0', isShallow: true },
    { path: '/b', label: 'u:r:l:s0', isShallow: false },
  ];
  await new Launcher({ socketPath: peer.socketPath }).labelTrees(trees);
  await using silent = await FakePeer.launcher(() => {});
  const labelling = new Launcher({ socketPath: silent.socketPath }).labelTrees(
    trees,
    undefined,
    20,
  );
  await expect(labelling).rejects.toMatchObject({ code: 'DeadlineExceeded' });
});

test('a fault becomes the error it stands for', async () => {
  await using peer = await FakePeer.launcher((_, connection) => {
    const fault = { code: v1.ErrorCode.NOT_FOUND, step: 'open', errno: 2, message: 'cannot x: y' };
    connection.launcherReply({ done: true, fault });
  });
  await expect(
    new Launcher({ socketPath: peer.socketPath }).removeTrees(['/a']),
  ).rejects.toMatchObject({ code: 'NotFound', step: 'open', errno: 2, message: 'cannot x: y' });
});

test('unpack reports progress in order and returns the final figures', async () => {
  await using peer = await FakePeer.launcher((_, connection) => {
    for (const entries of [1, 2, 3]) {
      connection.launcherReply({ unpackProgress: { entries: toLong(entries) } });
    }
    connection.launcherReply({ done: true, unpacked: { digest: 'sha256:a', incomplete: true } });
  });
  const seen: number[] = [];
  const unpacked = await new Launcher({ socketPath: peer.socketPath }).unpack(
    { sourcePath: '/blob', targetDir: '/layer' },
    { onProgress: ({ entries }) => seen.push(entries) },
  );
  expect(seen).toEqual([1, 2, 3]);
  expect(unpacked).toMatchObject({
    digest: 'sha256:a',
    isSelfContained: false,
    isIncomplete: true,
  });
});

test.each([
  [{ expectedDigest: 'sha256:a', expectedDiffId: 'sha256:b', sourcePath: '/c' }, 'sha256:a'],
  [{ expectedDigest: '', expectedDiffId: 'sha256:b', sourcePath: '/c' }, 'sha256:b'],
  [{ expectedDigest: '', expectedDiffId: '', sourcePath: '/c' }, '/c'],
  [{ sourcePath: '/c' }, '/c'],
])('a layer that cannot be unpacked is named by what is known of it: %j', async (request, name) => {
  await using peer = await FakePeer.launcher((_, connection) => connection.socket.destroy());
  const launcher = new Launcher({ socketPath: peer.socketPath });
  await expect(launcher.unpack({ targetDir: '/layer', ...request })).rejects.toThrow(
    `cannot unpack layer "${name}"`,
  );
});

test('unpack tells how far a file has grown, and its end', async () => {
  const told: [string, boolean][] = [];
  await using peer = await FakePeer.listen((message, connection) => {
    if (connection.received.length === 1) {
      const { unpack } = v1.LauncherRequest.decode(message);
      expect(unpack).toMatchObject({ sourcePath: '/blob', growing: true });
      return;
    }
    const grown = v1.UnpackGrown.decode(message);
    told.push([grown.bytes.toString(), grown.last]);
    if (grown.last) {
      connection.launcherReply({ done: true, unpacked: { stopped: true } });
    }
  });
  async function* growth(): AsyncGenerator<number> {
    yield 10;
    await Promise.resolve();
    yield 5_000_000_000;
  }
  const unpacked = await new Launcher({ socketPath: peer.socketPath }).unpack(
    { sourcePath: '/blob', targetDir: '/layer' },
    { growth: growth() },
  );
  expect(told).toEqual([
    ['10', false],
    ['5000000000', false],
    ['5000000000', true],
  ]);
  expect(unpacked.isStopped).toBe(true);
});

test('a growth that fails fails the job and closes its connection', async () => {
  await using peer = await FakePeer.launcher(() => {});
  async function* growth(): AsyncGenerator<number> {
    yield await Promise.reject(new Error('registry went away'));
  }
  await expect(
    new Launcher({ socketPath: peer.socketPath }).unpack(
      { sourcePath: '/blob', targetDir: '/layer' },
      { growth: growth() },
    ),
  ).rejects.toThrow('registry went away');
  await peer.connections[0]?.closed;
});

test('a job that ends early lets go of its growth', async () => {
  await using peer = await FakePeer.launcher((_, connection) =>
    connection.launcherReply({ done: true, unpacked: { stopped: true } }),
  );
  const { promise: released, resolve } = Promise.withResolvers<void>();
  const { promise: more, resolve: grow } = Promise.withResolvers<void>();
  async function* growth(): AsyncGenerator<number> {
    try {
      yield 1;
      await more;
      yield 2;
    } finally {
      resolve();
    }
  }
  await new Launcher({ socketPath: peer.socketPath }).unpack(
    { sourcePath: '/blob', targetDir: '/layer' },
    { growth: growth() },
  );
  grow();
  await released;
});

test('an abort closes the connection, which is how a job is cancelled', async () => {
  const controller = new AbortController();
  await using peer = await FakePeer.launcher(() => controller.abort());
  await expect(
    new Launcher({ socketPath: peer.socketPath }).runProgram(
      { argv: ['/bin/sleep'], env: [] },
      controller.signal,
    ),
  ).rejects.toMatchObject({
    code: 'Canceled',
    message: 'cannot run "/bin/sleep": the caller gave up',
  });
  await peer.connections[0]?.closed;
});

test('ping gives up at its deadline on a launcher that does not answer', async () => {
  await using peer = await FakePeer.launcher(() => {});
  await expect(
    new Launcher({ socketPath: peer.socketPath }).ping(undefined, 20),
  ).rejects.toMatchObject({
    code: 'DeadlineExceeded',
    message: 'cannot ping the launcher: no answer within 20 ms',
  });
  await peer.connections[0]?.closed;
});

test('a launcher that exits before it answers is named', async () => {
  await using peer = await FakePeer.launcher((_, { socket }) => socket.destroy());
  await expect(
    new Launcher({ socketPath: peer.socketPath }).destroyPod({
      podDir: '/run/p',
      netnsPath: '',
      removeDir: true,
    }),
  ).rejects.toMatchObject({
    code: 'Unavailable',
    message:
      'cannot destroy pod at "/run/p": the launcher closed the connection before it answered',
  });
});

test.each([
  ['bytes that do not parse', Buffer.from('0400000031313131', 'hex')],
  ['a frame that is too long', Buffer.from('ffffffff', 'hex')],
  ['half a frame', Buffer.from('0a00000008', 'hex')],
])('%s breaks the connection and the job fails as Unavailable', async (_, bytes) => {
  await using peer = await FakePeer.launcher((_request, { socket }) => socket.end(bytes));
  await expect(new Launcher({ socketPath: peer.socketPath }).ping()).rejects.toMatchObject({
    code: 'Unavailable',
  });
  await peer.connections[0]?.closed;
});

test('a job of the wrong kind answered is not taken for the answer', async () => {
  await using peer = await FakePeer.launcher((_, connection) => {
    connection.launcherReply({ done: true, removed: {} });
  });
  await expect(new Launcher({ socketPath: peer.socketPath }).ping()).rejects.toMatchObject({
    code: 'Unavailable',
    message: expect.stringContaining('it answered "removed"'),
  });
});

test('nobody listening is Unavailable with errno; revive runs once and the job is sent once', async () => {
  let jobs = 0;
  await using peer = await FakePeer.launcher((_, connection) => {
    jobs += 1;
    connection.launcherReply({ done: true, removed: {} });
  });
  const socketPath = `${peer.dir}/absent.sock`;
  await expect(new Launcher({ socketPath }).removeTrees([])).rejects.toMatchObject({
    code: 'Unavailable',
    errno: 2,
    message: `cannot reach the launcher at "${socketPath}": there is no such socket`,
  });
  let revived = 0;
  const launcher = new Launcher({
    socketPath,
    revive: async () => {
      revived += 1;
      const { symlink } = await import('node:fs/promises');
      await symlink(peer.socketPath, socketPath);
    },
  });
  await launcher.removeTrees([]);
  await launcher.removeTrees([]);
  expect({ revived, jobs }).toEqual({ revived: 1, jobs: 2 });
});

test('a socket path that the kernel would cut is refused', async () => {
  const socketPath = `/run/${'x'.repeat(103)}`;
  await expect(new Launcher({ socketPath }).ping()).rejects.toMatchObject({
    code: 'InvalidArgument',
    message: expect.stringContaining('at most 107 bytes'),
  });
});
