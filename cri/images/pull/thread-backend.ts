// Main's side of the images thread: a PullBackend that hands everything over. The thread is started
// when it is needed; when it dies the calls under way fail and the next one starts another.
import { Worker } from 'node:worker_threads';
import { abortError } from '../../core/deadline.ts';
import { CriError, describeError } from '../../core/error.ts';
import type { Explanation } from '../../registry/explain.ts';
import type { Reference } from '../../core/image-reference.ts';
import type { BlobProgress, PullAuthFields, PullBackend, PullSession } from './pull-backend.ts';
import { errorFromWire, errorToWire, threadName } from './thread-messages.ts';
import type {
  CallMessage,
  FromThread,
  ThreadCalls,
  ThreadMethod,
  ThreadSettings,
  ToThread,
} from './thread-messages.ts';

export interface ThreadBackendOptions {
  /** The thread's program: images-thread.ts, or the bundle made of it. */
  readonly program: URL;
  readonly settings: ThreadSettings;
  /** Brings a launcher back that does not listen any more. */
  readonly revive: () => Promise<void>;
  readonly log: (message: string, reason: string) => void;
  /** After how long without work the thread ends. Default one minute. */
  readonly idleMs?: number | undefined;
}

interface Pending {
  readonly worker: Worker;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: CriError) => void;
  readonly onProgress: ((progress: BlobProgress) => void) | undefined;
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: BlobProgress) => void) | undefined;
}

const heapMegabytes = 512;
const shutDownMs = 3_000;
const defaultIdleMs = 60_000;

export class ThreadBackend implements PullBackend {
  readonly #options: ThreadBackendOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #openSessions = new Set<number>();
  /** Why threads died. */
  readonly #deaths = new WeakMap<Worker, string>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #calls = 0;
  #sessions = 0;
  #isClosed = false;

  constructor(options: ThreadBackendOptions) {
    this.#options = options;
  }

  async open(reference: Reference, auth: PullAuthFields | undefined): Promise<PullSession> {
    this.#sessions += 1;
    const session = this.#sessions;
    // Nobody but this thread ever knows the session.
    const worker = this.#start();
    const call = <M extends ThreadMethod>(
      method: M,
      args: ThreadCalls[M]['args'],
      options?: CallOptions,
    ): Promise<ThreadCalls[M]['result']> => this.#call(method, args, options, worker);
    this.#openSessions.add(session);
    try {
      await call('open', { session, reference, auth });
    } catch (error) {
      this.#openSessions.delete(session);
      throw error;
    }
    return {
      resolve: (signal) => call('resolve', { session }, { signal }),
      documents: (signal) => call('documents', { session }, { signal }),
      unpack: (blob, order, options) => call('unpack', { session, blob, order }, options),
      fetched: (blob, options) => call('fetched', { session, blob }, options),
      discard: (digest) => call('discard', { session, digest }),
      close: () => {
        this.#openSessions.delete(session);
        return call('close', { session });
      },
    };
  }

  async explain(
    reference: string,
    auth: PullAuthFields | undefined,
    probe: boolean,
    signal?: AbortSignal,
  ): Promise<Explanation> {
    return await this.#call('explain', { reference, auth, probe }, { signal });
  }

  /** Ends the thread: calls under way fail, what they have fetched is on disk. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    if (worker !== undefined) {
      const timer = setTimeout(() => void worker.terminate(), shutDownMs);
      await this.#call('shutDown', undefined).catch(() => undefined);
      clearTimeout(timer);
      this.#isClosed = true;
      await worker.terminate();
    }
    this.#isClosed = true;
  }

  async #call<M extends ThreadMethod>(
    method: M,
    args: ThreadCalls[M]['args'],
    { signal, onProgress }: CallOptions = {},
    own?: Worker,
  ): Promise<ThreadCalls[M]['result']> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (signal?.aborted === true) {
      throw abortError(signal, 'pull image');
    }
    const worker = own ?? this.#start();
    const death = this.#deaths.get(worker);
    if (death !== undefined) {
      this.#watchIdleness(); // it may have been the last session
      throw diedError(death);
    }
    clearTimeout(this.#idle);
    this.#calls += 1;
    const id = this.#calls;
    const send = (message: ToThread): void => sendTo(worker, message);
    // The thread ends its work in order and then tells so: nothing is running behind an answer.
    const onAbort = (): void =>
      send({ kind: 'abort', id, error: errorToWire(abortError(signal, 'pull image')) });
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#pending.set(id, { worker, resolve, reject, onProgress });
    send({ kind: 'call', id, method, args } as CallMessage);
    try {
      return (await promise) as ThreadCalls[M]['result'];
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#watchIdleness();
    }
  }

  /** A thread that has nothing to do gives its memory back after a while. */
  #watchIdleness(): void {
    clearTimeout(this.#idle);
    if (this.#pending.size > 0 || this.#openSessions.size > 0 || this.#isClosed) {
      return;
    }
    this.#idle = setTimeout(() => {
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.terminate();
    }, this.#options.idleMs ?? defaultIdleMs);
    this.#idle.unref();
  }

  #start(): Worker {
    if (this.#worker !== undefined) {
      return this.#worker;
    }
    if (this.#isClosed) {
      throw new CriError('Unavailable', 'cannot pull image: the server stops');
    }
    const worker = new Worker(this.#options.program, {
      name: threadName,
      workerData: this.#options.settings,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    });
    let why = 'it ended';
    worker.on('message', (message: FromThread) => this.#onMessage(worker, message));
    worker.on('messageerror', (error) => this.#options.log('images thread', describeError(error)));
    worker.on('error', (error) => {
      why = describeError(error);
    });
    worker.once('exit', () => this.#onExit(worker, why));
    // An idle thread keeps no process alive; close() ends one that works.
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #onMessage(worker: Worker, message: FromThread): void {
    switch (message.kind) {
      case 'result':
        this.#take(message.id)?.resolve(message.value);
        break;
      case 'failed':
        this.#take(message.id)?.reject(errorFromWire(message.error));
        break;
      case 'progress':
        this.#pending.get(message.id)?.onProgress?.(message.progress);
        break;
      case 'log':
        this.#options.log(message.message, message.reason);
        break;
      case 'revive':
        void this.#revive(worker, message.id);
        break;
    }
  }

  async #revive(worker: Worker, id: number): Promise<void> {
    const error = await this.#options.revive().then(
      () => undefined,
      (failure: unknown) => errorToWire(failure),
    );
    sendTo(worker, { kind: 'revived', id, error });
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #onExit(worker: Worker, why: string): void {
    this.#deaths.set(worker, why);
    if (this.#worker === worker) {
      // Nobody has ended it.
      this.#worker = undefined;
      if (!this.#isClosed) {
        this.#options.log('the images thread died; the next pull starts another', why);
      }
    }
    for (const [id, pending] of this.#pending) {
      if (pending.worker === worker) {
        this.#pending.delete(id);
        pending.reject(diedError(why));
      }
    }
  }
}

function diedError(why: string): CriError {
  return new CriError('Unavailable', `cannot pull image: the images thread died: ${why}`);
}

function sendTo(worker: Worker, message: ToThread): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  worker.postMessage(message);
}
