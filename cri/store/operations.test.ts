import { expect, test } from 'vitest';
import { OperationTable } from './operations.ts';

test('a repeated create with the same configuration gets the result of the first', async () => {
  const table = new OperationTable<string>('pod sandbox');
  const running = Promise.withResolvers<string>();
  let starts = 0;
  const start = (): Promise<string> => {
    starts += 1;
    return running.promise;
  };
  const first = table.join('pod', { hostname: 'a' }, start);
  const second = table.join('pod', { hostname: 'a' }, start);
  running.resolve('id');
  expect(await Promise.all([first, second])).toEqual(['id', 'id']);
  expect({ starts, size: table.size }).toEqual({ starts: 1, size: 0 });
});

test('a failure reaches everyone who joined and the next create starts anew', async () => {
  const table = new OperationTable<string>('pod sandbox');
  const running = Promise.withResolvers<string>();
  const first = table.join('pod', {}, () => running.promise);
  const second = table.join('pod', {}, () => running.promise);
  running.reject(new Error('no network'));
  await expect(first).rejects.toThrow('no network');
  await expect(second).rejects.toThrow('no network');
  expect(await table.join('pod', {}, () => Promise.resolve('id'))).toBe('id');
});

test('another configuration under the same name is AlreadyExists and names the field', async () => {
  const table = new OperationTable<string>('container');
  const running = Promise.withResolvers<string>();
  const first = table.join('c', { linux: { cgroupParent: '/a' } }, () => running.promise);
  const other = { linux: { cgroupParent: '/secret' } };
  await expect(table.join('c', other, () => running.promise)).rejects.toMatchObject({
    code: 'AlreadyExists',
    message:
      'cannot create container c: one of the same name exists with another "linux.cgroup_parent"',
  });
  running.resolve('id');
  expect(await first).toBe('id');
});

test('a caller that leaves does not end the operation, and its retry joins it', async () => {
  const table = new OperationTable<string>('pod sandbox');
  const running = Promise.withResolvers<string>();
  const controller = new AbortController();
  const first = table.join('pod', {}, () => running.promise, controller.signal);
  controller.abort();
  await expect(first).rejects.toMatchObject({ code: 'Canceled' });
  expect(table.size).toBe(1);
  const retry = table.join('pod', {}, () => Promise.reject(new Error('must not start')));
  running.resolve('id');
  expect(await retry).toBe('id');
});

test('an operation that fails after its caller left is not an unhandled rejection', async () => {
  const table = new OperationTable<string>('pod sandbox');
  const running = Promise.withResolvers<string>();
  const controller = new AbortController();
  const first = table.join('pod', {}, () => running.promise, controller.signal);
  controller.abort();
  await expect(first).rejects.toMatchObject({ code: 'Canceled' });
  running.reject(new Error('late'));
  await expect(running.promise).rejects.toThrow('late');
  await Promise.resolve();
  expect(table.size).toBe(0);
});

test('a start that throws at once frees its name', async () => {
  const table = new OperationTable<string>('pod sandbox');
  const start = (): Promise<string> => {
    throw new Error('at once');
  };
  await expect(table.join('pod', {}, start)).rejects.toThrow('at once');
  expect(table.size).toBe(0);
});

test('different names do not wait for each other', async () => {
  const table = new OperationTable<string>('pod sandbox');
  const running = Promise.withResolvers<string>();
  const slow = table.join('a', {}, () => running.promise);
  expect(await table.join('b', {}, () => Promise.resolve('b'))).toBe('b');
  running.resolve('a');
  expect(await slow).toBe('a');
});
