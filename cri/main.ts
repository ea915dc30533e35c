// The only place that constructs and wires: `estiba serve`, from configuration to answering socket.
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { destination, pino, type Logger } from 'pino';
import { runtime } from '../proto/gen/cri.js';
import { estiba } from '../proto/gen/node.js';
import { runCommandLine } from './cli/command-line.ts';
import { loadConfig, type Config } from './config/config.ts';
import { systemClock } from './core/clock.ts';
import { CriError, describeError } from './core/error.ts';
import type { ContainerId, SandboxId } from './core/ids.ts';
import { KeyedQueue } from './core/keyed-queue.ts';
import { PersistentJobs } from './core/persistent-jobs.ts';
import { imageServiceHandlers, nodeServiceHandlers } from './image/handlers.ts';
import { PinnedImages } from './image/pinned-images.ts';
import { ImageStore } from './images/image-store.ts';
import { ImagePuller } from './images/pull/image-puller.ts';
import { ThreadBackend } from './images/pull/thread-backend.ts';
import { limitedLauncher } from './images/layer-launcher.ts';
import { ensureLauncher, launcherSocketPath } from './isolator/ensure-launcher.ts';
import type { Launcher } from './isolator/launcher.ts';
import type { KernelFeatures } from './isolator/launcher-messages.ts';
import { journalDirectory, Network } from './network/network.ts';
import { CdiRegistry } from './runtime/cdi-registry.ts';
import { DefaultApparmor } from './runtime/apparmor-default.ts';
import { containerTrace } from './runtime/container-trace.ts';
import type { Deps } from './runtime/deps.ts';
import { startFollowers } from './runtime/follow-start.ts';
import { readHostFacts, type HostFacts } from './runtime/host-facts.ts';
import { Monitors } from './runtime/monitors.ts';
import { OomReports } from './runtime/oom-kills.ts';
import { RuntimeHandlers } from './runtime/runtime-handlers.ts';
import { followMonitors, recover } from './runtime/recovery.ts';
import { layerLabel } from './runtime/selinux-files.ts';
import { HostSelinux } from './runtime/selinux-host.ts';
import { labelOwnFiles } from './runtime/selinux-labelling.ts';
import { warmFilters } from './runtime/seccomp-filters.ts';
import { missingFeatures, polledCalls, runtimeServiceHandlers } from './server/cri-handlers.ts';
import { GrpcServer } from './server/grpc-server.ts';
import { serveMetrics, type MetricsEndpoint } from './server/metrics-http.ts';
import { OperationMetrics } from './server/operation-metrics.ts';
import { PullMetrics } from './server/pull-metrics.ts';
import { lockRunDirectory } from './server/run-lock.ts';
import { OperationTable } from './store/operations.ts';
import { Store } from './store/store.ts';

/** Version of this program; part of every node's containerRuntimeVersion. */
const version = '0.1.0';

/** What a thread runs: a bundle of its own, which starts faster than all of the program. */
const threadProgram = (source: string, bundle: string): URL =>
  new URL(import.meta.url.endsWith('/main.ts') ? source : bundle, import.meta.url);
const imagesProgram = threadProgram('images/pull/images-thread.ts', 'estiba-images.mjs');
const yamlProgram = threadProgram('runtime/yaml-thread.ts', 'estiba-yaml.mjs');

/** What a stop waits for calls that are being answered. */
const closeGraceMs = 5000;

async function serve(configPath: string | undefined): Promise<void> {
  const startedAtMs = performance.now();
  const config = await loadConfig(configPath);
  const log = pino({ level: config.log.level, base: {} }, destination(1));
  await makeDirectories(config);
  const lock = await lockRunDirectory(config.runDir);
  const launcher = await startLauncher(config, log);
  const found = await readHostFacts(await kernelFeatures(launcher, config, log));
  const selinux = await HostSelinux.find(config.containers.selinux, log);
  const apparmor = new DefaultApparmor(launcher, found.spec.apparmorEnabled, log);
  await apparmor.load();
  const host = selinux.factsWith(apparmor.factsWith(found));
  if (host.spec.lowestOomScoreAdj > -1000) {
    const lowest = host.spec.lowestOomScoreAdj;
    log.warn({ lowest }, 'oom_score_adj cannot be lowered: CAP_SYS_RESOURCE is missing');
  }
  const loaded = await Store.load({
    runDir: config.runDir,
    bootId: host.bootId,
    traceOf: (containerId) => containerTrace(config.runDir, containerId),
  });
  const deps = await makeDeps(config, log, launcher, host, apparmor, selinux, loaded.store);
  await labelOwnFiles(deps);
  selinux.onceItCanBeUsed(() => labelOwnFiles(deps));
  followMonitors(deps);
  await recover(deps, loaded);
  void deps.handlers.probe(launcher, (handler, reason) => {
    log.warn({ handler, reason }, 'an OCI runtime does not tell its features');
  });
  void deps.images.sweep(); // pulls and imports wait for it, and nothing else
  const metrics = operationMetrics(deps);
  const thread = imagesThread(deps);
  const puller = new ImagePuller({
    images: deps.images,
    backend: thread,
    maxConcurrentDownloads: config.registry.maxConcurrentDownloads,
    observer: new PullMetrics(metrics.registry),
  });
  const server = await listen(deps, puller, metrics);
  const endpoint = await metricsEndpoint(deps, metrics);
  const startMs = Math.round(performance.now() - startedAtMs);
  const facts = { sandboxes: deps.store.sandboxes.size, metrics: endpoint?.address ?? '', startMs };
  log.info({ version, socket: socketPath(config), ...facts }, 'serving');
  await stopSignal();
  await server.close(closeGraceMs);
  await thread.close();
  await endpoint?.close();
  deps.monitors.close();
  deps.network.close();
  deps.jobs.close();
  deps.starts.close();
  await lock.release();
  log.info('stopped; pods live on');
}

// Layers live in the state directory: its file system decides about user namespaces.
async function kernelFeatures(
  launcher: Launcher,
  config: Config,
  log: Logger,
): Promise<KernelFeatures> {
  const { features } = await launcher.ping(undefined, undefined, config.stateDir);
  if (features.userNamespacesProblem !== '') {
    const why = features.userNamespacesProblem;
    log.warn(
      { why, works: features.userNamespaces },
      'user namespaces work in part or not at all here',
    );
  }
  return features;
}

function socketPath(config: Config): string {
  return join(config.runDir, 'estiba.sock');
}

// Anyone may pass through the run directory to the socket, whose own mode decides; nothing else in
// there can be read.
async function makeDirectories({ runDir, stateDir, netnsDir, cni }: Config): Promise<void> {
  await makeDirectory(runDir, 0o711);
  await makeDirectory(netnsDir);
  await makeDirectory(cni.cacheDir);
  const own = [
    join(runDir, 'pods'),
    join(runDir, 'records'),
    stateDir,
    join(stateDir, 'containers'),
  ];
  for (const directory of own) {
    await makeDirectory(directory, 0o700);
  }
}

/** With its parents; one that is there gets the mode, too. */
async function makeDirectory(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    if (mode !== undefined) {
      await chmod(path, mode);
    }
  } catch (error) {
    const why = `cannot make directory "${path}": ${describeError(error)}`;
    throw new CriError('FailedPrecondition', why, { cause: error });
  }
}

function startLauncher(config: Config, log: Logger): Promise<Launcher> {
  return ensureLauncher({
    binary: config.isolator.binary,
    runDir: config.runDir,
    extraArguments: ['--cgroup-base', config.isolator.cgroupBase],
    deadlines: {
      startPodDeadlineMs: config.timeouts.startPodSeconds * 1000,
      unpackDeadlineMs: config.timeouts.unpackSeconds * 1000,
    },
    log: (message, facts) => log.info(facts, message),
  });
}

async function makeDeps(
  config: Config,
  log: Logger,
  launcher: Launcher,
  host: HostFacts,
  apparmor: DefaultApparmor,
  selinux: HostSelinux,
  store: Store,
): Promise<Deps> {
  const network = new Network({
    run: async (program, signal) => {
      const stdin = Buffer.from(program.stdin);
      const ended = await launcher.runProgram({ ...program, stdin }, signal);
      return {
        ...ended,
        stdout: ended.stdout.toString('utf8').toWellFormed(),
        stderr: ended.stderr.toString('utf8').toWellFormed(),
      };
    },
    binDirs: config.cni.binDirs,
    deadlineMs: config.cni.deadlineSeconds * 1000,
    confDirs: config.cni.confDirs,
    journalDir: journalDirectory(config.stateDir),
    cacheDir: config.cni.cacheDir,
    bootId: host.bootId,
    report: (problem) => log.error({ reason: problem }, 'network'),
  });
  await network.load();
  const images = new ImageStore({
    stateDir: config.stateDir,
    launcher: limitedLauncher(launcher, {
      maxBytes: config.images.maxUnpackBytes,
      get fileLabel() {
        return layerLabel(host.spec.selinux);
      },
    }),
    onProblem: (error) => log.error({ reason: describeError(error) }, 'images'),
  });
  for (const broken of await images.load()) {
    log.error({ ...broken }, 'an image record cannot be used; it was put aside');
  }
  return {
    config,
    log,
    clock: systemClock,
    host,
    apparmor,
    selinux,
    store,
    launcher,
    monitors: new Monitors(config.runDir),
    network,
    images,
    cdi: new CdiRegistry(config.cdi.specDirs, yamlProgram),
    seccomp: warmFilters(launcher, host.spec),
    queue: new KeyedQueue(),
    oomReports: new OomReports(),
    jobs: backgroundJobs(log),
    starts: startFollowers(log),
    handlers: new RuntimeHandlers(config, host.spec),
    sandboxOperations: new OperationTable<SandboxId>('pod sandbox'),
    containerOperations: new OperationTable<ContainerId>('container'),
    version,
  };
}

function imagesThread({ config, launcher, images, log, host }: Deps): ThreadBackend {
  const { registry, runDir, timeouts } = config;
  return new ThreadBackend({
    program: imagesProgram,
    settings: {
      userAgent: `estiba/${version}`,
      launcherSocket: launcherSocketPath(runDir),
      ingestDir: images.ingestDir,
      hostsDirs: registry.hostsDirs,
      authFiles: registry.authFiles,
      helperDirs: registry.helperDirs,
      stall: {
        windowMs: registry.stallSeconds * 1000,
        minBytesPerSecond: registry.stallBytesPerSecond,
      },
      partials: {
        maxBytes: registry.partialMaxBytes,
        maxAgeMs: registry.partialMaxAgeSeconds * 1000,
      },
      maxUnpackBytes: config.images.maxUnpackBytes,
      layerLabel: layerLabel(host.spec.selinux),
      unpackDeadlineMs: timeouts.unpackSeconds * 1000,
    },
    // A job with nothing to do: if nobody listens it has a launcher started.
    revive: () => launcher.removeTrees([]),
    log: (message, reason) => log.warn({ reason }, message),
  });
}

// A job that fails or hangs is somebody's left-over: it must not take the launcher from the living.
function backgroundJobs(log: Logger): PersistentJobs {
  return new PersistentJobs({
    atOnce: 8,
    onFailure: (job, error, pauseMs) => {
      log.warn({ job, reason: describeError(error), pauseMs }, 'not done yet; it is tried again');
    },
  });
}

function operationMetrics(deps: Deps): OperationMetrics {
  const metrics = new OperationMetrics({ version });
  const { store, images, monitors } = deps;
  metrics.gauge('estiba_sandboxes', 'Pod sandboxes with a record.', () => store.sandboxes.size);
  metrics.gauge('estiba_containers', 'Containers with a record.', () => store.containers.size);
  metrics.gauge('estiba_monitors', 'Connected pod monitors.', () => monitors.count);
  metrics.oomKills(() => deps.oomReports.entries());
  const compiled = 'Seccomp profiles compiled: each is once, for all containers.';
  metrics.counter('estiba_seccomp_compilations_total', compiled, () => deps.seccomp.compilations);
  metrics.gauge('estiba_images', 'Images stored.', () => images.list().length);
  return metrics;
}

function listen(deps: Deps, puller: ImagePuller, metrics: OperationMetrics): Promise<GrpcServer> {
  const { v1 } = runtime;
  const missing = missingFeatures;
  const pinned = new PinnedImages(deps.config.images.pinned);
  const imageDeps = { images: deps.images, puller, pinned };
  return GrpcServer.listen(
    [
      { service: v1.RuntimeService, types: v1, handlers: runtimeServiceHandlers(deps), missing },
      { service: v1.ImageService, types: v1, handlers: imageServiceHandlers(imageDeps), missing },
      {
        service: estiba.node.v1.NodeService,
        types: estiba.node.v1,
        handlers: nodeServiceHandlers(imageDeps),
        missing: {},
      },
    ],
    {
      path: socketPath(deps.config),
      gid: deps.config.socket.gid,
      log: deps.log,
      metrics,
      polled: polledCalls,
    },
  );
}

async function metricsEndpoint(
  deps: Deps,
  metrics: OperationMetrics,
): Promise<MetricsEndpoint | undefined> {
  const { address } = deps.config.metrics;
  if (address === '') {
    return undefined;
  }
  try {
    return await serveMetrics(address, metrics.registry);
  } catch (error) {
    // Pods matter more than figures about them.
    deps.log.error({ reason: describeError(error) }, 'metrics are not served');
    return undefined;
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => resolve());
    }
  });
}

process.exitCode = await runCommandLine(process.argv, { version, serve });
if (process.exitCode !== 0) {
  process.exit(); // a start that failed half-way has open connections, and the lock
}
