// Container logs: CRI's format line by line, long lines, rotation, speed, where they may be.
import { open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Fixture } from '../lib/fixture.ts';
import {
  containerConfig,
  eventually,
  exec,
  exited,
  readLog,
  runContainer,
  statusOf,
} from '../lib/pods.ts';
import { limitMs } from '../lib/time.ts';

const { CONTAINER_RUNNING } = runtime.v1.ContainerState;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start();
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

/** Lines longer than this are written in parts. */
const partSize = 16 * 1024;

async function logOf(script: string) {
  const config = containerConfig(script);
  const { status } = await ground.outcome(config);
  return readLog(status.logPath ?? '');
}

describe('a log', () => {
  it('has a line for each line, with stream, tag and a time that only grows', async () => {
    const lines = await logOf('echo one; echo two >&2; echo; printf "no end"');
    const ofStdout = lines.filter((line) => line.stream === 'stdout');
    expect(ofStdout.map(({ tag, text }) => [tag, text])).toEqual([
      ['F', 'one'],
      ['F', ''],
      ['P', 'no end'],
    ]);
    expect(lines.filter((line) => line.stream === 'stderr')).toMatchObject([{ text: 'two' }]);
    const times = ofStdout.map(({ time }) => time);
    expect(times.toSorted()).toEqual(times);
    for (const time of times) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)$/u);
      expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
    }
  });

  it.each([partSize - 1, partSize, partSize + 1, 3 * partSize, 100_000])(
    'cuts a line of %i bytes into parts and loses none of it',
    async (length) => {
      const lines = await logOf(`head -c ${length} /dev/zero | tr "\\0" x; echo; echo after`);
      const after = lines.at(-1);
      expect(after).toMatchObject({ tag: 'F', text: 'after' });
      const parts = lines.slice(0, -1);
      expect(parts.map(({ text }) => text).join('')).toBe('x'.repeat(length));
      expect(Math.max(...parts.map(({ text }) => text.length))).toBeLessThanOrEqual(partSize);
      const tags = parts.map(({ tag }) => tag);
      expect(tags).toEqual([...tags.slice(0, -1).map(() => 'P'), 'F']);
      expect(parts.length).toBeLessThanOrEqual(Math.ceil((length + 1) / partSize));
    },
  );

  it('keeps bytes as they are, NUL and broken UTF-8 included', async () => {
    const config = containerConfig('printf "a\\000b\\377\\033[0m\\r\\n"');
    const { status } = await ground.outcome(config);
    const bytes = await readFile(status.logPath ?? '');
    expect(bytes.toString('latin1')).toContain(' stdout F a\0b\u00FF\u001B[0m\r\n');
  });

  it('is there when start returns, for its owner and group only, and complete when the exit shows', async () => {
    const config = containerConfig('exec sleep 1000', { logPath: 'there/0.log' });
    const id = await ground.run(config);
    const { logPath } = await statusOf(ground.server, id);
    expect(logPath).toBe(join(ground.pod.logDirectory ?? '', 'there/0.log'));
    expect((await stat(logPath ?? '')).mode & 0o777).toBe(0o640);
    const script = 'i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; kill -9 $$';
    const lines = await logOf(script);
    expect(lines.at(-1)?.text).toBe('line 499');
    expect(lines).toHaveLength(500);
  });

  it('takes 100 MB in bounded time and loses no line', async () => {
    const startedAt = performance.now();
    const count = 1_250_000;
    const line = 'y'.repeat(79);
    const config = containerConfig(`yes ${line} | head -n ${count}`, { logPath: 'big/0.log' });
    const id = await ground.run(config);
    const status = await exited(ground.server, id, 60_000);
    expect(performance.now() - startedAt).toBeLessThan(limitMs(30_000));
    expect(await countLines(status.logPath ?? '', line)).toEqual({ good: count, bad: 0 });
  });

  it('survives many rotations under load without a lost or torn line', async () => {
    const count = 60_000;
    const script = `i=0; while [ $i -lt ${count} ]; do echo "n $i"; i=$((i+1)); done`;
    const id = await ground.run(containerConfig(script, { logPath: 'turns/0.log' }));
    const path = (await statusOf(ground.server, id)).logPath ?? '';
    let turns = 0;
    for (; turns < 8; turns += 1) {
      await eventually(async () => expect((await stat(path)).size).toBeGreaterThan(20_000));
      await rename(path, `${path}.${turns}`);
      await ground.server.client.runtime.reopenContainerLog({ containerId: id });
      await stat(path);
    }
    await exited(ground.server, id);
    const names = [...Array.from({ length: turns }, (_, turn) => `${path}.${turn}`), path];
    const parts = await Promise.all(names.map((name) => readLog(name)));
    expect(parts.flat().map(({ text }) => text)).toEqual(
      Array.from({ length: count }, (_, index) => `n ${index}`),
    );
  });

  it('of a container that ended cannot be opened anew', async () => {
    const config = containerConfig('true', { logPath: 'ended/0.log' });
    const id = await ground.run(config);
    await exited(ground.server, id);
    await expect(
      ground.server.client.runtime.reopenContainerLog({ containerId: id }),
    ).rejects.toThrow(/FAILED_PRECONDITION|not running/u);
    await expect(
      ground.server.client.runtime.reopenContainerLog({ containerId: 'nobody' }),
    ).rejects.toThrow(/NOT_FOUND.*"nobody"/u);
  });
});

describe('the place of a log', () => {
  it.each(['../up.log', 'a/../../up.log', '.', 'dir/'])('cannot be %j', async (logPath) => {
    await expect(ground.create(containerConfig('true', { logPath }))).rejects.toThrow(
      /INVALID_ARGUMENT.*log/u,
    );
  });

  it('may be nowhere', async () => {
    const pod = await ground.another({ logDirectory: '' });
    const config = containerConfig('echo unheard', { logPath: 'x/0.log' });
    const id = await runContainer(pod.server, pod.podSandboxId, pod.pod, config);
    await expect(exited(pod.server, id)).resolves.toMatchObject({ exitCode: 0, logPath: '' });
  });

  it('that cannot be written is an error that names it', async () => {
    const blocker = join(await ground.directory('blocker'), 'file');
    await (await open(blocker, 'w')).close();
    const pod = await ground.another({ logDirectory: blocker });
    await expect(pod.create(containerConfig('true', { logPath: '0.log' }))).rejects.toThrow(
      /blocker\/file/u,
    );
  });
});

async function countLines(path: string, text: string): Promise<{ good: number; bad: number }> {
  const file = await open(path);
  const counts = { good: 0, bad: 0 };
  const tail = ` stdout F ${text}`;
  for await (const line of file.readLines()) {
    counts[line.endsWith(tail) ? 'good' : 'bad'] += 1;
  }
  return counts;
}

describe('a log directory that a container can write to', () => {
  it('leads no log elsewhere, by a link before or during the making of the file', async () => {
    const pod = await ground.another();
    const directory = pod.pod.logDirectory ?? '';
    const outside = await ground.directory('outside-of-logs');
    const mounts = [{ hostPath: directory, containerPath: '/logs' }];
    const id = await pod.run(
      containerConfig('while :; do echo line; sleep 0.05; done', { mounts, logPath: 'own/0.log' }),
    );
    const script = `cd /logs && mv own kept && ln -s ${outside} own && ln -s ${outside} other`;
    expect((await exec(ground.server, id, script)).exitCode).toBe(0);
    const { runtime: client } = ground.server.client;
    await expect(client.reopenContainerLog({ containerId: id })).rejects.toThrow(/own.*link/u);
    const linked = containerConfig('true', { logPath: 'other/0.log' });
    await expect(pod.create(linked)).rejects.toThrow(/other.*link/u);
    expect(await readdir(outside)).toEqual([]);
    // A directory now, a link then.
    await exec(ground.server, id, 'cd /logs && rm other && mkdir inside');
    const swap =
      'cd /logs; while :; do mv inside door; mv door inside; ln -s ' +
      `${outside} door; rm door; done 2>/dev/null`;
    const swapper = await pod.run(containerConfig(swap, { mounts }));
    for (let round = 0; round < 30; round += 1) {
      const made = await pod
        .create(containerConfig('true', { logPath: 'door/deep/0.log' }))
        .catch((error: unknown) => {
          expect(String(error)).toMatch(/door/u);
        });
      if (made !== undefined) {
        await client.removeContainer({ containerId: made });
      }
    }
    expect(await statusOf(ground.server, swapper)).toMatchObject({ state: CONTAINER_RUNNING });
    await client.removeContainer({ containerId: swapper });
    expect(await readdir(outside)).toEqual([]);
  });
});
