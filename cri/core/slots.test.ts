import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

interface Step {
  readonly name: string;
  readonly end: () => void;
}

/** Starts tasks that end when they are told to. */
function tasks(slots: Slots) {
  const running: Step[] = [];
  const run = (name: string, signal?: AbortSignal): Promise<string> =>
    slots.run(async () => {
      await new Promise<void>((resolve) => {
        running.push({ name, end: resolve });
      });
      return name;
    }, signal);
  return { running, run };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('so many run at once, the others in the order of their calls', async () => {
  const { running, run } = tasks(new Slots(2));
  const all = ['a', 'b', 'c', 'd'].map((name) => run(name));
  await settled();
  expect(running.map(({ name }) => name)).toEqual(['a', 'b']);
  running[1]?.end();
  await settled();
  expect(running.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  for (const index of [0, 2]) {
    running[index]?.end();
  }
  await settled();
  running[3]?.end();
  await expect(Promise.all(all)).resolves.toEqual(['a', 'b', 'c', 'd']);
});

test('a task that fails gives its slot back', async () => {
  const slots = new Slots(1);
  await expect(slots.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(slots.run(async () => 'next')).resolves.toBe('next');
});

test('a caller that gives up while it waits never runs and takes no slot', async () => {
  const { running, run } = tasks(new Slots(1));
  const first = run('first');
  const abort = new AbortController();
  const second = run('second', abort.signal);
  const third = run('third');
  abort.abort();
  await expect(second).rejects.toMatchObject({ code: 'Canceled' });
  running[0]?.end();
  await first;
  await settled();
  expect(running.map(({ name }) => name)).toEqual(['first', 'third']);
  running[1]?.end();
  await expect(third).resolves.toBe('third');
});

test('a caller that has given up before is refused at once', async () => {
  const signal = AbortSignal.abort();
  const never = new Slots(1).run(async () => 'ran', signal);
  await expect(never).rejects.toMatchObject({ code: 'Canceled' });
});

test('giving up in the moment of its turn takes nobody else’s', async () => {
  const { running, run } = tasks(new Slots(1));
  const first = run('first');
  const abort = new AbortController();
  const second = run('second', abort.signal);
  const third = run('third');
  await settled();
  running[0]?.end();
  await first;
  abort.abort();
  await settled();
  running[1]?.end();
  await expect(second).resolves.toBe('second');
  await settled();
  running[2]?.end();
  await expect(third).resolves.toBe('third');
});
