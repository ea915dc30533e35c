// Which images the operator wants kept: the kubelet's garbage collection passes pinned ones over.
import type { Image } from '../images/image.ts';
import { formatReference, parseImageReference } from '../core/image-reference.ts';

/** The images that `[images] pinned` of the configuration names, whether they are there or not. */
export class PinnedImages {
  readonly #names: ReadonlySet<string>;
  readonly #begins: readonly string[];

  /**
   * Takes references, with all that Docker leaves out filled in ("busybox" is
   * docker.io/library/busybox:latest), and full ones cut off by a "*". Throws InvalidArgument for what
   * is neither.
   */
  constructor(patterns: readonly string[]) {
    const isBegin = (pattern: string): boolean => pattern.endsWith('*');
    this.#begins = patterns.filter(isBegin).map((pattern) => pattern.slice(0, -1));
    this.#names = new Set(patterns.filter((pattern) => !isBegin(pattern)).map(fullName));
  }

  /** Says whether one of the image's names, tags or digests, is meant. */
  has({ repoTags, repoDigests }: Image): boolean {
    return [...repoTags, ...repoDigests].some(
      (name) => this.#names.has(name) || this.#begins.some((begin) => name.startsWith(begin)),
    );
  }
}

function fullName(reference: string): string {
  return formatReference(parseImageReference(reference));
}
