import { expect, test } from 'vitest';
import { SharedWork } from './shared-work.ts';

test('the same key runs once, other keys on their own, and everyone waiting is a holder', async () => {
  const shared = new SharedWork<string>();
  const { promise, resolve } = Promise.withResolvers<string>();
  const seen: ReadonlySet<string>[] = [];
  const work = (holders: Set<string>): Promise<string> => {
    seen.push(holders);
    return promise;
  };
  const all = ['a', 'b', 'c'].map((holder) => shared.run('key', holder, undefined, work));
  all.push(shared.run('other', 'a', undefined, work));
  shared.drop('c');
  resolve('done');
  expect(await Promise.all(all)).toEqual(['done', 'done', 'done', 'done']);
  expect(seen.map((holders) => [...holders])).toEqual([['a', 'b'], ['a']]);
});

test('when the one that runs it fails, a waiting one runs its own', async () => {
  const shared = new SharedWork<string>();
  const first = shared.run('key', 'bad', undefined, () => Promise.reject(new Error('broken')));
  const runs: string[] = [];
  const others = ['b', 'c'].map((holder) =>
    shared.run('key', holder, undefined, async () => {
      runs.push(holder);
      return `by ${holder}`;
    }),
  );
  await expect(first).rejects.toThrow('broken');
  expect(await Promise.all(others)).toEqual(['by b', 'by b']);
  expect(runs).toEqual(['b']);
});

test('a waiting caller that gives up does not disturb the work', async () => {
  const shared = new SharedWork<string>();
  const { promise, resolve } = Promise.withResolvers<string>();
  const leader = shared.run('key', 'a', undefined, () => promise);
  const abort = new AbortController();
  const waiting = shared.run('key', 'b', abort.signal, () => promise);
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'Canceled' });
  resolve('done');
  expect(await leader).toBe('done');
});

test('a caller that has given up before does not start', async () => {
  const work = new SharedWork<string>();
  const run = work.run('key', 'a', AbortSignal.abort(), () => Promise.resolve('never'));
  await expect(run).rejects.toMatchObject({ code: 'Canceled' });
});
