import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedQueue } from './keyed-queue.ts';

test('tasks of one key run in order and never overlap; the queue is empty afterwards', async () => {
  const tasks = fc.array(
    fc.record({ key: fc.constantFrom('a', 'b', 'c'), turns: fc.nat(4), fails: fc.boolean() }),
  );
  await fc.assert(
    fc.asyncProperty(tasks, async (plan) => {
      const queue = new KeyedQueue();
      const running = new Map<string, number>();
      const started: number[] = [];
      const results = plan.map(({ key, turns, fails }, index) =>
        queue.run(key, async () => {
          expect(running.has(key)).toBe(false);
          running.set(key, index);
          started.push(index);
          for (let turn = 0; turn < turns; turn += 1) {
            await Promise.resolve();
          }
          running.delete(key);
          if (fails) {
            throw new Error(`task ${index}`);
          }
          return index;
        }),
      );
      const settled = await Promise.allSettled(results);
      settled.forEach((result, index) => {
        expect(result.status).toBe(plan[index]?.fails === true ? 'rejected' : 'fulfilled');
      });
      for (const key of ['a', 'b', 'c']) {
        const order = started.filter((index) => plan[index]?.key === key);
        expect(order).toEqual([...order].sort((left, right) => left - right));
      }
      expect(queue.size).toBe(0);
    }),
  );
});

test('another key does not wait for a task that hangs', async () => {
  const queue = new KeyedQueue();
  const hung = Promise.withResolvers<void>();
  const first = queue.run('a', () => hung.promise);
  expect(await queue.run('b', () => Promise.resolve('done'))).toBe('done');
  expect(queue.size).toBe(1);
  expect([queue.isBusy('a'), queue.isBusy('b')]).toEqual([true, false]);
  hung.resolve();
  await first;
  expect(queue.size).toBe(0);
  expect(queue.isBusy('a')).toBe(false);
});

test('a signal that fires while waiting rejects at once, skips the task and keeps the order', async () => {
  const queue = new KeyedQueue();
  const gate = Promise.withResolvers<void>();
  const controller = new AbortController();
  const ran: string[] = [];
  const first = queue.run('a', () => gate.promise);
  const second = queue.run('a', () => Promise.resolve(ran.push('second')), controller.signal);
  const third = queue.run('a', () => Promise.resolve(ran.push('third')));
  controller.abort();
  await expect(second).rejects.toMatchObject({ code: 'Canceled' });
  expect(ran).toEqual([]);
  gate.resolve();
  await Promise.all([first, third]);
  expect(ran).toEqual(['third']);
  expect(queue.size).toBe(0);
});

test('a signal that has fired already keeps the task from being queued', async () => {
  const queue = new KeyedQueue();
  const task = (): Promise<never> => Promise.reject(new Error('must not run'));
  await expect(queue.run('a', task, AbortSignal.abort())).rejects.toMatchObject({
    code: 'Canceled',
    message: 'cannot wait for "a": the caller gave up',
  });
  expect(queue.size).toBe(0);
});
