import { join } from 'node:path';
import { ContainerTable } from './container-table.ts';
import { loadRecords, type QuarantinedRecord } from './load-records.ts';
import type { ContainerRecord, SandboxRecord } from './record.ts';
import { RecordDirectory } from './record-directory.ts';
import {
  containerFromJson,
  containerToJson,
  sandboxFromJson,
  sandboxToJson,
} from './record-json.ts';
import { salvageContainer, salvageSandbox, type ContainerTrace } from './salvage.ts';
import { SandboxTable } from './sandbox-table.ts';

export interface StoreOptions {
  /** The records are below `<runDir>/records`. */
  readonly runDir: string;
  /** Of the running kernel; records of another boot are of pods that are gone. */
  readonly bootId: string;
  /** What can be found out about a container whose record is broken; default: nothing. */
  readonly traceOf?: ((containerId: string) => ContainerTrace | undefined) | undefined;
}

export interface Loaded {
  readonly store: Store;
  /** Of an earlier boot: gone, their records removed. What they held outside must be released. */
  readonly gone: {
    readonly sandboxes: readonly SandboxRecord[];
    readonly containers: readonly ContainerRecord[];
  };
  readonly quarantined: readonly QuarantinedRecord[];
}

/** Everything `serve` knows about sandboxes and containers. It must be the only one on its directory. */
export class Store {
  readonly sandboxes: SandboxTable;
  readonly containers: ContainerTable;

  private constructor(sandboxes: SandboxTable, containers: ContainerTable) {
    this.sandboxes = sandboxes;
    this.containers = containers;
  }

  /**
   * Loads every record, each alone: one that cannot be read is put aside and its object stays listed
   * with the reason, so that the kubelet removes it. Objects found in state "creating" are intents
   * that a crash interrupted; the caller undoes and removes them. Throws Internal when the directory
   * itself cannot be used.
   */
  static async load({ runDir, bootId, traceOf = () => undefined }: StoreOptions): Promise<Loaded> {
    const records = join(runDir, 'records');
    const quarantine = join(records, 'quarantine');
    const sandboxDir = new RecordDirectory(join(records, 'sandboxes'), quarantine, 'sandbox');
    const containerDir = new RecordDirectory(join(records, 'containers'), quarantine, 'container');
    const sandboxes = new SandboxTable(sandboxDir, bootId);
    const containers = new ContainerTable(containerDir, bootId, sandboxes);
    const [fromSandboxes, fromContainers] = await Promise.all([
      loadRecords<SandboxRecord>({
        kind: 'sandbox',
        directory: sandboxDir,
        bootId,
        fromJson: sandboxFromJson,
        toJson: sandboxToJson,
        salvage: salvageSandbox,
      }),
      loadRecords<ContainerRecord>({
        kind: 'container',
        directory: containerDir,
        bootId,
        fromJson: containerFromJson,
        toJson: containerToJson,
        salvage: (broken) => salvageContainer(broken, traceOf(broken.id)),
      }),
    ]);
    fromSandboxes.live.forEach((record) => sandboxes.insert(record));
    fromContainers.live.forEach((record) => containers.insert(record));
    return {
      store: new Store(sandboxes, containers),
      gone: { sandboxes: fromSandboxes.gone, containers: fromContainers.gone },
      quarantined: [...fromSandboxes.quarantined, ...fromContainers.quarantined],
    };
  }
}
