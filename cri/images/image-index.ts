// Which image a reference means: memory only.
import { CriError } from '../core/error.ts';
import type { StoredImage } from './image-records.ts';
import { formatReference, parseImageReference } from '../core/image-reference.ts';

const MIN_PREFIX = 4;
const idPrefixPattern = /^(?:sha256:)?([a-f0-9]{1,64})$/;

/** The images by id and by name. */
export class ImageIndex {
  readonly #byId = new Map<string, StoredImage>();
  readonly #idOfName = new Map<string, string>();

  all(): StoredImage[] {
    return [...this.#byId.values()];
  }

  get(id: string): StoredImage | undefined {
    return this.#byId.get(id);
  }

  /** Adds or replaces an image; a name that another image had is this one's from now on. */
  set(stored: StoredImage): void {
    this.delete(stored.image.id);
    this.#byId.set(stored.image.id, stored);
    for (const name of [...stored.image.repoTags, ...stored.image.repoDigests]) {
      this.#idOfName.set(name, stored.image.id);
    }
  }

  delete(id: string): void {
    const stored = this.#byId.get(id);
    this.#byId.delete(id);
    for (const name of [...(stored?.image.repoTags ?? []), ...(stored?.image.repoDigests ?? [])]) {
      if (this.#idOfName.get(name) === id) {
        this.#idOfName.delete(name);
      }
    }
  }

  /**
   * Returns the image that `text` names: an id, a reference with tag or digest (defaults filled
   * in), else a prefix of at least 4 digits that only one id has. undefined when there is none, also
   * for text that is no reference. Throws InvalidArgument for a prefix that several ids share.
   */
  resolve(text: string): StoredImage | undefined {
    const hex = idPrefixPattern.exec(text)?.[1];
    const byId = hex?.length === 64 ? this.#byId.get(`sha256:${hex}`) : undefined;
    return byId ?? this.#byName(text) ?? this.#byPrefix(text, hex);
  }

  #byName(text: string): StoredImage | undefined {
    let name: string;
    try {
      name = formatReference(parseImageReference(text));
    } catch {
      return undefined;
    }
    const id = this.#idOfName.get(name);
    return id === undefined ? undefined : this.#byId.get(id);
  }

  #byPrefix(text: string, hex: string | undefined): StoredImage | undefined {
    if (hex === undefined || hex.length < MIN_PREFIX) {
      return undefined;
    }
    const found = this.all().filter(({ image }) => image.id.startsWith(`sha256:${hex}`));
    if (found.length > 1) {
      const why = `${found.length} image ids begin with it`;
      throw new CriError('InvalidArgument', `cannot find image "${text}": ${why}`);
    }
    return found[0];
  }
}
