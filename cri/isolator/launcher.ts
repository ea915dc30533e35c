import { abortError, Deadline, settledOrAborted } from '../core/deadline.ts';
import { CriError, describeError } from '../core/error.ts';
import { estiba } from '../../proto/gen/isolation.js';
import { toLong } from '../../proto/long.ts';
import { Connection } from './connection.ts';
import { faultToError } from './fault.ts';
import type {
  DestroyPodRequest,
  LabelTree,
  PodStarted,
  Pong,
  ProgramEnded,
  RunProgramRequest,
  SeccompFilter,
  StartPodRequest,
  Unpacked,
  UnpackProgress,
  UnpackRequest,
} from './launcher-messages.ts';
import {
  destroyPodToWire,
  podStartedFromWire,
  pongFromWire,
  programEndedFromWire,
  runProgramToWire,
  seccompFilterFromWire,
  startPodToWire,
  unpackedFromWire,
  unpackProgressFromWire,
  unpackToWire,
} from './launcher-wire.ts';
import { protocolVersion } from './protocol.ts';

const v1 = estiba.isolation.v1;
const { UnpackGrown } = v1;
type RequestProperties = estiba.isolation.v1.LauncherRequest.$Properties;
type Reply = ReturnType<typeof v1.LauncherReply.decode>;

const peer = 'the launcher';
const pingDeadlineMs = 5_000;
const removeTreesDeadlineMs = 600_000;
const labelTreesDeadlineMs = 600_000;
const destroyPodDeadlineMs = 60_000;
const compileDeadlineMs = 30_000;
const defaultProgramDeadlineMs = 120_000;
const defaultStartPodDeadlineMs = 60_000;
const defaultUnpackDeadlineMs = 3_600_000;
/** What a job that has a deadline of its own gets on top to report that it passed. */
const reportMs = 10_000;

/** How long jobs may take that have no deadline of their own. */
export interface LauncherDeadlines {
  /** For a pod's monitor to start. Default 60 s. */
  readonly startPodDeadlineMs?: number | undefined;
  /** For unpacking one layer. Default 1 h. */
  readonly unpackDeadlineMs?: number | undefined;
}

export interface LauncherOptions extends LauncherDeadlines {
  readonly socketPath: string;
  /**
   * Called when nobody listens on the socket; the job then connects once more. No job is ever sent
   * twice: only the connection is retried.
   */
  readonly revive?: ((signal?: AbortSignal) => Promise<unknown>) | undefined;
}

export interface UnpackOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: UnpackProgress) => void) | undefined;
  /**
   * For a file that is still being written: how many of its bytes may be read by now, more each time.
   * The blob ends where this does.
   */
  readonly growth?: AsyncIterable<number> | undefined;
}

interface Job {
  /** `<verb> <object>`, for messages. */
  readonly what: string;
  readonly request: RequestProperties;
  /** Which field of LauncherReply the last frame must have set. */
  readonly result: Reply['result'];
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onUpdate?: ((reply: Reply) => void) | undefined;
  /** Sends what follows the request. */
  readonly afterRequest?: ((connection: Connection) => Promise<void>) | undefined;
}

/**
 * The client of the launcher: each call is one job on a connection of its own. Every call throws the
 * CriError that the job's Fault stands for (code, step and errno kept), Unavailable when the launcher
 * cannot be reached or dies, Canceled or DeadlineExceeded when its signal or deadline fires; the
 * connection is closed then, which cancels the job.
 */
export class Launcher {
  readonly #socketPath: string;
  readonly #revive: LauncherOptions['revive'];
  readonly #startPodDeadlineMs: number;
  readonly #unpackDeadlineMs: number;

  constructor(options: LauncherOptions) {
    this.#socketPath = options.socketPath;
    this.#revive = options.revive;
    this.#startPodDeadlineMs = options.startPodDeadlineMs ?? defaultStartPodDeadlineMs;
    this.#unpackDeadlineMs = options.unpackDeadlineMs ?? defaultUnpackDeadlineMs;
  }

  /**
   * Asks who is there and, with `layersDir`, whether pods can have user namespaces over layers in
   * that directory. Does not revive a launcher that is gone.
   */
  async ping(
    signal?: AbortSignal,
    deadlineMs: number = pingDeadlineMs,
    layersDir = '',
  ): Promise<Pong> {
    const what = 'ping the launcher';
    const request = { ping: { layersDir } };
    const job: Job = { what, request, result: 'pong', deadlineMs, signal };
    using deadline = new Deadline(what, deadlineMs, signal);
    const exchange = new JobExchange(job);
    await exchange.open(this.#socketPath, deadline.signal);
    const reply = await exchange.run(deadline.signal);
    return pongFromWire(reply.pong ?? {});
  }

  /** Starts a pod's monitor with the pod's namespaces. */
  async startPod(request: StartPodRequest, signal?: AbortSignal): Promise<PodStarted> {
    const reply = await this.#run({
      what: `start pod "${request.podId}"`,
      request: { startPod: startPodToWire(request) },
      result: 'podStarted',
      deadlineMs: this.#startPodDeadlineMs,
      signal,
    });
    return podStartedFromWire(reply.podStarted ?? {});
  }

  /** Runs a host program to its end. A program that fails is an answer, not an error. */
  async runProgram(request: RunProgramRequest, signal?: AbortSignal): Promise<ProgramEnded> {
    const reply = await this.#run({
      what: `run "${request.argv[0] ?? ''}"`,
      request: { runProgram: runProgramToWire(request) },
      result: 'programEnded',
      deadlineMs: (request.deadlineMs ?? defaultProgramDeadlineMs) + reportMs,
      signal,
    });
    return programEndedFromWire(reply.programEnded ?? {});
  }

  /** Unpacks one layer blob; on any error the target directory is gone again. */
  async unpack(request: UnpackRequest, options: UnpackOptions = {}): Promise<Unpacked> {
    const { growth, onProgress } = options;
    const { expectedDigest, expectedDiffId, sourcePath } = request;
    const name = [expectedDigest, expectedDiffId, sourcePath].find((known) => known) ?? '';
    const deadlineMs = request.deadlineMs ?? this.#unpackDeadlineMs;
    const reply = await this.#run({
      what: `unpack layer "${name}"`,
      request: { unpack: unpackToWire({ ...request, deadlineMs }, growth !== undefined) },
      result: 'unpacked',
      deadlineMs: deadlineMs + reportMs,
      signal: options.signal,
      onUpdate: (update) => {
        if (update.unpackProgress) {
          onProgress?.(unpackProgressFromWire(update.unpackProgress));
        }
      },
      afterRequest:
        growth === undefined ? undefined : (connection) => tellGrowth(connection, growth),
    });
    return unpackedFromWire(reply.unpacked ?? {});
  }

  /** Removes directory trees; those that do not exist are fine. */
  async removeTrees(paths: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.#run({
      what: `remove directory "${paths.join('", "')}"`,
      request: { removeTrees: { paths: [...paths] } },
      result: 'removed',
      deadlineMs: removeTreesDeadlineMs,
      signal,
    });
  }

  /**
   * Labels files; those that do not exist are fine. The first failure is thrown when all are done.
   * `deadlineMs`: default 10 min. What has been labelled by then stays so.
   */
  async labelTrees(
    trees: readonly LabelTree[],
    signal?: AbortSignal,
    deadlineMs: number = labelTreesDeadlineMs,
  ): Promise<void> {
    await this.#run({
      what: 'label files',
      request: {
        labelTrees: {
          trees: trees.map(({ path, label, isShallow }) => ({ path, label, shallow: isShallow })),
        },
      },
      result: 'labelled',
      deadlineMs,
      signal,
    });
  }

  /** Compiles a seccomp profile, the JSON text of linux.seccomp. InvalidArgument names what cannot be. */
  async compileSeccomp(profile: string, signal?: AbortSignal): Promise<SeccompFilter> {
    const reply = await this.#run({
      what: 'compile a seccomp profile',
      request: { compileSeccomp: { profileJson: Buffer.from(profile) } },
      result: 'seccompFilter',
      deadlineMs: compileDeadlineMs,
      signal,
    });
    return seccompFilterFromWire(reply.seccompFilter ?? {});
  }

  /** Ends what is left of a pod whose monitor is gone. Idempotent. */
  async destroyPod(request: DestroyPodRequest, signal?: AbortSignal): Promise<void> {
    await this.#run({
      what: `destroy pod at "${request.podDir}"`,
      request: { destroyPod: destroyPodToWire(request) },
      result: 'destroyed',
      deadlineMs: destroyPodDeadlineMs,
      signal,
    });
  }

  async #run(job: Job): Promise<Reply> {
    using deadline = new Deadline(job.what, job.deadlineMs, job.signal);
    const exchange = new JobExchange(job);
    try {
      await exchange.open(this.#socketPath, deadline.signal);
    } catch (error) {
      if (this.#revive === undefined || !isNobodyThere(error)) {
        throw error;
      }
      await this.#revive(deadline.signal);
      await exchange.open(this.#socketPath, deadline.signal);
    }
    try {
      return await exchange.run(deadline.signal);
    } catch (error) {
      if (error instanceof CriError && error.code === 'DeadlineExceeded') {
        // Every job of a healthy launcher ends by itself before this. The next one finds another.
        this.#revive?.().catch(() => undefined);
      }
      throw error;
    }
  }
}

/** True when connecting failed because no launcher listens: then no job can have been started. */
function isNobodyThere(error: unknown): boolean {
  return error instanceof CriError && error.code === 'Unavailable';
}

/** One job on one connection. */
class JobExchange {
  readonly #job: Job;
  readonly #answer = Promise.withResolvers<Reply>();
  #connection: Connection | undefined;

  constructor(job: Job) {
    this.#job = job;
    this.#answer.promise.catch(() => {}); // it may be rejected before anyone waits for it
  }

  async open(socketPath: string, signal: AbortSignal): Promise<void> {
    const listener = {
      onMessage: (message: Buffer) => this.#onMessage(message),
      onClose: (error: Error | undefined) => this.#onClose(error),
    };
    this.#connection = await Connection.open(socketPath, peer, listener, signal);
  }

  async run(signal: AbortSignal): Promise<Reply> {
    const { what, request, afterRequest } = this.#job;
    const connection = this.#connection;
    if (connection === undefined) {
      throw new CriError('Internal', `cannot ${what}: there is no connection`);
    }
    try {
      if (signal.aborted) {
        throw abortError(signal, what);
      }
      const message = v1.LauncherRequest.encode({ version: protocolVersion, ...request });
      connection.send(what, message.finish());
      afterRequest?.(connection).catch((error: unknown) => this.#answer.reject(error));
      return await settledOrAborted(this.#answer.promise, what, signal);
    } finally {
      connection.close();
    }
  }

  #onMessage(message: Buffer): void {
    const reply = v1.LauncherReply.decode(message);
    if (reply.fault) {
      this.#answer.reject(faultToError(reply.fault));
    } else if (!reply.done) {
      this.#job.onUpdate?.(reply);
    } else if (reply.result === this.#job.result) {
      this.#answer.resolve(reply);
    } else {
      throw new TypeError(`it answered "${reply.result ?? 'nothing'}"`);
    }
  }

  #onClose(error: Error | undefined): void {
    const why =
      error === undefined
        ? `${peer} closed the connection before it answered`
        : `the connection to ${peer} broke: ${describeError(error)}`;
    const message = `cannot ${this.#job.what}: ${why}`;
    this.#answer.reject(new CriError('Unavailable', message, { cause: error }));
  }
}

async function tellGrowth(connection: Connection, growth: AsyncIterable<number>): Promise<void> {
  let bytes = 0;
  const tell = (last: boolean): void =>
    connection.send(
      'tell how far a layer is',
      UnpackGrown.encode({ bytes: toLong(bytes), last }).finish(),
    );
  for await (bytes of growth) {
    if (connection.isClosed) {
      return; // whoever closed it has told why
    }
    tell(false);
    await connection.drained();
  }
  if (!connection.isClosed) {
    tell(true);
  }
}
