import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { cgroupParent, containerCgroup } from './cgroup-path.ts';
import { logDirectory, logPath } from './log-path.ts';
import { refusalOf, sampleContainer, sampleSandbox } from './sample-input.ts';

const id = 'c'.repeat(64);
const withParent = (parent: string) => ({ ...sampleSandbox, linux: { cgroupParent: parent } });

describe('cgroupParent', () => {
  it.each([
    ['', '/estiba'],
    ['/kubepods/podx', '/kubepods/podx'],
    ['/kubepods//podx/', '/kubepods/podx'],
    ['/', '/'],
  ])('makes %j %j', (asked, expected) => {
    expect(cgroupParent(withParent(asked), '/estiba')).toBe(expected);
  });

  it.each([
    ['kubepods-podx.slice', 'Unimplemented'],
    ['relative', 'InvalidArgument'],
    ['/a/../../b', 'InvalidArgument'],
    ['/a b', 'InvalidArgument'],
    ['/a\n', 'InvalidArgument'],
  ])('answers %j with %s', (asked, code) => {
    expect(refusalOf(() => cgroupParent(withParent(asked), '/estiba')).code).toBe(code);
  });

  it('holds the container in a directory named by its id', () => {
    expect(containerCgroup('/kubepods/podx', id)).toBe(`/kubepods/podx/${id}`);
    expect(containerCgroup('/', id)).toBe(`/${id}`);
  });
});

describe('logPath', () => {
  const of = (logDirectory: string, file: string) =>
    logPath({ ...sampleSandbox, logDirectory }, sampleContainer({ logPath: file }));

  it('joins both parts, and is "" when either is missing', () => {
    expect(of('/var/log/pods/x', 'main/0.log')).toBe('/var/log/pods/x/main/0.log');
    expect(of('', 'main/0.log')).toBe('');
    expect(of('/var/log/pods/x', '')).toBe('');
  });

  it('is below logDirectory by its words, however that is written', () => {
    for (const directory of ['/logs', '/logs/', '/logs//pod/.', '/', '/a/../logs']) {
      const sandbox = { ...sampleSandbox, logDirectory: directory };
      const path = of(directory, 'main/0.log');
      const below = logDirectory(sandbox);
      expect(path.startsWith(below === '/' ? '/' : `${below}/`)).toBe(true);
    }
    expect(logDirectory({ ...sampleSandbox, logDirectory: '' })).toBe('');
  });

  it.each(['../0.log', 'a/../../0.log', 'a/', '.', './', 'a\0'])('refuses the file %j', (file) => {
    expect(refusalOf(() => of('/var/log', file)).code).toBe('InvalidArgument');
  });

  it('never leaves the log directory', () => {
    const part = fc.constantFrom('..', '.', '', 'a', '...', ' ');
    fc.assert(
      fc.property(fc.array(part, { minLength: 1 }), (parts) => {
        const file = parts.join('/');
        let path: string;
        try {
          path = of('/logs', file);
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidArgument' });
          return;
        }
        expect(path === '' || path.startsWith('/logs/')).toBe(true);
      }),
    );
  });
});
