// The images thread: speaks to registries and streams blobs to the launcher's unpackers, so that main
// never sees a byte of them. The first module of a bundle of its own.
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { settledOrAborted } from '../../core/deadline.ts';
import { CriError, describeError } from '../../core/error.ts';
import { Launcher } from '../../isolator/launcher.ts';
import { launcherHelpers } from '../../registry/credential-helper.ts';
import { ProxyChoice } from '../../registry/proxy.ts';
import { TokenCache } from '../../registry/tokens.ts';
import { SystemTrust } from '../../registry/trust.ts';
import { limitedLauncher } from '../layer-launcher.ts';
import { PartialBlobs } from './partial-blobs.ts';
import type { PullSession, UnpackBlobOptions } from './pull-backend.ts';
import { RegistryBackend } from './registry-backend.ts';
import { errorFromWire, errorToWire } from './thread-messages.ts';
import type {
  CallMessage,
  FromThread,
  ThreadCalls,
  ThreadMethod,
  ThreadSettings,
  ToThread,
} from './thread-messages.ts';

type Method<Args, Result> = (args: Args, signal: AbortSignal, id: number) => Promise<Result>;
type Methods = {
  readonly [M in ThreadMethod]: Method<ThreadCalls[M]['args'], ThreadCalls[M]['result']>;
};

class ImagesThread {
  readonly #port: MessagePort;
  readonly #backend: RegistryBackend;
  readonly #sessions = new Map<number, PullSession>();
  readonly #running = new Map<number, { abort: AbortController; ended: Promise<void> }>();
  readonly #revivals = new Map<number, (error: CriError | undefined) => void>();
  #revival = 0;
  readonly #methods: Methods = {
    open: (args) => this.#open(args),
    resolve: (args, signal) => this.#session(args).resolve(signal),
    documents: (args, signal) => this.#session(args).documents(signal),
    unpack: (args, signal, id) =>
      this.#session(args).unpack(args.blob, args.order, this.#telling(id, signal)),
    fetched: (args, signal, id) =>
      this.#session(args).fetched(args.blob, this.#telling(id, signal)),
    discard: (args) => this.#session(args).discard(args.digest),
    close: (args) => this.#close(args.session),
    explain: ({ reference, auth, probe }, signal) =>
      this.#backend.explain(reference, auth, probe, signal),
    shutDown: (_, _signal, id) => this.#shutDown(id),
  };

  constructor(port: MessagePort, settings: ThreadSettings) {
    this.#port = port;
    const { maxUnpackBytes, layerLabel, unpackDeadlineMs } = settings;
    const launcher = new Launcher({
      socketPath: settings.launcherSocket,
      unpackDeadlineMs,
      revive: (signal) => this.#revive(signal),
    });
    const env = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);
    this.#backend = new RegistryBackend({
      launcher: limitedLauncher(launcher, { maxBytes: maxUnpackBytes, fileLabel: layerLabel }),
      partials: new PartialBlobs(settings.ingestDir),
      limits: settings.partials,
      onProblem: (error) => this.#log('cannot sweep partial blobs', error),
      registry: {
        hostsDirs: settings.hostsDirs,
        credentials: {
          files: settings.authFiles,
          runHelper: launcherHelpers({ launcher, directories: settings.helperDirs, env }),
        },
        network: {
          trust: new SystemTrust(),
          proxies: new ProxyChoice(process.env),
          userAgent: settings.userAgent,
        },
        tokens: new TokenCache(),
        stall: settings.stall,
        onFallback: (host, error) => this.#log(`host "${host}" cannot serve an image`, error),
        onRetry: (host, error) => this.#log(`host "${host}" broke off a blob; it goes on`, error),
      },
    });
  }

  start(): void {
    yieldToMain();
    this.#port.on('message', (message: ToThread) => this.#onMessage(message));
    this.#backend.sweep().catch((error: unknown) => this.#log('cannot sweep', error));
  }

  #onMessage(message: ToThread): void {
    switch (message.kind) {
      case 'call':
        this.#begin(message);
        break;
      case 'abort':
        this.#running.get(message.id)?.abort.abort(errorFromWire(message.error));
        break;
      case 'revived':
        this.#revivals.get(message.id)?.(message.error && errorFromWire(message.error));
        break;
    }
  }

  #begin(call: CallMessage): void {
    const { id } = call;
    const abort = new AbortController();
    const ended = this.#answer(call, abort.signal).then(
      (value) => this.#send({ kind: 'result', id, value }),
      (error: unknown) => this.#send({ kind: 'failed', id, error: errorToWire(error) }),
    );
    this.#running.set(id, { abort, ended: ended.finally(() => this.#running.delete(id)) });
  }

  async #answer(call: CallMessage, signal: AbortSignal): Promise<unknown> {
    // Method and args belong together by CallMessage; the compiler does not follow that far.
    const method = this.#methods[call.method] as Method<unknown, unknown>;
    return await method(call.args, signal, call.id);
  }

  async #open({ session, reference, auth }: ThreadCalls['open']['args']): Promise<void> {
    this.#sessions.set(session, await this.#backend.open(reference, auth));
  }

  async #close(session: number): Promise<void> {
    const found = this.#sessions.get(session);
    this.#sessions.delete(session);
    await found?.close();
  }

  #telling(id: number, signal: AbortSignal): UnpackBlobOptions {
    return { signal, onProgress: (progress) => this.#send({ kind: 'progress', id, progress }) };
  }

  #session({ session }: { readonly session: number }): PullSession {
    const found = this.#sessions.get(session);
    if (found === undefined) {
      throw new CriError(
        'Internal',
        'cannot go on with a pull: the images thread does not know it',
      );
    }
    return found;
  }

  async #shutDown(ownId: number): Promise<void> {
    const others = [...this.#running].filter(([id]) => id !== ownId).map(([, call]) => call);
    for (const { abort } of others) {
      abort.abort(new CriError('Canceled', 'cannot pull image: the server stops'));
    }
    await Promise.all(others.map(({ ended }) => ended));
  }

  async #revive(signal: AbortSignal | undefined): Promise<void> {
    this.#revival += 1;
    const id = this.#revival;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#revivals.set(id, (error) => (error === undefined ? resolve() : reject(error)));
    this.#send({ kind: 'revive', id });
    try {
      await settledOrAborted(promise, 'start the launcher', signal);
    } finally {
      this.#revivals.delete(id);
    }
  }

  #log(message: string, error: unknown): void {
    this.#send({ kind: 'log', message, reason: describeError(error) });
  }

  #send(message: FromThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    this.#port.postMessage(message);
  }
}

/** Lets main go first wherever both want to run: on Linux this is about the calling thread alone. */
function yieldToMain(): void {
  try {
    setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not allowed in some containers: then both are equal.
  }
}

if (parentPort !== null) {
  new ImagesThread(parentPort, workerData as ThreadSettings).start();
}
