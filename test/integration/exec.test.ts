// ExecSync: what comes back, what it inherits, its deadline, and what it must never hurt.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture, withResources, withSecurity } from '../lib/fixture.ts';
import { containerConfig, eventually, exec, exited, statusOf } from '../lib/pods.ts';
import { limitMs } from '../lib/time.ts';

const { ContainerState } = runtime.v1;

let ground: Fixture;
let id: string;

beforeAll(async () => {
  ground = await Fixture.start();
  id = await ground.run(
    containerConfig(['sleep', '1000'], {
      workingDir: '/var',
      envs: [{ key: 'GREETING', value: Buffer.from('hello') }],
    }),
  );
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const call = (cmd: readonly string[], containerId = id, seconds = 0) =>
  ground.server.client.runtime.execSync({ containerId, cmd: [...cmd], timeout: toLong(seconds) });

/** Command lines that a container sees. */
async function commands(): Promise<string> {
  const { stdout } = await exec(ground.server, id, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
  return stdout;
}

describe('a command', () => {
  it('has environment, directory and pid namespace of its container', async () => {
    const { stdout } = await exec(ground.server, id, 'pwd; echo $GREETING; cat /proc/1/comm');
    expect(stdout).toBe('/var\nhello\nsleep\n');
  });

  it.each([0, 1, 126, 255])('that exits with %i is a result, not an error', async (code) => {
    expect((await exec(ground.server, id, `exit ${code}`)).exitCode).toBe(code);
  });

  it('killed by a signal exits with 128 and its number', async () => {
    expect((await exec(ground.server, id, 'kill -9 $$')).exitCode).toBe(137);
  });

  it('takes arguments as they are', async () => {
    const words = ['', 'a b', '$HOME', '"', 'ü€', '-n', '\\'];
    const reply = await call(['printf', '[%s]', ...words]);
    expect(Buffer.from(reply.stdout ?? []).toString()).toBe(
      words.map((word) => `[${word}]`).join(''),
    );
  });

  it('has nothing on stdin and no terminal', async () => {
    expect((await exec(ground.server, id, 'cat; tty')).stdout).toBe('not a tty\n');
  });

  it('returns output of both streams that is larger than any pipe', async () => {
    const script = 'head -c 3000000 /dev/zero & head -c 2000000 /dev/zero >&2; wait';
    const reply = await call(['/bin/sh', '-c', script]);
    expect([reply.stdout?.length, reply.stderr?.length]).toEqual([3_000_000, 2_000_000]);
  });

  it('may run beside fifty others', async () => {
    const outputs = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        exec(ground.server, id, `echo ${index}; exit ${index}`),
      ),
    );
    expect(outputs).toEqual(
      outputs.map((_, index) => ({ stdout: `${index}\n`, stderr: '', exitCode: index })),
    );
  });

  it('in a container that ran out of memory says so by its exit code', async () => {
    const memory = toLong(16 * 1024 * 1024);
    const resources = { memoryLimitInBytes: memory, memorySwapLimitInBytes: memory };
    const tight = await ground.run(withResources(['sleep', '1000'], resources));
    const eater = await exec(
      ground.server,
      tight,
      'exec dd if=/dev/zero of=/dev/null bs=64M count=1',
    );
    expect(eater.exitCode).toBe(137);
    expect((await statusOf(ground.server, tight)).state).toBe(ContainerState.CONTAINER_RUNNING);
  });
});

describe('a deadline', () => {
  it('kills what the command started, daemons and new sessions included', async () => {
    const script = 'setsid sleep 7711 & (sleep 7722 &) ; trap "" TERM; sleep 7733';
    const startedAt = performance.now();
    await expect(call(['/bin/sh', '-c', script], id, 1)).rejects.toThrow(/DEADLINE_EXCEEDED/u);
    expect(performance.now() - startedAt).toBeLessThan(limitMs(3000));
    expect(await commands()).not.toMatch(/sleep 77/u);
    expect((await statusOf(ground.server, id)).state).toBe(ContainerState.CONTAINER_RUNNING);
  });

  it('holds also while output floods', async () => {
    await expect(call(['yes'], id, 1)).rejects.toThrow(/DEADLINE_EXCEEDED.*"yes".*within 1 s/u);
    expect(await commands()).not.toMatch(/\byes\b/u);
  });

  it('of the client ends the command too', async () => {
    const request = { containerId: id, cmd: ['sleep', '7744'] };
    await expect(
      ground.server.client.runtime.execSync(request, { deadlineMs: 300 }),
    ).rejects.toThrow(/DEADLINE_EXCEEDED/u);
    await eventually(async () => expect(await commands()).not.toContain('7744'), 3000);
  });

  it('is not waited for when the command ends', async () => {
    const startedAt = performance.now();
    await call(['true'], id, 60);
    expect(performance.now() - startedAt).toBeLessThan(limitMs(2000));
  });
});

describe('no command runs', () => {
  it('without words, without its program, or where it must not', async () => {
    await expect(call([])).rejects.toThrow(/INVALID_ARGUMENT.*the command is empty/u);
    await expect(call(['/etc/passwd'])).rejects.toThrow(/\/etc\/passwd.*permission denied/iu);
    await expect(call(['/etc'])).rejects.toThrow(/"\/etc": is a directory/u);
    await expect(call(['true'], 'nobody')).rejects.toThrow(/NOT_FOUND.*"nobody"/u);
  });

  it('in a container that is not running', async () => {
    const created = await ground.create(containerConfig('true'));
    await expect(call(['true'], created)).rejects.toThrow(/FAILED_PRECONDITION|not running/u);
    const ended = await ground.run(containerConfig('true'));
    await exited(ground.server, ended);
    await expect(call(['true'], ended)).rejects.toThrow(/exited|not running/u);
  });

  it('beyond the death of its container', async () => {
    const doomed = await ground.run(containerConfig(['sleep', '1000']));
    const running = call(['sleep', '7755'], doomed).then(
      (reply) => reply.exitCode,
      (error: unknown) => String(error),
    );
    await eventually(async () => {
      expect(
        (await exec(ground.server, doomed, 'pgrep sleep')).stdout.split('\n').length,
      ).toBeGreaterThan(2);
    });
    await ground.server.client.runtime.stopContainer({ containerId: doomed, timeout: toLong(0) });
    expect([137, expect.any(String)]).toContainEqual(await running);
  });

  it('with more rights than its container', async () => {
    const security = { runAsUser: { value: toLong(1001) }, noNewPrivs: true, readonlyRootfs: true };
    const weak = await ground.run(withSecurity(['sleep', '1000'], security));
    const found = await exec(
      ground.server,
      weak,
      'id -u; grep -E "NoNewPrivs|CapEff" /proc/self/status; touch /x',
    );
    expect(found.stdout).toBe('1001\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n');
    expect(found.stderr).toContain('Read-only file system');
  });
});
