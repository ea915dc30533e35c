import { describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import type { CriMount } from './cri-types.ts';
import { imagesToMount } from './image-volumes.ts';
import { refusalOf, sampleHost } from './sample-input.ts';
import { volumeMounts } from './volumes.ts';

const range = { hostId: 100_000, containerId: 0, length: 65_536 };
const ground = {
  host: sampleHost,
  ids: undefined,
  imageLayers: new Map([
    ['data:1', ['/layers/2', '/layers/1']],
    ['empty:1', []],
  ]),
  label: '',
  sparedDirs: ['/var/lib/estiba'],
};
const asked = { containerPath: '/data', readonly: true, image: { image: 'data:1' } };
const made = (change: CriMount = {}) => volumeMounts([{ ...asked, ...change }], ground)[0];
const why = (change: CriMount) => {
  const { code, message } = refusalOf(() => made(change));
  expect(message).toMatch(/^ImageVolumeMountFailed: cannot mount image "[^"]*" at "\/data": /u);
  return `${code}: ${message}`;
};

describe('an image as a volume', () => {
  it('is mounted read-only, its layers in order', () => {
    expect(made()).toEqual({
      destination: '/data',
      type: 'estiba-image',
      source: 'image',
      options: ['rprivate', 'ro', 'nosuid', 'nodev', 'layer=/layers/2', 'layer=/layers/1'],
    });
  });

  it('may show a directory of the image, and have options on top', () => {
    const options = made({ imageSubPath: 'etc//x/', mountOptions: ['noexec'] })?.options;
    expect(options).toContain('subpath=etc/x');
    expect(options).toContain('noexec');
    expect(made({ imageSubPath: 'a/../..b' })?.options).toContain('subpath=..b');
  });

  it('never shows anything outside of the image', () => {
    for (const imageSubPath of ['/etc', '..', '../x', 'a/../../x']) {
      expect(why({ imageSubPath })).toContain('InvalidArgument');
      expect(why({ imageSubPath })).toContain('is not a path inside the image');
    }
  });

  it('is refused with a host path, writable, without a name, or when it is not there', () => {
    expect(why({ hostPath: '/h' })).toContain('host_path "/h" is given too');
    expect(why({ readonly: false })).toContain('with readonly only');
    expect(why({ image: {} })).toContain('names no image');
    expect(why({ image: null, imageSubPath: 'etc' })).toContain('names no image');
    expect(why({ image: { image: 'other' } })).toContain('NotFound');
    expect(why({ image: { image: 'empty:1' } })).toMatch(/^InvalidArgument: .* it has no layers$/u);
  });

  it('is refused with propagation to the host, and with mappings where there is no user namespace', () => {
    const both = runtime.v1.MountPropagation.PROPAGATION_BIDIRECTIONAL;
    expect(why({ propagation: both })).toContain('cannot be bidirectional');
    const mappings = { uidMappings: [range], gidMappings: [range] };
    expect(why(mappings)).toContain('no user namespace');
    const ids = { uids: [range], gids: [range] };
    expect(() => volumeMounts([{ ...asked, ...mappings }], { ...ground, ids })).not.toThrow();
  });

  it('is looked up once, whatever mounts it', () => {
    const other = { image: { image: 'other' }, containerPath: '/x' };
    const plain = { hostPath: '/h', containerPath: '/h' };
    expect(imagesToMount([asked, other, plain, asked])).toEqual(['data:1', 'other']);
  });
});
