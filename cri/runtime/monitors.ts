// The connections to all living monitors, and what their events mean for the records. A monitor
// whose connection breaks is asked once more; if it does not answer it is dead, and its pod ends.
import { join } from 'node:path';
import { CriError, describeError } from '../core/error.ts';
import type { SandboxId } from '../core/ids.ts';
import { MonitorClient } from '../isolator/monitor-client.ts';
import type { MonitorEvent } from '../isolator/monitor-messages.ts';

/** Who is told what the monitors say. */
export interface MonitorListener {
  onEvent(sandboxId: SandboxId, event: MonitorEvent): void;
  /** The monitor is gone without having been released. */
  onDeath(sandboxId: SandboxId, why: string): void;
}

/** One client per living pod. */
export class Monitors {
  readonly #runDir: string;
  readonly #clients = new Map<SandboxId, MonitorClient>();
  #listener: MonitorListener | undefined;

  constructor(runDir: string) {
    this.#runDir = runDir;
  }

  /** Must be called before the first connection. */
  listen(listener: MonitorListener): void {
    this.#listener = listener;
  }

  /** Directory of a pod, owned by its monitor. */
  podDir(sandboxId: SandboxId): string {
    return join(this.#runDir, 'pods', sandboxId);
  }

  /** How many monitors are connected. */
  get count(): number {
    return this.#clients.size;
  }

  /** The client of a living pod; undefined when it has none (stopped, or its monitor died). */
  find(sandboxId: SandboxId): MonitorClient | undefined {
    return this.#clients.get(sandboxId);
  }

  /** As find; throws FailedPrecondition naming the sandbox when it has no monitor. */
  get(sandboxId: SandboxId): MonitorClient {
    const client = this.#clients.get(sandboxId);
    if (client === undefined) {
      throw new CriError(
        'FailedPrecondition',
        `cannot reach the monitor of sandbox "${sandboxId}": the sandbox is not ready`,
      );
    }
    return client;
  }

  /** Connects and subscribes to a pod's monitor. Throws Unavailable when it does not answer. */
  async connect(sandboxId: SandboxId, signal?: AbortSignal): Promise<MonitorClient> {
    const path = join(this.podDir(sandboxId), 'monitor.sock');
    const client = await MonitorClient.connect(path, { podId: sandboxId, signal });
    client.onEvent((event) => this.#listener?.onEvent(sandboxId, event));
    await client.subscribe(signal);
    this.#clients.set(sandboxId, client);
    client.onClose((error) => this.#onClose(sandboxId, client, error));
    return client;
  }

  /** Ends the monitor for good; its death is then expected. Throws what it answers. */
  async release(sandboxId: SandboxId): Promise<void> {
    const client = this.#clients.get(sandboxId);
    if (client === undefined) {
      return;
    }
    this.#clients.delete(sandboxId);
    try {
      await client.releasePod();
      client.close();
    } catch (error) {
      if (client.isClosed) {
        throw error;
      }
      this.#clients.set(sandboxId, client);
      throw error;
    }
  }

  /** Closes all connections; the pods live on. */
  close(): void {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    for (const client of clients) {
      client.close();
    }
  }

  #onClose(sandboxId: SandboxId, client: MonitorClient, error: CriError): void {
    if (this.#clients.get(sandboxId) !== client) {
      return;
    }
    this.#clients.delete(sandboxId);
    this.connect(sandboxId).catch((second: unknown) => {
      const why = `${describeError(error)}; ${describeError(second)}`;
      this.#listener?.onDeath(sandboxId, why);
    });
  }
}
