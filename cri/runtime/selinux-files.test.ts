import { expect, it } from 'vitest';
import { layerLabel, ownLabels, sparedDirs } from './selinux-files.ts';
import { sampleSelinux } from './selinux-sample.ts';

it('names what has to be labelled before containers are made', () => {
  const layer = 'u:object_r:layer_t:s0';
  expect(layerLabel(sampleSelinux)).toBe(layer);
  expect(ownLabels('/state', ['/state/layers/a'], sampleSelinux)).toEqual([
    { path: '/state/containers', label: 'u:object_r:file_t:s0', isShallow: true },
    { path: '/state/layers', label: layer, isShallow: true },
    { path: '/state/layers/.staging', label: layer, isShallow: true },
    { path: '/state/layers/a', label: layer, isShallow: false },
  ]);
});

it.each([undefined, { ...sampleSelinux, problem: 'no levels' }])(
  'names nothing without labels',
  (none) => {
    expect(layerLabel(none)).toBe('');
    expect(ownLabels('/state', ['/state/layers/a'], none)).toEqual([]);
  },
);

it('spares what the runtime and the kubelet live from', () => {
  const directories = sparedDirs({ stateDir: '/s', runDir: '/r', netnsDir: '/n' });
  expect(directories).toEqual(['/s', '/r', '/n', '/var/lib/kubelet']);
});
