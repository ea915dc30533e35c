import { basename, dirname } from 'node:path';
import { abortError, Deadline } from '../core/deadline.ts';
import { CriError, describeError } from '../core/error.ts';
import { estiba } from '../../proto/gen/isolation.js';
import { toLong, toNumber } from '../../proto/long.ts';
import { Connection } from './connection.ts';
import { ExecOutput } from './exec-output.ts';
import { faultToError } from './fault.ts';
import type {
  ContainerCreated,
  ContainerStarted,
  ContainerState,
  CreateContainerRequest,
  ExecResult,
  ExecSyncRequest,
  MonitorEvent,
  PodState,
  UpdateContainerRequest,
} from './monitor-messages.ts';
import {
  containerCreatedFromWire,
  containerStartedFromWire,
  containerStateFromWire,
  createContainerToWire,
  execSyncToWire,
  eventFromWire,
  podStateFromWire,
} from './monitor-wire.ts';
import { protocolVersion } from './protocol.ts';

const v1 = estiba.isolation.v1;
type RequestProperties = estiba.isolation.v1.MonitorRequest.$Properties;
type Reply = ReturnType<typeof v1.MonitorReply.decode>;

const askDeadlineMs = 10_000;
const startDeadlineMs = 60_000;
const endDeadlineMs = 60_000;
/** The kernel may have to write much memory out before a limit falls. */
const updateDeadlineMs = 110_000;
const defaultCreateDeadlineMs = 110_000;
/** What a call that has a deadline of its own gets on top to report that it passed. */
const reportMs = 10_000;

/** Why a pod whose monitor `isOlder` cannot have what is new. */
export const olderPod = 'the pod was made by an older version of this server';

export interface MonitorClientOptions {
  readonly signal?: AbortSignal | undefined;
  /** For messages; default: the name of the socket's directory. */
  readonly podId?: string | undefined;
}

interface Call {
  /** `<verb> <object>`, for messages. */
  readonly what: string;
  readonly request: RequestProperties;
  /** Which field of MonitorReply the last frame must have set. */
  readonly result: Reply['result'];
  /** undefined: waits without a limit. */
  readonly deadlineMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onUpdate?: ((reply: Reply) => void) | undefined;
}

interface Pending {
  readonly call: Call;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The client of one pod's monitor: any number of calls at a time on one connection. Every call
 * throws the CriError that the monitor's Fault stands for (code, step and errno kept), Unavailable
 * when the monitor is gone, Canceled or DeadlineExceeded when its signal or deadline fires; the
 * monitor is told to give the request up then.
 */
export class MonitorClient {
  readonly #podId: string;
  readonly #pending = new Map<number, Pending>();
  readonly #eventListeners = new Set<(event: MonitorEvent) => void>();
  readonly #closeListeners = new Set<(error: CriError) => void>();
  #connection: Connection | undefined;
  #lastId = 0;
  #peerVersion = protocolVersion;
  #closeError: CriError | undefined;

  private constructor(podId: string) {
    this.#podId = podId;
  }

  /** Connects to the monitor that listens on `socketPath`; throws Unavailable when none does. */
  static async connect(
    socketPath: string,
    options: MonitorClientOptions = {},
  ): Promise<MonitorClient> {
    const podId = options.podId ?? basename(dirname(socketPath));
    const client = new MonitorClient(podId);
    const listener = {
      onMessage: (message: Buffer) => client.#onMessage(message),
      onClose: (error: Error | undefined) => client.#onClose(error),
    };
    const peer = `the monitor of pod ${podId}`;
    client.#connection = await Connection.open(socketPath, peer, listener, options.signal);
    return client;
  }

  /** True once the connection is gone; every further call throws Unavailable. */
  get isClosed(): boolean {
    return this.#closeError !== undefined;
  }

  /** Whether it is of an older version than this program; known from its first answer on. */
  get isOlder(): boolean {
    return this.#peerVersion < protocolVersion;
  }

  /** Calls `listener` for every event, in order; needs `subscribe`. Returns what removes it. */
  onEvent(listener: (event: MonitorEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /** Calls `listener` once when the connection is gone, also by `close`. Returns what removes it. */
  onClose(listener: (error: CriError) => void): () => void {
    this.#closeListeners.add(listener);
    return () => this.#closeListeners.delete(listener);
  }

  /** Closes the connection; the monitor and its containers live on. */
  close(): void {
    this.#closed('the connection has been closed', undefined);
    this.#connection?.close();
  }

  /** From the answer on, every event reaches the listeners of `onEvent`. */
  async subscribe(signal?: AbortSignal): Promise<void> {
    await this.#call({
      what: `subscribe to pod ${this.#podId}`,
      request: { subscribe: {} },
      result: 'subscribed',
      deadlineMs: askDeadlineMs,
      signal,
    });
  }

  /** Returns what the monitor knows about its containers. */
  async getPod(signal?: AbortSignal): Promise<PodState> {
    const reply = await this.#call({
      what: `ask the state of pod ${this.#podId}`,
      request: { getPod: {} },
      result: 'pod',
      deadlineMs: askDeadlineMs,
      signal,
    });
    return podStateFromWire(reply.pod ?? {});
  }

  /** Builds the container with all its mounts and parks its init just before execve. */
  async createContainer(
    request: CreateContainerRequest,
    signal?: AbortSignal,
  ): Promise<ContainerCreated> {
    const reply = await this.#call({
      what: `create container "${request.containerId}"`,
      request: { createContainer: createContainerToWire(request) },
      result: 'containerCreated',
      deadlineMs: (request.deadlineMs ?? defaultCreateDeadlineMs) + reportMs,
      signal,
    });
    return containerCreatedFromWire(reply.containerCreated ?? {});
  }

  /** Lets the parked init go; the answer means that execve succeeded. */
  async startContainer(containerId: string, signal?: AbortSignal): Promise<ContainerStarted> {
    const reply = await this.#call({
      what: `start container "${containerId}"`,
      request: { startContainer: { containerId } },
      result: 'containerStarted',
      deadlineMs: startDeadlineMs,
      signal,
    });
    return containerStartedFromWire(reply.containerStarted ?? {});
  }

  /**
   * Sends signal number `stopSignal` (0 = SIGTERM) and SIGKILL after `graceMs`; returns the final
   * state at death. A later call with a nearer deadline wins.
   */
  async stopContainer(
    containerId: string,
    stopSignal: number,
    graceMs: number,
    signal?: AbortSignal,
  ): Promise<ContainerState> {
    const reply = await this.#call({
      what: `stop container "${containerId}"`,
      request: { stopContainer: { containerId, signal: stopSignal, graceMs: toLong(graceMs) } },
      result: 'containerStopped',
      deadlineMs: graceMs + endDeadlineMs,
      signal,
    });
    return containerStateFromWire(reply.containerStopped ?? {});
  }

  /** Kills the container if it lives and removes all it had; unknown ones are fine. */
  async removeContainer(containerId: string, signal?: AbortSignal): Promise<void> {
    await this.#call({
      what: `remove container "${containerId}"`,
      request: { removeContainer: { containerId } },
      result: 'removed',
      deadlineMs: endDeadlineMs,
      signal,
    });
  }

  /**
   * Changes limits of a created or running container, all that are given or, when it throws, none.
   * Step "exited" of the error: it is over.
   */
  async updateContainer(request: UpdateContainerRequest, signal?: AbortSignal): Promise<void> {
    const { containerId, resourcesJson, oomScoreAdj } = request;
    const updateContainer = {
      containerId,
      resourcesJson: Buffer.from(resourcesJson),
      ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    };
    await this.#call({
      what: `update container "${containerId}"`,
      request: { updateContainer },
      result: 'updated',
      deadlineMs: updateDeadlineMs,
      signal,
    });
  }

  /** Runs a command in a running container. A command that fails is an answer, not an error. */
  async execSync(request: ExecSyncRequest, signal?: AbortSignal): Promise<ExecResult> {
    const { timeoutMs, outputLimitBytes } = request;
    const output = new ExecOutput(outputLimitBytes);
    const reply = await this.#call({
      what: `exec in container "${request.containerId}"`,
      request: { execSync: execSyncToWire(request) },
      result: 'execEnded',
      deadlineMs: timeoutMs === 0 ? undefined : timeoutMs + reportMs,
      signal,
      onUpdate: (update) => output.add(update.execOutput ?? {}),
    });
    return output.result(reply.execEnded ?? {});
  }

  /** Opens the container's log path anew; the file exists when this returns. */
  async reopenLog(containerId: string, signal?: AbortSignal): Promise<void> {
    await this.#call({
      what: `reopen the log of container "${containerId}"`,
      request: { reopenLog: { containerId } },
      result: 'reopened',
      deadlineMs: askDeadlineMs,
      signal,
    });
  }

  /** Kills every container and returns when all are dead. */
  async stopPod(signal?: AbortSignal): Promise<void> {
    await this.#call({
      what: `stop pod ${this.#podId}`,
      request: { stopPod: {} },
      result: 'podStopped',
      deadlineMs: endDeadlineMs,
      signal,
    });
  }

  /** Ends the monitor and the pod's namespaces; the connection closes after the answer. */
  async releasePod(signal?: AbortSignal): Promise<void> {
    await this.#call({
      what: `release pod ${this.#podId}`,
      request: { releasePod: {} },
      result: 'podReleased',
      deadlineMs: endDeadlineMs,
      signal,
    });
  }

  async #call(call: Call): Promise<Reply> {
    const { what } = call;
    if (this.#closeError !== undefined) {
      throw this.#goneError(what, this.#closeError);
    }
    using deadline = new Deadline(what, call.deadlineMs, call.signal);
    const { signal } = deadline;
    if (signal.aborted) {
      throw abortError(signal, what);
    }
    const id = (this.#lastId += 1);
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const giveUp = (): void => {
      reject(abortError(signal, what));
      this.#cancel(id);
    };
    this.#send(id, what, call.request);
    this.#pending.set(id, { call, resolve, reject });
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
      this.#pending.delete(id);
    }
  }

  #send(id: number, what: string, request: RequestProperties): void {
    const message = { version: protocolVersion, id: toLong(id), ...request };
    this.#connection?.send(what, v1.MonitorRequest.encode(message).finish());
  }

  // A monitor is as old as its pod, whatever has been upgraded since.
  #explained(error: CriError): CriError {
    if (!this.isOlder || error.code !== 'Unimplemented') {
      return error;
    }
    const { code, message, step, cause } = error;
    return new CriError(code, `${message}; ${olderPod}`, { step, cause });
  }

  /** Nobody waits for the answer to this: replies to unknown ids are dropped. */
  #cancel(targetId: number): void {
    this.#lastId += 1;
    this.#send(this.#lastId, 'cancel', { cancel: { targetId: toLong(targetId) } });
  }

  #onMessage(message: Buffer): void {
    const reply = v1.MonitorReply.decode(message);
    this.#peerVersion = reply.version;
    const id = toNumber(reply.id);
    if (id === 0) {
      this.#onEvent(reply);
      return;
    }
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      return; // given up
    }
    if (reply.fault) {
      pending.reject(this.#explained(faultToError(reply.fault)));
    } else if (!reply.done) {
      pending.call.onUpdate?.(reply);
    } else if (reply.result === pending.call.result) {
      pending.resolve(reply);
    } else {
      throw new TypeError(`it answered "${reply.result ?? 'nothing'}" to ${pending.call.what}`);
    }
  }

  #onEvent(reply: Reply): void {
    const event = eventFromWire(reply);
    if (event === undefined) {
      return;
    }
    for (const listener of this.#eventListeners) {
      listener(event);
    }
  }

  #onClose(error: Error | undefined): void {
    const why = error === undefined ? 'is gone' : `is out of reach: ${describeError(error)}`;
    this.#closed(`the monitor of pod ${this.#podId} ${why}`, error);
  }

  #closed(why: string, cause: Error | undefined): void {
    if (this.#closeError !== undefined) {
      return;
    }
    const closeError = new CriError('Unavailable', why, { cause });
    this.#closeError = closeError;
    for (const { call, reject } of this.#pending.values()) {
      reject(this.#goneError(call.what, closeError));
    }
    this.#pending.clear();
    for (const listener of this.#closeListeners) {
      listener(closeError);
    }
    this.#closeListeners.clear();
  }

  #goneError(what: string, closeError: CriError): CriError {
    const message = `cannot ${what}: ${closeError.message}`;
    return new CriError('Unavailable', message, { cause: closeError.cause });
  }
}
