// What imported images are called.
import { CriError } from '../core/error.ts';
import type { ArchiveImage } from './archive-image.ts';
import {
  formatReference,
  parseNormalizedName,
  parseTag,
  repositoryOf,
} from '../core/image-reference.ts';

export interface NameOptions {
  readonly tags?: readonly string[] | undefined;
  readonly baseName?: string | undefined;
}

/**
 * Returns the tags of each image: those of the archive, bare tags joined to the base name, and the
 * user's. Throws InvalidArgument for a bad name, and for tags when there are several images.
 */
export function importNames(
  path: string,
  images: readonly ArchiveImage[],
  options: NameOptions,
): string[][] {
  const extra = (options.tags ?? []).map((tag) => {
    const name = parseTag(tag);
    if (name === undefined || parseNormalizedName(tag).digest !== undefined) {
      throw new CriError('InvalidArgument', `cannot tag image "${tag}": a tag has no digest`);
    }
    return name;
  });
  if (extra.length > 0 && images.length > 1) {
    const why = `it holds ${images.length} images, a tag can be given for one only`;
    throw new CriError('InvalidArgument', `cannot tag the images of "${path}": ${why}`);
  }
  const base = options.baseName ?? '';
  const repository = base === '' ? undefined : repositoryOf(parseNormalizedName(base));
  return images.map((image) => {
    const joined =
      repository === undefined ? [] : image.bareTags.map((tag) => tagged(repository, tag));
    return [...new Set([...image.tags, ...joined, ...extra])];
  });
}

function tagged(repository: string, tag: string): string {
  return formatReference(parseNormalizedName(`${repository}:${tag}`));
}

/** `repository@digest` for each repository among the tags; none where the digest is unknown. */
export function repoDigests(image: ArchiveImage, tags: readonly string[]): string[] {
  const { targetDigest } = image;
  if (targetDigest === undefined) {
    return [];
  }
  const repositories = tags.map((tag) => repositoryOf(parseNormalizedName(tag)));
  return [...new Set(repositories)].map((repository) => `${repository}@${targetDigest}`);
}
