// Everything the runtime's calls work with, passed in by main.ts. No call keeps state of its own.
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { ContainerId, SandboxId } from '../core/ids.ts';
import type { KeyedQueue } from '../core/keyed-queue.ts';
import type { PersistentJobs } from '../core/persistent-jobs.ts';
import type { ImageStore } from '../images/image-store.ts';
import type { Launcher } from '../isolator/launcher.ts';
import type { Network } from '../network/network.ts';
import type { OperationTable } from '../store/operations.ts';
import type { Store } from '../store/store.ts';
import type { DefaultApparmor } from './apparmor-default.ts';
import type { CdiRegistry } from './cdi-registry.ts';
import type { HostFacts } from './host-facts.ts';
import type { Monitors } from './monitors.ts';
import type { OomReports } from './oom-kills.ts';
import type { RuntimeHandlers } from './runtime-handlers.ts';
import type { SeccompFilters } from './seccomp-filters.ts';
import type { HostSelinux } from './selinux-host.ts';

/** What a call gets beside its request. */
export interface Deps {
  readonly config: Config;
  readonly log: Logger;
  readonly clock: Clock;
  readonly host: HostFacts;
  readonly apparmor: DefaultApparmor;
  readonly selinux: HostSelinux;
  readonly handlers: RuntimeHandlers;
  readonly store: Store;
  readonly launcher: Launcher;
  readonly monitors: Monitors;
  readonly network: Network;
  readonly images: ImageStore;
  readonly cdi: CdiRegistry;
  readonly seccomp: SeccompFilters;
  /** Mutating calls, one after the other for each sandbox. */
  readonly queue: KeyedQueue;
  /** What goes on in the background until it has worked: ends of pods, removal of left-overs. */
  readonly jobs: PersistentJobs;
  /** Starts of containers that take long, see follow-start.ts. */
  readonly starts: PersistentJobs;
  /** Kills for lack of memory, for metrics and log. */
  readonly oomReports: OomReports;
  /** Creates in flight, for repeated calls to join. */
  readonly sandboxOperations: OperationTable<SandboxId>;
  readonly containerOperations: OperationTable<ContainerId>;
  /** Version of this program, as users see it. */
  readonly version: string;
}
