import { describe, expect, test } from 'vitest';
import { buildImage } from '../../hack/images/build-image.ts';
import { isImageId } from '../core/ids.ts';
import type { Image } from '../images/image.ts';
import { parseImageConfig } from '../registry/oci-documents.ts';
import { PinnedImages } from './pinned-images.ts';

const digest = `sha256:${'a'.repeat(64)}`;

function image(repoTags: readonly string[], repoDigests: readonly string[] = []): Image {
  const built = buildImage({ layers: [] });
  const { id } = built;
  if (!isImageId(id)) {
    throw new Error(`"${id}" is no image id`);
  }
  return {
    id,
    repoTags,
    repoDigests,
    size: 1,
    config: parseImageConfig(built.config, 'config'),
    layers: [],
    createdAtNs: 0n,
    chainId: '',
  };
}

describe('an image is pinned', () => {
  test.each([
    ['registry.example/team/base:1', ['registry.example/team/base:1']],
    ['busybox', ['docker.io/library/busybox:latest']],
    ['registry.example/team/*', ['registry.example/team/base:1']],
    ['registry.example/team/base:*', ['other.example/a:1', 'registry.example/team/base:2']],
    ['*', ['registry.example/team/base:1']],
  ])('by "%s" when its names are %j', (pattern, tags) => {
    expect(new PinnedImages(['not.there/a:1', pattern]).has(image(tags))).toBe(true);
  });

  test('by digest, also when it has lost its tag', () => {
    const name = `registry.example/team/base@${digest}`;
    expect(new PinnedImages([name]).has(image([], [name]))).toBe(true);
    expect(new PinnedImages(['registry.example/team/*']).has(image([], [name]))).toBe(true);
  });

  test.each([
    ['registry.example/team/base:1', 'registry.example/team/base:10'],
    ['registry.example/team/*', 'registry.example/teams/base:1'],
    ['base', 'registry.example/team/base:latest'],
  ])('not by "%s" when its name is "%s"', (pattern, tag) => {
    expect(new PinnedImages([pattern]).has(image([tag]))).toBe(false);
  });
});

test('what is no reference is refused by name', () => {
  expect(() => new PinnedImages(['Registry.example/UPPER:1'])).toThrow(
    /^cannot parse image reference "Registry.example\/UPPER:1": /u,
  );
});
