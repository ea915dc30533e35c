import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { runtime } from '../../proto/gen/cri.js';
import type { CriMount } from './cri-types.ts';
import { containerMounts } from './mounts.ts';
import {
  refusalOf,
  sampleContainer,
  sampleContent,
  sampleHost,
  sampleInput,
  samplePod,
  sampleSandbox,
} from './sample-input.ts';
import { rootPropagation, volumeMounts, volumeNotes } from './volumes.ts';

const {
  PROPAGATION_PRIVATE: PRIVATE,
  PROPAGATION_HOST_TO_CONTAINER: FROM_HOST,
  PROPAGATION_BIDIRECTIONAL: BOTH,
} = runtime.v1.MountPropagation;

const ground = {
  host: sampleHost,
  ids: undefined,
  imageLayers: new Map<string, string[]>(),
  label: '',
  sparedDirs: ['/var/lib/estiba'],
};

function refusal(change: CriMount, host = sampleHost) {
  const mount = { containerPath: '/c', hostPath: '/h', ...change };
  return refusalOf(() => volumeMounts([mount], { ...ground, host }));
}

const noLabels = { mount: '', podFiles: '' };

function destinations(paths: readonly string[], declared: readonly string[] = []): string[] {
  const mounts = paths.map((containerPath) => ({ containerPath, hostPath: '/h' }));
  const container = sampleContainer({ mounts });
  const content = { ...sampleContent(), volumes: declared };
  const requested = { sandbox: sampleSandbox, container };
  const made = containerMounts(sampleInput({ requested, content }), noLabels);
  return made.mounts.map((mount) => mount.destination);
}

describe('volumeMounts', () => {
  it.each([
    [{}, ['rbind', 'rprivate', 'rw']],
    [{ readonly: true }, ['rbind', 'rprivate', 'ro']],
    [{ readonly: true, recursiveReadOnly: true }, ['rbind', 'rprivate', 'rro']],
    [{ propagation: FROM_HOST }, ['rbind', 'rslave', 'rw']],
    [{ propagation: BOTH, readonly: true }, ['rbind', 'rshared', 'ro']],
    [{ mountOptions: ['noexec'] }, ['rbind', 'rprivate', 'rw', 'noexec']],
  ])('gives %j the options %j', (change, options) => {
    const mount = { containerPath: '/c//d/', hostPath: '/h/../x', ...change };
    expect(volumeMounts([mount], ground)).toEqual([
      { destination: '/c/d', type: 'bind', source: '/h/../x', options },
    ]);
  });

  it.each([
    [{ containerPath: 'relative' }, 'is not an absolute path'],
    [{ containerPath: '/' }, 'is the root'],
    [{ containerPath: '/a/../..' }, 'is the root'],
    [{ containerPath: '/a\0' }, 'NUL'],
    [{ hostPath: '' }, 'host_path "" is not an absolute path'],
    [{ hostPath: '/a\0' }, 'NUL'],
    [{ propagation: 9 }, 'unknown propagation "9"'],
    [{ recursiveReadOnly: true }, 'recursive_read_only without readonly'],
    [{ readonly: true, recursiveReadOnly: true, propagation: FROM_HOST }, 'private propagation'],
    [{ readonly: true, recursiveReadOnly: true, propagation: BOTH }, 'private propagation'],
    [{ mountOptions: ['suid'] }, 'mount option "suid" is not one of'],
    [{ mountOptions: ['nosuid,suid'] }, 'is not one of'],
  ])('refuses %j', (change, why) => {
    const { code, message } = refusal(change);
    expect(code).toBe('InvalidArgument');
    expect(message).toContain(why);
  });

  it('begins with the word the kubelet knows when the kernel cannot do recursive read-only', () => {
    const old = { ...sampleHost, recursiveReadOnly: false };
    const asked = { readonly: true, recursiveReadOnly: true, propagation: PRIVATE };
    expect(refusal(asked, old).message).toMatch(/^RROUnsupported: cannot mount at "\/c": /u);
  });

  it('asks for the label of a volume only where the container has one', () => {
    const asked = { containerPath: '/c', hostPath: '/h', selinuxRelabel: true };
    const [without] = volumeMounts([asked], ground);
    expect(without?.options.join(' ')).not.toContain('estiba-');
    const labelled = { ...ground, label: 'u:r:t:s0:c1,c2' };
    const mounts = [asked, { ...asked, selinuxRelabel: false }];
    const [relabelled, kept] = volumeMounts(mounts, labelled);
    expect(relabelled?.options.slice(-2)).toEqual([
      'estiba-relabel=u:r:t:s0:c1,c2',
      'estiba-spare=/var/lib/estiba',
    ]);
    expect(kept?.options.join(' ')).not.toContain('estiba-');
  });
});

describe('rootPropagation', () => {
  it('is the widest that a volume needs', () => {
    const root = (...modes: runtime.v1.MountPropagation[]) => {
      const mounts = modes.map((propagation) => ({ propagation }));
      return rootPropagation(mounts, undefined);
    };
    expect(rootPropagation([{}], undefined)).toBeUndefined();
    expect(root(PRIVATE)).toBeUndefined();
    expect(root(FROM_HOST, PRIVATE)).toBe('rslave');
    expect(root(FROM_HOST, BOTH)).toBe('rshared');
  });
});

describe('a bidirectional volume of a user namespace', () => {
  const range = [{ containerId: 0, hostId: 100_000, length: 65_536 }];
  const ids = { uids: range, gids: range };
  const mounts = [
    { containerPath: '/c', hostPath: '/h', propagation: BOTH },
    { containerPath: '/d' },
  ];

  it('gets the mounts of the host, and those that it makes itself are said to stay its own', () => {
    const [made] = volumeMounts(mounts.slice(0, 1), { ...ground, ids });
    expect(made?.options).toContain('rslave');
    expect(rootPropagation(mounts, ids)).toBe('rslave');
    expect(volumeNotes(mounts, ids)).toEqual([
      'mounts that the container makes at "/c" stay its own: ' +
        'the kernel lets none out of a user namespace',
    ]);
    expect(volumeNotes(mounts, undefined)).toEqual([]);
  });
});

describe('containerMounts', () => {
  const segment = fc.constantFrom('a', 'b', 'etc', 'hosts', 'dev', 'shm', 'pts', 'proc', 'sys');
  const path = fc
    .array(segment, { minLength: 1, maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`);

  it('makes every mount before those below it, and every requested one', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 6 }), (paths) => {
        const made = destinations(paths);
        for (const asked of paths) {
          expect(made).toContain(asked);
          expect(
            made.slice(made.lastIndexOf(asked)).some((one) => asked.startsWith(`${one}/`)),
          ).toBe(false);
        }
      }),
    );
  });

  it('makes none twice but what is asked twice, and keeps the standard ones', () => {
    const made = destinations(['/etc/hosts', '/proc', '/data']);
    expect(new Set(made).size).toBe(made.length);
    expect(destinations([])).toEqual([
      '/proc',
      '/dev',
      '/dev/pts',
      '/dev/mqueue',
      '/sys',
      '/sys/fs/cgroup',
      '/dev/shm',
      '/etc/hosts',
      '/etc/hostname',
      '/etc/resolv.conf',
    ]);
  });

  it('leaves out a file of the pod that does not exist', () => {
    const pod = { ...samplePod, files: { ...samplePod.files, hostname: '' } };
    const { mounts } = containerMounts(sampleInput({ pod }), noLabels);
    expect(mounts.map((mount) => mount.destination)).not.toContain('/etc/hostname');
  });

  it('adds the volumes of the image, except at and below other mounts', () => {
    const plain = destinations(['/data']);
    const declared = [
      '/srv/b',
      'srv',
      '/srv/',
      '/data',
      '/data/sub',
      '/',
      '/sys/fs/cgroup',
      '/proc/x',
    ];
    const added = destinations(['/data'], declared).filter((path) => !plain.includes(path));
    expect(added).toEqual(['/srv', '/srv/b']);
  });
});
