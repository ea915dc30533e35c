// What unit tests of this folder work with: real records and connections in a directory of their own,
// a launcher and a network that do what the test says, monitors that are fake peers.
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { estiba } from '../../proto/gen/isolation.js';
import { parseConfig } from '../config/config.ts';
import { increasingClock } from '../core/clock.ts';
import type { SandboxId } from '../core/ids.ts';
import { KeyedQueue } from '../core/keyed-queue.ts';
import { PersistentJobs } from '../core/persistent-jobs.ts';
import { FakePeer, type FakeConnection } from '../isolator/fake-peer.ts';
import type { DestroyPodRequest } from '../isolator/launcher-messages.ts';
import { sampleHost } from '../spec/sample-input.ts';
import { OperationTable } from '../store/operations.ts';
import { sampleContainer, sampleId, sampleSandbox } from '../store/record-samples.ts';
import type { ContainerState, SandboxState } from '../store/record.ts';
import { Store } from '../store/store.ts';
import type { Deps } from './deps.ts';
import { Monitors } from './monitors.ts';
import { OomReports } from './oom-kills.ts';
import type { ProcessIdentity } from './process-life.ts';
import { RuntimeHandlers } from './runtime-handlers.ts';

type MonitorRequest = ReturnType<typeof estiba.isolation.v1.MonitorRequest.decode>;
type MonitorReply = estiba.isolation.v1.MonitorReply.$Properties;

/** Answers a request; undefined leaves it unanswered. */
export type Answer = (
  request: MonitorRequest,
  connection: FakeConnection,
  id: number,
) => MonitorReply | undefined;

const sampleImage = {
  id: `sha256:${'a'.repeat(64)}`,
  repoTags: [],
  repoDigests: [],
  config: {
    config: {
      User: '',
      Env: [],
      Entrypoint: [],
      Cmd: ['/bin/true'],
      WorkingDir: '/',
      Volumes: {},
      StopSignal: '',
    },
  },
};

/** A process identity that is never alive. */
export const deadProcess: ProcessIdentity = { pid: 2 ** 22 + 1, startTimeTicks: 1 };

/** A process that lives now, this test's own or a child of it. */
export function processIdentity(pid: number): ProcessIdentity {
  const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return { pid, startTimeTicks: Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[19]) };
}

/** Everything in one place; dispose it with `await using`. */
export class FakeDeps implements AsyncDisposable {
  readonly runDir: string;
  readonly deps: Deps;
  readonly destroyed: DestroyPodRequest[] = [];
  readonly removedTrees: string[] = [];
  readonly detached: [string, boolean][] = [];
  readonly detachedInBackground: string[] = [];
  readonly logged: Record<string, unknown>[] = [];
  /** May throw. */
  onDestroy: (request: DestroyPodRequest) => Promise<void> = async () => {};
  onDetach: (sandboxId: string) => Promise<void> = async () => {};
  readonly #peers: FakePeer[] = [];

  private constructor(runDir: string, store: Store) {
    this.runDir = runDir;
    const log = pino(
      { level: 'debug' },
      {
        write: (line: string) => this.logged.push(JSON.parse(line) as Record<string, unknown>),
      },
    );
    const parts = {
      config: {
        runDir,
        stateDir: join(runDir, 'state'),
        netnsDir: join(runDir, 'netns'),
        timeouts: { undoSeconds: 1, createSeconds: 1 },
        isolator: { cgroupBase: '/estiba' },
        cdi: { specDirs: [] },
        containers: { pidsLimit: 0, selinux: true, rlimitNofile: { soft: 1024, hard: 524_288 } },
      },
      host: { hostname: 'node', spec: sampleHost },
      apparmor: { load: async () => {} },
      selinux: { refresh: async () => {} },
      handlers: new RuntimeHandlers(parseConfig(''), sampleHost),
      log,
      clock: increasingClock(() => 1_800_000_000_000),
      store,
      launcher: {
        startPod: async () => ({ monitorPid: deadProcess.pid, monitorStartTimeTicks: 1 }),
        destroyPod: async (request: DestroyPodRequest) => {
          this.destroyed.push(request);
          await this.onDestroy(request);
        },
        removeTrees: async (paths: string[]) => {
          this.removedTrees.push(...paths);
        },
      },
      monitors: new Monitors(runDir),
      network: {
        detach: async (sandboxId: string, netnsGone: boolean) => {
          this.detached.push([sandboxId, netnsGone]);
          await this.onDetach(sandboxId);
        },
        detachInBackground: (sandboxId: string) => this.detachedInBackground.push(sandboxId),
        recover: () => {},
      },
      images: {
        resolve: () => sampleImage,
        acquire: () => ['/layers/base'],
        reacquire: () => [],
        reacquireAll: () => {},
        release: () => {},
      },
      seccomp: { confinement: async () => undefined },
      queue: new KeyedQueue(),
      oomReports: new OomReports(),
      sandboxOperations: new OperationTable('pod sandbox'),
      containerOperations: new OperationTable('container'),
      jobs: new PersistentJobs({ firstPauseMs: 1, longestPauseMs: 10, onFailure: () => {} }),
      starts: new PersistentJobs({ firstPauseMs: 1, longestPauseMs: 10, onFailure: () => {} }),
    };
    this.deps = parts as unknown as Deps;
  }

  static async make(): Promise<FakeDeps> {
    const runDir = await mkdtemp(join(tmpdir(), 'estiba-rt-'));
    await mkdir(join(runDir, 'pods'));
    const { store } = await Store.load({ runDir, bootId: 'boot' });
    return new FakeDeps(runDir, store);
  }

  /** A sandbox with the id `sampleId(number)` and no monitor yet. */
  async sandbox(number: number, state: SandboxState = 'ready'): Promise<SandboxId> {
    const id = sampleId(number);
    await this.deps.store.sandboxes.claim(sampleSandbox(number));
    if (state !== 'creating') {
      await this.deps.store.sandboxes.update(id, () => ({ state }));
    }
    return id;
  }

  /** A container of sandbox `sandbox`. */
  async container(number: number, sandbox: number, state: ContainerState): Promise<string> {
    const id = sampleId(number);
    const { containers } = this.deps.store;
    await containers.claim(sampleContainer(number, sandbox));
    if (state !== 'creating') {
      await containers.update(id, () => ({ state: 'created' }));
      await containers.update(id, () => ({ state }));
    }
    return id;
  }

  /** A monitor of sandbox `number` that answers what `answer` returns, and `subscribed` to subscribe. */
  async monitor(number: number, answer: Answer, subscribed?: MonitorReply): Promise<FakePeer> {
    return await this.monitorOf(sampleId(number), answer, subscribed);
  }

  /** As monitor, by the sandbox's id. */
  async monitorOf(
    sandboxId: string,
    answer: Answer,
    subscribed: MonitorReply = { subscribed: {} },
  ): Promise<FakePeer> {
    const peer = await FakePeer.monitor((request, id, connection) => {
      const reply = request.subscribe ? subscribed : answer(request, connection, id);
      if (reply !== undefined) {
        connection.monitorReply(id, { done: true, ...reply });
      }
    });
    this.#peers.push(peer);
    const podDir = join(this.runDir, 'pods', sandboxId);
    await rm(podDir, { force: true });
    await symlink(peer.dir, podDir);
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.deps.jobs.close();
    this.deps.starts.close();
    this.deps.monitors.close();
    for (const peer of this.#peers) {
      await peer[Symbol.asyncDispose]();
    }
    await rm(this.runDir, { recursive: true, force: true });
  }
}
