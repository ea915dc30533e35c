import { CriError } from '../core/error.ts';
import { PersistentJobs } from '../core/persistent-jobs.ts';
import type { RecordDirectory } from './record-directory.ts';

/** The label by which the kubelet asks for one pod's objects. */
const podUidLabel = 'io.kubernetes.pod.uid';

/** What both kinds of object have in common. */
export interface ObjectRecord {
  readonly id: string;
  readonly state: string;
  readonly config: { readonly labels: Readonly<Record<string, string>> };
}

/** How one kind of object differs from the other. */
export interface ObjectKind<R extends ObjectRecord> {
  /** For messages ("pod sandbox"). */
  readonly noun: string;
  /** Which states may follow each state; a state may always stay. */
  readonly transitions: Readonly<Record<R['state'], readonly R['state'][]>>;
  readonly nameKey: (record: R) => string;
  readonly toJson: (record: R) => string;
  /** The object as an item of its list response: field tag, length and bytes. */
  readonly encodeItem: (record: R) => Uint8Array;
}

/** Conditions of a list call; an absent one holds always. */
export interface Query<R> {
  /** A whole id or its unique beginning; "" is no condition. */
  readonly idOrPrefix?: string | null | undefined;
  /** The only ids that can meet `accepts`, where an index tells. */
  readonly ids?: Iterable<string> | undefined;
  readonly labelSelector?: Readonly<Record<string, string>> | null | undefined;
  readonly accepts: (record: R) => boolean;
}

export interface Entry<R> {
  record: R;
  /** The list item of `record`; undefined until a list asks for it. */
  item: Uint8Array | undefined;
  isBeingRemoved: boolean;
}

/**
 * All objects of one kind: in memory with indexes, each also as a record on disk. Objects in state
 * "creating" hold their name and are found by `get` and `byName`, but are neither listed nor resolved.
 */
export class ObjectTable<R extends ObjectRecord> {
  readonly #kind: ObjectKind<R>;
  readonly #directory: RecordDirectory;
  readonly #entries = new Map<string, Entry<R>>();
  readonly #idsByName = new Map<string, string>();
  readonly #entriesByPodUid = new Map<string, Set<Entry<R>>>();

  /** Changes that are in force and could not be saved; whoever made them was told why. */
  readonly #unsaved = new PersistentJobs({ longestPauseMs: 30_000, onFailure: () => {} });

  /** The list of all objects; undefined after a change until it is asked for. */
  #whole: Uint8Array | undefined;

  constructor(kind: ObjectKind<R>, directory: RecordDirectory) {
    this.#kind = kind;
    this.#directory = directory;
  }

  /** Number of objects, those being created included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns the object with exactly this id, in any state. */
  get(id: string): R | undefined {
    return this.#entries.get(id)?.record;
  }

  /** Returns the object that holds the name (see sandboxNameKey, containerNameKey), in any state. */
  byName(nameKey: string): R | undefined {
    const id = this.#idsByName.get(nameKey);
    return id === undefined ? undefined : this.get(id);
  }

  /**
   * Returns the listed object with this id or this unique beginning of one, or undefined. Throws
   * InvalidArgument for an empty text and for the beginning of several ids.
   */
  find(idOrPrefix: string): R | undefined {
    if (idOrPrefix === '') {
      throw new CriError('InvalidArgument', `cannot find ${this.#kind.noun}: the id is empty`);
    }
    const matches = this.#matches(idOrPrefix);
    if (matches.length > 1) {
      const why = `it is the beginning of ${matches.length} ids`;
      const message = `cannot find ${this.#kind.noun} "${idOrPrefix}": ${why}`;
      throw new CriError('InvalidArgument', message);
    }
    return matches[0]?.record;
  }

  /** As `find`, and throws NotFound where there is none. */
  resolve(idOrPrefix: string): R {
    const record = this.find(idOrPrefix);
    if (record === undefined) {
      throw this.#notFound(idOrPrefix);
    }
    return record;
  }

  /** Returns the id of the one listed object that `idOrPrefix` stands for, undefined without one. */
  idOf(idOrPrefix: string): string | undefined {
    const matches = this.#matches(idOrPrefix);
    return matches.length === 1 ? matches[0]?.record.id : undefined;
  }

  /** Returns every object, those being created included, oldest first. */
  all(): R[] {
    return Array.from(this.#entries.values(), ({ record }) => record);
  }

  /**
   * Changes an object and saves it: the change is in force at once, the promise resolves when it is
   * on disk. Throws NotFound for an unknown id, Internal for a state that must not follow the present
   * one (nothing is changed then), and why saving fails: the change stays in force, and is saved in the
   * background as soon as that works.
   */
  async update(id: string, change: (record: R) => Partial<R>): Promise<R> {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      throw this.#notFound(id);
    }
    const next: R = { ...entry.record, ...change(entry.record) };
    this.#checkTransition(entry.record, next);
    entry.record = next;
    entry.item = undefined;
    this.#whole = undefined;
    if (!entry.isBeingRemoved) {
      await this.#saveOrGoOn(entry);
    }
    return next;
  }

  /** Forgets an object, first on disk; one that is not there is fine. Throws why it stays. */
  async remove(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      return;
    }
    entry.isBeingRemoved = true;
    try {
      await this.#directory.remove(id);
    } catch (error) {
      entry.isBeingRemoved = false;
      throw error;
    }
    if (this.#entries.get(id) === entry) {
      this.drop(entry.record);
    }
  }

  /** Takes in an object that is new: its name is held at once; resolves when its intent is on disk. */
  protected async add(record: R): Promise<R> {
    const holder = this.byName(this.#kind.nameKey(record));
    if (holder !== undefined || this.#entries.has(record.id)) {
      const why = `its name is held by "${(holder ?? record).id}"`;
      const message = `cannot create ${this.#kind.noun} "${record.id}": ${why}`;
      throw new CriError('AlreadyExists', message);
    }
    const entry = this.insert(record);
    try {
      await this.#save(entry);
    } catch (error) {
      this.drop(record);
      throw error;
    }
    return record;
  }

  /** Takes in an object that is on disk already. Of two with one name the later keeps it. */
  insert(record: R): Entry<R> {
    const entry: Entry<R> = { record, item: undefined, isBeingRemoved: false };
    this.#entries.set(record.id, entry);
    this.#whole = undefined;
    this.#idsByName.set(this.#kind.nameKey(record), record.id);
    const uid = podUidOf(record);
    if (uid !== undefined) {
      const sameUid = this.#entriesByPodUid.get(uid);
      if (sameUid === undefined) {
        this.#entriesByPodUid.set(uid, new Set([entry]));
      } else {
        sameUid.add(entry);
      }
    }
    return entry;
  }

  protected drop(record: R): void {
    const entry = this.#entries.get(record.id);
    this.#entries.delete(record.id);
    this.#whole = undefined;
    const nameKey = this.#kind.nameKey(record);
    if (this.#idsByName.get(nameKey) === record.id) {
      this.#idsByName.delete(nameKey);
    }
    const uid = podUidOf(record);
    const sameUid = uid === undefined ? undefined : this.#entriesByPodUid.get(uid);
    if (uid !== undefined && sameUid !== undefined && entry !== undefined) {
      sameUid.delete(entry);
      if (sameUid.size === 0) {
        this.#entriesByPodUid.delete(uid);
      }
    }
  }

  /** Returns the listed objects that meet every condition, from the smallest index that applies. */
  protected select(query: Query<R>): Entry<R>[] {
    const labels = Object.entries(query.labelSelector ?? {});
    const selected: Entry<R>[] = [];
    for (const entry of this.#candidates(query)) {
      const { record } = entry;
      if (record.state !== 'creating' && query.accepts(record) && hasLabels(record, labels)) {
        selected.push(entry);
      }
    }
    return selected;
  }

  /** Returns the list items of `select(query)`, one after the other: a whole list response. */
  protected encode(query: Query<R>): Uint8Array {
    return Buffer.concat(
      this.select(query).map((entry) => (entry.item ??= this.#kind.encodeItem(entry.record))),
    );
  }

  /**
   * As `encode` for a query without conditions. The kubelet asks for it every second, mostly with
   * nothing changed since: then the same bytes are returned again, so nobody may write to them.
   */
  protected encodeWhole(): Uint8Array {
    return (this.#whole ??= this.encode({ accepts: () => true }));
  }

  #candidates({ idOrPrefix, ids, labelSelector }: Query<R>): Iterable<Entry<R>> {
    if (idOrPrefix) {
      const id = this.idOf(idOrPrefix);
      const entry = id === undefined ? undefined : this.#entries.get(id);
      return entry === undefined ? [] : [entry];
    }
    if (ids !== undefined) {
      return Array.from(ids, (id) => this.#entries.get(id) ?? []).flat();
    }
    if (labelSelector && Object.hasOwn(labelSelector, podUidLabel)) {
      return this.#entriesByPodUid.get(labelSelector[podUidLabel] ?? '') ?? [];
    }
    return this.#entries.values();
  }

  /** Only people send less than a whole id, so that a scan will do. */
  #matches(idOrPrefix: string): Entry<R>[] {
    const exact = this.#entries.get(idOrPrefix);
    const matches =
      exact === undefined
        ? Array.from(this.#entries.values()).filter(({ record }) =>
            record.id.startsWith(idOrPrefix),
          )
        : [exact];
    return matches.filter(({ record }) => record.state !== 'creating');
  }

  #checkTransition(from: R, to: R): void {
    const allowed: readonly string[] = this.#kind.transitions[from.state as R['state']];
    if (from.state !== to.state && !allowed.includes(to.state)) {
      const message = `cannot change ${this.#kind.noun} "${from.id}": "${to.state}" does not follow "${from.state}"`;
      throw new CriError('Internal', message);
    }
  }

  async #saveOrGoOn(entry: Entry<R>): Promise<void> {
    try {
      await this.#save(entry);
    } catch (error) {
      this.#unsaved.start(entry.record.id, async () => {
        if (!entry.isBeingRemoved && this.#entries.get(entry.record.id) === entry) {
          await this.#save(entry);
        }
      });
      throw error;
    }
  }

  async #save(entry: Entry<R>): Promise<void> {
    await this.#directory.save(entry.record.id, () => this.#kind.toJson(entry.record));
  }

  #notFound(id: string): CriError {
    return new CriError('NotFound', `cannot find ${this.#kind.noun} "${id}": there is none`);
  }
}

function podUidOf(record: ObjectRecord): string | undefined {
  return record.config.labels[podUidLabel];
}

function hasLabels(
  { config: { labels } }: ObjectRecord,
  wanted: readonly (readonly [string, string])[],
): boolean {
  return wanted.every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value);
}
