import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { type Entry, type ObjectKind, ObjectTable, type Query } from './object-table.ts';
import {
  type NewSandbox,
  podResources,
  sandboxNameKey,
  type SandboxRecord,
  type SandboxState,
} from './record.ts';
import type { RecordDirectory } from './record-directory.ts';
import { copySandboxConfig, sandboxToJson } from './record-json.ts';
import { Tally } from './tally.ts';

type Wire = typeof runtime.v1;
const v1: Wire = runtime.v1;
type Filter = runtime.v1.PodSandboxFilter.$Properties;

/** CRI's number for a sandbox's state; one that is being created is not ready. */
export const sandboxStateToCri: Readonly<Record<SandboxState, runtime.v1.PodSandboxState>> = {
  creating: v1.PodSandboxState.SANDBOX_NOTREADY,
  ready: v1.PodSandboxState.SANDBOX_READY,
  notReady: v1.PodSandboxState.SANDBOX_NOTREADY,
};

const kind: ObjectKind<SandboxRecord> = {
  noun: 'pod sandbox',
  transitions: { creating: ['ready', 'notReady'], ready: ['notReady'], notReady: [] },
  nameKey: (record) => sandboxNameKey(record.config.metadata),
  toJson: sandboxToJson,
  encodeItem: (record) =>
    v1.ListPodSandboxResponse.encode({
      items: [
        {
          id: record.id,
          metadata: record.config.metadata ?? null,
          state: sandboxStateToCri[record.state],
          createdAt: toLong(record.createdAtNs),
          labels: record.config.labels,
          annotations: record.config.annotations,
          runtimeHandler: record.runtimeHandler,
        },
      ],
    }).finish(),
};

/** All pod sandboxes. */
export class SandboxTable extends ObjectTable<SandboxRecord> {
  /** SELinux levels of sandboxes and of containers that asked for one. */
  readonly selinuxLevels: Tally = new Tally();
  readonly #bootId: string;

  constructor(directory: RecordDirectory, bootId: string) {
    super(kind, directory);
    this.#bootId = bootId;
  }

  /**
   * Takes in a sandbox in state "creating"; resolves when its intent is on disk. Throws AlreadyExists
   * while another one holds its name and, as fileError, when it cannot be saved; it is not there then.
   */
  claim(sandbox: NewSandbox): Promise<SandboxRecord> {
    return this.add({
      ...sandbox,
      config: copySandboxConfig(sandbox.config),
      bootId: this.#bootId,
      state: 'creating',
      reason: '',
      ips: [],
      podStarted: undefined,
      attachment: undefined,
      resources: podResources(sandbox.config.linux),
    });
  }

  override insert(record: SandboxRecord): Entry<SandboxRecord> {
    this.selinuxLevels.add(record.selinuxLevel);
    return super.insert(record);
  }

  protected override drop(record: SandboxRecord): void {
    super.drop(record);
    this.selinuxLevels.remove(record.selinuxLevel);
  }

  /** Returns the sandboxes that meet every condition of the filter, oldest first. */
  list(filter?: Filter | null): SandboxRecord[] {
    const query = this.#query(filter) ?? { accepts: () => true };
    return this.select(query).map(({ record }) => record);
  }

  /** Returns the encoded ListPodSandboxResponse (and StreamPodSandboxesResponse) of `list`. */
  encodeList(filter?: Filter | null): Uint8Array {
    const query = this.#query(filter);
    return query === undefined ? this.encodeWhole() : this.encode(query);
  }

  /** Returns undefined for a filter without any condition. */
  #query(filter: Filter | null | undefined): Query<SandboxRecord> | undefined {
    const { id, state, labelSelector } = filter ?? {};
    if (!id && !state && Object.keys(labelSelector ?? {}).length === 0) {
      return undefined;
    }
    return {
      idOrPrefix: id,
      labelSelector,
      accepts: (record) => !state || sandboxStateToCri[record.state] === (state.state ?? 0),
    };
  }
}
