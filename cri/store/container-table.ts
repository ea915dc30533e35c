import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { type Entry, type ObjectKind, ObjectTable, type Query } from './object-table.ts';
import {
  containerNameKey,
  type ContainerRecord,
  type ContainerState,
  type NewContainer,
} from './record.ts';
import type { RecordDirectory } from './record-directory.ts';
import { containerToJson, copyContainerConfig } from './record-json.ts';
import type { SandboxTable } from './sandbox-table.ts';

type Wire = typeof runtime.v1;
const v1: Wire = runtime.v1;
type Filter = runtime.v1.ContainerFilter.$Properties;

/** CRI's number for a container's state. */
export const containerStateToCri: Readonly<Record<ContainerState, runtime.v1.ContainerState>> = {
  creating: v1.ContainerState.CONTAINER_UNKNOWN,
  created: v1.ContainerState.CONTAINER_CREATED,
  running: v1.ContainerState.CONTAINER_RUNNING,
  exited: v1.ContainerState.CONTAINER_EXITED,
  unknown: v1.ContainerState.CONTAINER_UNKNOWN,
};

const kind: ObjectKind<ContainerRecord> = {
  noun: 'container',
  transitions: {
    creating: ['created', 'exited', 'unknown'],
    created: ['running', 'exited', 'unknown'],
    running: ['exited', 'unknown'],
    exited: [],
    unknown: ['exited'],
  },
  nameKey: (record) => containerNameKey(record.sandboxId, record.config.metadata),
  toJson: containerToJson,
  encodeItem: (record) =>
    v1.ListContainersResponse.encode({
      containers: [
        {
          id: record.id,
          podSandboxId: record.sandboxId,
          metadata: record.config.metadata ?? null,
          image: record.config.image ?? null,
          imageRef: record.imageRef,
          state: containerStateToCri[record.state],
          createdAt: toLong(record.createdAtNs),
          labels: record.config.labels,
          annotations: record.config.annotations,
          imageId: record.imageId,
        },
      ],
    }).finish(),
};

function ownLevel({ config }: ContainerRecord): string | undefined {
  return config.linux?.securityContext?.selinuxOptions?.level ?? undefined;
}

/** All containers. */
export class ContainerTable extends ObjectTable<ContainerRecord> {
  readonly #bootId: string;
  readonly #sandboxes: SandboxTable;
  readonly #idsBySandbox = new Map<string, Set<string>>();

  /** `sandboxes` resolves the sandbox ids of filters. */
  constructor(directory: RecordDirectory, bootId: string, sandboxes: SandboxTable) {
    super(kind, directory);
    this.#bootId = bootId;
    this.#sandboxes = sandboxes;
  }

  /**
   * Takes in a container in state "creating"; resolves when its intent is on disk. Throws
   * AlreadyExists while another one holds its name and, as fileError, when it cannot be saved; it is not
   * there then.
   */
  claim(container: NewContainer): Promise<ContainerRecord> {
    return this.add({
      ...container,
      config: copyContainerConfig(container.config),
      bootId: this.#bootId,
      state: 'creating',
      startedAtNs: 0n,
      finishedAtNs: 0n,
      exitCode: 0,
      reason: '',
      message: '',
      pid: 0,
      user: undefined,
      mounts: [],
      resources: undefined,
      oomKills: 0,
    });
  }

  /** Returns the sandbox's containers in any state, those being created included, oldest first. */
  ofSandbox(sandboxId: string): ContainerRecord[] {
    const records: ContainerRecord[] = [];
    for (const id of this.#idsBySandbox.get(sandboxId) ?? []) {
      const record = this.get(id);
      if (record !== undefined) {
        records.push(record);
      }
    }
    return records;
  }

  /** Returns the containers that meet every condition of the filter, oldest first. */
  list(filter?: Filter | null): ContainerRecord[] {
    const query = this.#query(filter) ?? { accepts: () => true };
    return this.select(query).map(({ record }) => record);
  }

  /** Returns the encoded ListContainersResponse (and StreamContainersResponse) of `list`. */
  encodeList(filter?: Filter | null): Uint8Array {
    const query = this.#query(filter);
    return query === undefined ? this.encodeWhole() : this.encode(query);
  }

  override insert(record: ContainerRecord): Entry<ContainerRecord> {
    const ids = this.#idsBySandbox.get(record.sandboxId);
    if (ids === undefined) {
      this.#idsBySandbox.set(record.sandboxId, new Set([record.id]));
    } else {
      ids.add(record.id);
    }
    this.#sandboxes.selinuxLevels.add(ownLevel(record));
    return super.insert(record);
  }

  protected override drop(record: ContainerRecord): void {
    super.drop(record);
    this.#sandboxes.selinuxLevels.remove(ownLevel(record));
    const ids = this.#idsBySandbox.get(record.sandboxId);
    ids?.delete(record.id);
    if (ids?.size === 0) {
      this.#idsBySandbox.delete(record.sandboxId);
    }
  }

  /** Returns undefined for a filter without any condition. */
  #query(filter: Filter | null | undefined): Query<ContainerRecord> | undefined {
    const { id, state, podSandboxId, labelSelector } = filter ?? {};
    if (!id && !state && !podSandboxId && Object.keys(labelSelector ?? {}).length === 0) {
      return undefined;
    }
    const sandboxId = podSandboxId ? this.#wholeSandboxId(podSandboxId) : undefined;
    return {
      idOrPrefix: id,
      ids: sandboxId === undefined ? undefined : (this.#idsBySandbox.get(sandboxId) ?? []),
      labelSelector,
      accepts: (record) =>
        (sandboxId === undefined || record.sandboxId === sandboxId) &&
        (!state || containerStateToCri[record.state] === (state.state ?? 0)),
    };
  }

  /** A container may outlive its sandbox's record, so that its sandbox id counts as it stands. */
  #wholeSandboxId(idOrPrefix: string): string {
    return this.#idsBySandbox.has(idOrPrefix)
      ? idOrPrefix
      : (this.#sandboxes.idOf(idOrPrefix) ?? idOrPrefix);
  }
}
