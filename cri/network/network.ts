// Pod networks through CNI. Owns the journal; knows nothing of sandboxes but their ids.
// Order of an attachment: entry durable -> ADD plugin by plugin -> result into the entry. Order of a
// detachment: DEL in reverse -> entry gone. Whatever fails in between is found in the journal and
// deleted again by the next detach, which StopPodSandbox, an undo or the background calls.
import { join } from 'node:path';
import { CriError, describeError } from '../core/error.ts';
import { KeyedQueue } from '../core/keyed-queue.ts';
import type { SandboxId } from '../core/ids.ts';
import { PersistentJobs } from '../core/persistent-jobs.ts';
import { capabilityArguments, type CapabilityInput } from './capabilities.ts';
import { ConfigSource, type ConfigView, type Conflist } from './conflist.ts';
import { Journal, type Attachment } from './journal.ts';
import { removeCache, writeCache } from './libcni-cache.ts';
import { findPlugins, runPlugin, type PluginHost } from './plugins.ts';
import { parseResult, podAddresses, type CniResult } from './result.ts';

/** Configuration of the network folder. */
export interface NetworkOptions extends PluginHost {
  readonly confDirs: readonly string[];
  /** `<state dir>/network`. */
  readonly journalDir: string;
  /** libcni's cache, normally /var/lib/cni. */
  readonly cacheDir: string;
  readonly bootId: string;
  /** Told of things that went wrong where nobody waits for an answer. */
  readonly report: (problem: string) => void;
}

/** A pod to be attached. */
export interface AttachRequest extends CapabilityInput {
  readonly sandboxId: SandboxId;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly netnsPath: string;
}

/** Whether pods can have a network now; reason and message for CRI's NetworkReady condition. */
export interface NetworkStatus {
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
}

const interfaceName = 'eth0';
/** How old an answer of the plugins' STATUS may get before it is asked again in the background. */
const statusAgeMs = 10_000;
/** A plugin that hangs holds its place until its deadline; the others have the rest. */
const releasesAtOnce = 16;

/** Attaches and detaches pods. Calls for one sandbox run one after the other. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #source: ConfigSource;
  readonly #journal: Journal;
  readonly #queue = new KeyedQueue();
  #pluginStatus: { conflist: Conflist; problem: string | undefined; askedAt: number } | undefined;
  #askingStatus = false;
  /** Attachments that must go although nobody waits for it; keyed by sandbox. */
  readonly #releases: PersistentJobs;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#releases = new PersistentJobs({
      atOnce: releasesAtOnce,
      onFailure: (sandboxId, error, pauseMs) => {
        const next = `tried again in ${Math.round(pauseMs / 1000)} s`;
        const why = `${describeError(error)}; ${next}`;
        options.report(`cannot release network of sandbox "${sandboxId}": ${why}`);
      },
    });
    this.#source = new ConfigSource(options.confDirs);
    this.#journal = new Journal(options.journalDir);
  }

  /** Reads the journal. Entries that cannot be read are reported and set aside. */
  async load(): Promise<void> {
    const { broken } = await this.#journal.load();
    for (const problem of broken) {
      this.#options.report(`cannot read network journal entry ${problem}`);
    }
  }

  /** Answered from what is known: plugins are asked for their STATUS in the background only. */
  async status(): Promise<NetworkStatus> {
    const view = await this.#source.current();
    if (view.conflist === undefined) {
      return {
        ready: false,
        reason: 'NetworkPluginNotReady',
        message: whyNone(this.#source, view),
      };
    }
    this.#refreshPluginStatus(view.conflist);
    const known = this.#pluginStatus;
    const problem = known?.conflist === view.conflist ? known.problem : undefined;
    return problem === undefined
      ? { ready: true, reason: '', message: '' }
      : { ready: false, reason: 'NetworkPluginNotReady', message: problem };
  }

  /** The configuration in force, for verbose status. */
  async config(): Promise<ConfigView> {
    return this.#source.current();
  }

  /**
   * Attaches the pod; returns its addresses, primary first, and the raw result. Throws Unavailable
   * (no configuration, plugin failed), DeadlineExceeded, InvalidArgument (annotations). After a
   * failure `detach` must be called: ADD may have left an address behind.
   */
  attach(
    request: AttachRequest,
    signal?: AbortSignal,
  ): Promise<{ ips: string[]; result: CniResult }> {
    return this.#queue.run(request.sandboxId, () => this.#attach(request, signal));
  }

  /**
   * Runs DEL from the journal until it has worked once; a sandbox without an entry is fine. With
   * `netnsGone` the plugins are told that the namespace is not there any more. Throws what the first
   * failing plugin said; the entry stays, so that the next call tries again.
   */
  detach(sandboxId: SandboxId, netnsGone: boolean, signal?: AbortSignal): Promise<void> {
    return this.#queue.run(sandboxId, () => this.#detach(sandboxId, netnsGone, signal));
  }

  /** Sandboxes that have an attachment in the journal. */
  attached(): readonly Attachment[] {
    return this.#journal.list();
  }

  /**
   * Begins to release every attachment whose sandbox is not alive, as after a reboot or a crash
   * between two steps; see detachInBackground. Other boots' namespaces are gone.
   */
  recover(isAlive: (sandboxId: SandboxId) => boolean): void {
    for (const { sandboxId, bootId } of this.#journal.list()) {
      if (!isAlive(sandboxId)) {
        this.detachInBackground(sandboxId, bootId !== this.#options.bootId);
      }
    }
  }

  /**
   * Runs `detach` in the background again and again until it has worked, by this or by anybody.
   * Failures are reported.
   */
  detachInBackground(sandboxId: SandboxId, netnsGone: boolean): void {
    if (this.#journal.get(sandboxId) !== undefined) {
      this.#releases.start(sandboxId, (signal) => this.detach(sandboxId, netnsGone, signal));
    }
  }

  /** Gives up what goes on in the background; the journal keeps it for the next start. */
  close(): void {
    this.#releases.close();
  }

  async #attach(
    request: AttachRequest,
    signal: AbortSignal | undefined,
  ): Promise<{ ips: string[]; result: CniResult }> {
    const view = await this.#source.current();
    if (view.conflist === undefined) {
      const why = whyNone(this.#source, view);
      throw new CriError('Unavailable', `cannot attach network: ${why}`, { step: 'cni-config' });
    }
    // Before the journal: a plugin that was never run needs no DEL, which would fail the same way.
    await findPlugins(this.#options, view.conflist.plugins);
    const entry: Attachment = {
      version: 1,
      sandboxId: request.sandboxId,
      bootId: this.#options.bootId,
      conflist: view.conflist,
      netnsPath: request.netnsPath,
      interfaceName,
      args: cniArgs(request),
      capabilities: capabilityArguments(request),
    };
    await this.#journal.write(entry);
    const result = await this.#addAll(entry, signal);
    const ips = podAddresses(result, interfaceName);
    if (ips.length === 0) {
      throw new CriError(
        'Unavailable',
        `cannot attach network: "${entry.conflist.name}" gave "${interfaceName}" no IP address`,
        { step: 'cni-add' },
      );
    }
    await this.#journal.write({ ...entry, result });
    await writeCache(this.#options.cacheDir, { ...entry, result }).catch((error: unknown) => {
      this.#options.report(`cannot write libcni's cache: ${describeError(error)}`);
    });
    return { ips, result };
  }

  async #addAll(entry: Attachment, signal: AbortSignal | undefined): Promise<CniResult> {
    let result: CniResult | undefined;
    for (const plugin of entry.conflist.plugins) {
      const context = { ...entry, containerId: entry.sandboxId };
      const stdout = await runPlugin(this.#options, 'ADD', plugin, context, result, signal);
      result = parseResult(plugin.type, stdout);
    }
    return result ?? {};
  }

  async #detach(
    sandboxId: SandboxId,
    netnsGone: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const entry = this.#journal.get(sandboxId);
    if (entry === undefined) {
      return;
    }
    const context = {
      ...entry,
      containerId: entry.sandboxId,
      netnsPath: netnsGone ? '' : entry.netnsPath,
    };
    // Every plugin gets its turn, whatever the others say: one that fails must not keep the
    // addresses of the rest.
    const failures: unknown[] = [];
    for (const plugin of entry.conflist.plugins.toReversed()) {
      await runPlugin(this.#options, 'DEL', plugin, context, entry.result, signal).catch(
        (error: unknown) => failures.push(error),
      );
    }
    if (failures.length > 0) {
      throw failures[0];
    }
    await removeCache(this.#options.cacheDir, entry).catch((error: unknown) => {
      this.#options.report(`cannot remove libcni's cache file: ${describeError(error)}`);
    });
    await this.#journal.remove(sandboxId);
  }

  // STATUS came with CNI 1.1; older plugins are ready when they are configured.
  #refreshPluginStatus(conflist: Conflist): void {
    const known = this.#pluginStatus;
    const fresh = known?.conflist === conflist && performance.now() - known.askedAt < statusAgeMs;
    if (conflist.cniVersion !== '1.1.0' || fresh || this.#askingStatus) {
      return;
    }
    this.#askingStatus = true;
    void this.#askStatus(conflist).then((problem) => {
      this.#pluginStatus = { conflist, problem, askedAt: performance.now() };
      this.#askingStatus = false;
    });
  }

  async #askStatus(conflist: Conflist): Promise<string | undefined> {
    const context = {
      conflist,
      containerId: '',
      netnsPath: '',
      interfaceName: '',
      args: '',
      capabilities: {},
    };
    for (const plugin of conflist.plugins) {
      try {
        await runPlugin(this.#options, 'STATUS', plugin, context, undefined);
      } catch (error) {
        return describeError(error);
      }
    }
    return undefined;
  }
}

function cniArgs(request: AttachRequest): string {
  // The separator must not come from a pod's name; Kubernetes' own names cannot hold it.
  const clean = (text: string): string => text.replaceAll(/[;=\s]/gu, '_');
  return [
    'IgnoreUnknown=1',
    `K8S_POD_NAMESPACE=${clean(request.namespace)}`,
    `K8S_POD_NAME=${clean(request.name)}`,
    `K8S_POD_INFRA_CONTAINER_ID=${request.sandboxId}`,
    `K8S_POD_UID=${clean(request.uid)}`,
  ].join(';');
}

function whyNone(source: ConfigSource, view: ConfigView): string {
  const where = source.directories.map((directory) => `"${directory}"`).join(', ');
  const problems = view.problems.length === 0 ? '' : `; unusable: ${view.problems.join('; ')}`;
  return `no CNI configuration in ${where}${problems}`;
}

/** Where the journal lives below the state directory. */
export function journalDirectory(stateDir: string): string {
  return join(stateDir, 'network');
}
