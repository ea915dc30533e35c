// The connections to all living monitors. A monitor is dead when its process is gone or nobody listens
// on its socket, and for no other reason: whatever else keeps us from it (it hangs, we have no
// descriptors left, it speaks nonsense) is tried again, and its pod lives on.
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CriError, describeError } from '../core/error.ts';
import type { SandboxId } from '../core/ids.ts';
import { PersistentJobs } from '../core/persistent-jobs.ts';
import { MonitorClient } from '../isolator/monitor-client.ts';
import type { MonitorEvent, PodState } from '../isolator/monitor-messages.ts';
import { isGone, type ProcessIdentity } from './process-life.ts';

/** A monitor that died is noticed within this time. */
const firstPauseMs = 100;
const longestPauseMs = 10_000;

/** Who is told what the monitors say. */
export interface MonitorListener {
  onEvent(sandboxId: SandboxId, event: MonitorEvent): void;
  /**
   * Everything the monitor knows, each time it was reached again: events may have been missed. Nobody
   * else uses the client before this has resolved.
   */
  onState(sandboxId: SandboxId, state: PodState, client: MonitorClient): Promise<void>;
  /** The monitor lives, or may live, and cannot be reached now. */
  onOutOfReach(sandboxId: SandboxId, why: string, pauseMs: number): void;
  /** The monitor is gone without having been released. */
  onDeath(sandboxId: SandboxId, why: string): void;
}

/** One client per living pod. */
export class Monitors {
  readonly #runDir: string;
  readonly #clients = new Map<SandboxId, MonitorClient>();
  readonly #processes = new Map<SandboxId, ProcessIdentity>();
  /** Connections being made by `#reachOnce`. */
  readonly #attempts = new Map<SandboxId, Promise<void>>();
  /** One for each monitor that is out of reach. */
  readonly #searches: PersistentJobs;
  #listener: MonitorListener | undefined;

  constructor(runDir: string) {
    this.#runDir = runDir;
    this.#searches = new PersistentJobs({
      firstPauseMs,
      longestPauseMs,
      onFailure: (key, error, pauseMs) => {
        this.#listener?.onOutOfReach(key as SandboxId, describeError(error), pauseMs);
      },
    });
  }

  /** Must be called before the first connection. */
  listen(listener: MonitorListener): void {
    this.#listener = listener;
  }

  /** Directory of a pod, owned by its monitor. */
  podDir(sandboxId: SandboxId): string {
    return join(this.#runDir, 'pods', sandboxId);
  }

  /** Directory of a container, owned by its pod's monitor: config.json and the exit record. */
  containerDir(sandboxId: SandboxId, containerId: string): string {
    return join(this.podDir(sandboxId), 'containers', containerId);
  }

  /** How many monitors are connected. */
  get count(): number {
    return this.#clients.size;
  }

  /** The client of a pod; undefined when it has none (stopped, dead, out of reach). */
  find(sandboxId: SandboxId): MonitorClient | undefined {
    return this.#clients.get(sandboxId);
  }

  /** Whether the monitor lives, or may live, and cannot be reached now. */
  isOutOfReach(sandboxId: SandboxId): boolean {
    return this.#searches.has(sandboxId);
  }

  /**
   * As find; throws Unavailable when the monitor is out of reach and FailedPrecondition when the
   * sandbox has none.
   */
  get(sandboxId: SandboxId): MonitorClient {
    const client = this.#clients.get(sandboxId);
    if (client !== undefined) {
      return client;
    }
    const what = `cannot reach the monitor of sandbox "${sandboxId}"`;
    throw this.isOutOfReach(sandboxId)
      ? new CriError('Unavailable', `${what}: it does not answer; it is tried again`)
      : new CriError('FailedPrecondition', `${what}: the sandbox is not ready`);
  }

  /** As find, but gives a monitor that is out of reach `patienceMs` to answer. */
  async findWithin(sandboxId: SandboxId, patienceMs: number): Promise<MonitorClient | undefined> {
    if (this.isOutOfReach(sandboxId)) {
      const settled = this.#reachOnce(sandboxId).catch(() => undefined); // the search reports it
      await Promise.race([settled, pause(patienceMs, undefined, { ref: false })]);
    }
    return this.find(sandboxId);
  }

  /** Connects to a new pod's monitor. Throws Unavailable when it does not answer. */
  async connect(sandboxId: SandboxId, process: ProcessIdentity): Promise<void> {
    this.#processes.set(sandboxId, process);
    await this.#open(sandboxId, undefined, async () => {});
  }

  /**
   * Finds the monitor of a pod that was started before, `process` if that is known; resolves after
   * the first attempt. The listener is told what came of it: `onState` or `onDeath`, now or later.
   */
  async reach(sandboxId: SandboxId, process: ProcessIdentity | undefined): Promise<void> {
    if (process !== undefined) {
      this.#processes.set(sandboxId, process);
    }
    if (this.#searches.has(sandboxId)) {
      await this.#reachOnce(sandboxId).catch(() => undefined); // the search reports it
      return;
    }
    const first = Promise.withResolvers<void>();
    this.#searches.start(sandboxId, async (signal) => {
      try {
        await this.#reachOnce(sandboxId, signal);
      } catch (error) {
        if (!(await this.#isDead(sandboxId, error)) || signal.aborted) {
          throw error;
        }
        this.#searches.stop(sandboxId);
        this.#processes.delete(sandboxId);
        this.#listener?.onDeath(sandboxId, describeError(error));
      } finally {
        first.resolve();
      }
    });
    await first.promise;
  }

  /**
   * Ends the monitor for good; its death is then expected. One that is out of reach is only given up:
   * end it before. Throws what it answers.
   */
  async release(sandboxId: SandboxId, signal?: AbortSignal): Promise<void> {
    this.#searches.stop(sandboxId);
    const client = this.#clients.get(sandboxId);
    if (client === undefined) {
      this.#processes.delete(sandboxId);
      return;
    }
    this.#clients.delete(sandboxId);
    try {
      await client.releasePod(signal);
      this.#processes.delete(sandboxId);
      client.close();
    } catch (error) {
      if (!client.isClosed) {
        this.#clients.set(sandboxId, client);
      }
      throw error;
    }
  }

  /** Forgets a monitor without asking it, because it hangs; whoever calls this ends it. */
  giveUp(sandboxId: SandboxId): void {
    this.#searches.stop(sandboxId);
    this.#processes.delete(sandboxId);
    const client = this.#clients.get(sandboxId);
    this.#clients.delete(sandboxId);
    client?.close();
  }

  /** Closes all connections; the pods live on. */
  close(): void {
    this.#searches.close();
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    for (const client of clients) {
      client.close();
    }
  }

  /** One attempt, joined by whoever asks meanwhile. */
  #reachOnce(sandboxId: SandboxId, signal?: AbortSignal): Promise<void> {
    let attempt = this.#attempts.get(sandboxId);
    if (attempt === undefined) {
      attempt = this.#open(sandboxId, signal, async (client) => {
        const state = await client.getPod(signal);
        await this.#listener?.onState(sandboxId, state, client);
      }).finally(() => this.#attempts.delete(sandboxId));
      this.#attempts.set(sandboxId, attempt);
    }
    return attempt;
  }

  async #open(
    sandboxId: SandboxId,
    signal: AbortSignal | undefined,
    prepare: (client: MonitorClient) => Promise<void>,
  ): Promise<void> {
    const path = join(this.podDir(sandboxId), 'monitor.sock');
    const client = await MonitorClient.connect(path, { podId: sandboxId, signal });
    try {
      client.onEvent((event) => this.#listener?.onEvent(sandboxId, event));
      await client.subscribe(signal);
      await prepare(client);
      signal?.throwIfAborted();
      if (client.isClosed) {
        const why = 'it closed the connection at once';
        throw new CriError('Unavailable', `cannot reach the monitor of pod ${sandboxId}: ${why}`);
      }
    } catch (error) {
      client.close();
      throw error;
    }
    this.#clients.set(sandboxId, client);
    client.onClose(() => this.#onClose(sandboxId, client));
  }

  async #isDead(sandboxId: SandboxId, error: unknown): Promise<boolean> {
    const { ENOENT, ECONNREFUSED } = constants.errno;
    const errno = error instanceof CriError ? error.errno : undefined;
    if (errno === ENOENT || errno === ECONNREFUSED) {
      return true;
    }
    const process = this.#processes.get(sandboxId);
    return process !== undefined && (await isGone(process));
  }

  #onClose(sandboxId: SandboxId, client: MonitorClient): void {
    if (this.#clients.get(sandboxId) === client) {
      this.#clients.delete(sandboxId);
      void this.reach(sandboxId, undefined);
    }
  }
}
