// The configuration's one source: every option's type, check, default, unit and description. The
// parser, the defaults and the reference page are all read from here.
import * as v from 'valibot';

import {
  addressProblem,
  cgroupPathProblem,
  handlerProblem,
  pinnedImageProblem,
  runtimeArgumentProblem,
} from './checks.ts';
import type { Config } from './config.ts';
import { checkedString, directory, inBytes, inSeconds, integer, seconds } from './scalars.ts';

interface OptionFacts {
  readonly type: string;
  readonly unit?: string;
}

/** The longest `run_dir`: its sockets' paths must fit into the kernel's 107 bytes. */
export const runDirMaxLength = 24;

// <run dir>/pods/<64 hex>/monitor.sock is the longest: 24 + 83 = 107 bytes.
const runDirLimitReason =
  `is longer than ${runDirMaxLength} characters, and the unix sockets below it ` +
  'would pass the kernel’s limit of 107 bytes';

/** Adds what the reference page needs to a schema, and its default. */
function option<S extends v.GenericSchema>(
  schema: S,
  fallback: v.InferInput<S>,
  description: string,
  facts: OptionFacts,
) {
  return v.optional(
    v.pipe(
      schema,
      v.description(description),
      v.metadata({
        type: facts.type,
        unit: facts.unit ?? '',
      }),
    ),
    fallback,
  );
}

const directories = (example: string) =>
  v.pipe(v.array(directory()), v.minLength(1, `is empty; name a directory, such as "${example}"`));

const runDir = v.pipe(
  directory(),
  v.check(
    (path) => path.length <= runDirMaxLength,
    (issue) => `"${issue.input}" ${runDirLimitReason}`,
  ),
);

const rlimit = v.pipe(
  v.strictObject({
    soft: option(
      integer(1, 1_048_576),
      1024,
      'Open files a container may have before it raises its own limit.',
      { type: 'integer', unit: 'files' },
    ),
    hard: option(
      integer(1, 1_048_576),
      524_288,
      'Open files a container may raise its limit to; cut to the host’s own hard limit.',
      { type: 'integer', unit: 'files' },
    ),
  }),
  v.check(
    ({ soft, hard }) => soft <= hard,
    (issue) => `soft ${issue.input.soft} is above hard ${issue.input.hard}`,
  ),
);

const registrySection = v.optional(
  v.strictObject({
    hosts_dirs: option(
      v.array(directory()),
      ['/etc/estiba/certs.d', '/etc/containerd/certs.d'],
      'Directories of `<host>/hosts.toml` (mirrors, CAs, client certificates) as containerd lays them out; the first that has one for the host, or `_default`, wins. Read at each pull.',
      { type: 'list of paths' },
    ),
    auth_files: option(
      v.array(directory()),
      ['/etc/estiba/auth.json'],
      'Files in the format of Docker’s config.json (`auths`, `credHelpers`, `credsStore`), asked in order where a pull brings no credentials. Read at each pull; missing ones are passed over.',
      { type: 'list of paths' },
    ),
    helper_dirs: option(
      v.array(directory()),
      ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'],
      'Directories searched for `docker-credential-*` programs, in order.',
      { type: 'list of paths' },
    ),
    max_concurrent_downloads: option(
      integer(1, 64),
      3,
      'Layers of one image that are fetched and unpacked at the same time.',
      { type: 'integer' },
    ),
    stall_bytes_per_second: option(
      integer(1, 2 ** 30),
      1024,
      'A registry that sends less than this is given up and the rest asked for anew.',
      { type: 'integer', unit: 'bytes per second' },
    ),
    stall_seconds: option(
      seconds(3600),
      30,
      'How long a registry may send less than `stall_bytes_per_second`.',
      { type: 'integer', unit: 'seconds' },
    ),
    partial_max_bytes: option(
      integer(0, Number.MAX_SAFE_INTEGER),
      10_737_418_240,
      'What may stay of layers whose pull was broken off, so that the next one goes on with it.',
      { type: 'integer', unit: 'bytes' },
    ),
    partial_max_age_seconds: option(integer(0, 31_536_000), 86_400, 'How long it may stay.', {
      type: 'integer',
      unit: 'seconds',
    }),
  }),
  {},
);

const fileSchema = v.strictObject({
  run_dir: option(
    runDir,
    '/run/estiba',
    `Sockets, records of pods and containers; must not survive a reboot. At most ${runDirMaxLength} characters.`,
    { type: 'path' },
  ),
  state_dir: option(
    directory(),
    '/var/lib/estiba',
    'Images, layers, writable layers of containers, network journal; must survive a reboot.',
    { type: 'path' },
  ),
  netns_dir: option(
    directory(),
    '/run/netns',
    'Where the pods’ network namespaces are pinned, as `estiba-<id>`.',
    { type: 'path' },
  ),
  default_shm_bytes: option(
    integer(4096, 2 ** 40),
    67_108_864,
    'Size of a pod’s /dev/shm.',
    inBytes,
  ),
  socket: v.optional(
    v.strictObject({
      gid: option(
        integer(0, 2 ** 31 - 1),
        0,
        'Group of `estiba.sock` (mode 0660). Its members are root in effect.',
        { type: 'integer', unit: 'group id' },
      ),
    }),
    {},
  ),
  log: v.optional(
    v.strictObject({
      level: option(
        v.picklist(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
        'info',
        'Lowest level that is logged: trace, debug, info, warn, error or fatal.',
        { type: 'string' },
      ),
    }),
    {},
  ),
  metrics: v.optional(
    v.strictObject({
      address: option(
        checkedString(addressProblem),
        '127.0.0.1:9099',
        'Where `/metrics` of the server itself is served over HTTP, as `host:port`; "" turns it off.',
        { type: 'string' },
      ),
    }),
    {},
  ),
  cni: v.optional(
    v.strictObject({
      conf_dirs: option(
        directories('/etc/cni/net.d'),
        ['/etc/cni/net.d'],
        'Directories searched for CNI configurations, the first that holds one wins.',
        { type: 'list of paths' },
      ),
      bin_dirs: option(
        directories('/opt/cni/bin'),
        ['/opt/cni/bin', '/usr/lib/cni'],
        'Directories searched for CNI plugins, in order.',
        { type: 'list of paths' },
      ),
      deadline_seconds: option(
        seconds(3600),
        90,
        'How long one run of one CNI plugin may take before it is killed.',
        inSeconds,
      ),
      cache_dir: option(
        directory(),
        '/var/lib/cni',
        'Where results are written for other CNI tools; never read by Estiba.',
        { type: 'path' },
      ),
    }),
    {},
  ),
  isolator: v.optional(
    v.strictObject({
      binary: option(directory(), '/usr/lib/estiba/estiba-isolator', 'The native helper.', {
        type: 'path',
      }),
      cgroup_base: option(
        checkedString(cgroupPathProblem),
        '/estiba',
        'Parent cgroup, in each hierarchy, of pods that name none.',
        { type: 'cgroup path' },
      ),
      legacy_mounts: option(
        v.boolean(),
        false,
        'Mount with mount(2) alone even where the kernel has the newer calls.',
        { type: 'boolean' },
      ),
      handler: option(
        checkedString(handlerProblem),
        'estiba',
        'Name by which RuntimeClasses may ask for Estiba’s own isolation; pods of no class have it anyway.',
        { type: 'handler' },
      ),
    }),
    {},
  ),
  runtimes: option(
    v.record(
      checkedString(handlerProblem),
      v.strictObject({
        path: directory(),
        arguments: v.optional(v.array(checkedString(runtimeArgumentProblem)), []),
      }),
    ),
    {},
    'Other OCI runtimes by the name of their RuntimeClass handler, each a table `[runtimes.NAME]` with ' +
      '`path` (runc, crun or a program with the same command line) and, if need be, `arguments` before ' +
      'every command.',
    { type: 'tables' },
  ),
  images: v.optional(
    v.strictObject({
      max_unpack_bytes: option(
        integer(1, Number.MAX_SAFE_INTEGER),
        68_719_476_736,
        'Largest sum of file sizes that one layer may unpack to.',
        inBytes,
      ),
      pinned: option(
        v.array(checkedString(pinnedImageProblem)),
        [],
        'Images that the kubelet’s garbage collection and `crictl rmi --prune` keep: references such as `registry.example/team/base:1`, with a `*` at the end for all that begin so.',
        { type: 'list of strings' },
      ),
    }),
    {},
  ),
  registry: registrySection,
  cdi: v.optional(
    v.strictObject({
      spec_dirs: option(
        v.array(directory()),
        ['/etc/cdi', '/var/run/cdi'],
        'Directories of Container Device Interface files (`*.json`, `*.yaml`); of a device that two have the later one wins. Looked at whenever a container asks for a device.',
        { type: 'list of paths' },
      ),
    }),
    {},
  ),
  containers: v.optional(
    v.strictObject({
      pids_limit: option(
        integer(0, 4_194_304),
        0,
        'Most processes and threads of one container; 0 sets no limit (the kubelet limits the pod).',
        { type: 'integer', unit: 'tasks' },
      ),
      selinux: option(
        v.boolean('is not true or false'),
        true,
        'Label processes and files of containers where the host has SELinux on, enforcing or permissive. With false new pods have no labels, whatever their selinux_options ask for, and pods that were made with labels get no new containers (FailedPrecondition) until it is true again.',
        { type: 'boolean' },
      ),
      rlimit_nofile: v.optional(rlimit, {}),
    }),
    {},
  ),
  timeouts: v.optional(
    v.strictObject({
      start_pod_seconds: option(
        seconds(600),
        60,
        'How long making a pod’s monitor and namespaces may take.',
        inSeconds,
      ),
      create_seconds: option(
        seconds(600),
        110,
        'How long preparing a container’s namespaces and mounts may take; then it is abandoned and the step that hangs is named.',
        inSeconds,
      ),
      undo_seconds: option(
        seconds(600),
        60,
        'How long taking back the steps of a failed operation may take.',
        inSeconds,
      ),
      unpack_seconds: option(
        seconds(86_400),
        3600,
        'How long unpacking one layer may take.',
        inSeconds,
      ),
    }),
    {},
  ),
});

type FileShape = v.InferOutput<typeof fileSchema>;

/** What is wrong with one key: its dotted path ("" for the whole file) and why. */
export interface SchemaProblem {
  readonly path: string;
  readonly reason: string;
}

/** Checks a parsed file. Answers the configuration, or every problem found, in file order. */
export function checkFile(parsed: unknown): { config: Config } | { problems: SchemaProblem[] } {
  const result = v.safeParse(fileSchema, parsed);
  if (result.success) {
    const { handler } = result.output.isolator;
    if (Object.hasOwn(result.output.runtimes, handler)) {
      const reason = `"${handler}" is the name of Estiba’s own handler (isolator.handler)`;
      return { problems: [{ path: `runtimes.${handler}`, reason }] };
    }
    return { config: toConfig(result.output) };
  }
  return { problems: result.issues.map(describeIssue) };
}

function describeIssue(issue: v.InferIssue<typeof fileSchema>): SchemaProblem {
  const keys = (issue.path ?? []).map((item) => String(item.key));
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const key = keys.pop() ?? '';
    const parent = keys.join('.');
    return { path: parent, reason: `unknown key "${key}"` };
  }
  const reason =
    issue.kind === 'schema' ? `expected ${issue.expected}, not ${issue.received}` : issue.message;
  return { path: keys.join('.'), reason };
}

function toConfig(file: FileShape): Config {
  return {
    runDir: file.run_dir,
    stateDir: file.state_dir,
    netnsDir: file.netns_dir,
    defaultShmBytes: file.default_shm_bytes,
    socket: file.socket,
    log: file.log,
    metrics: file.metrics,
    cni: {
      confDirs: file.cni.conf_dirs,
      binDirs: file.cni.bin_dirs,
      deadlineSeconds: file.cni.deadline_seconds,
      cacheDir: file.cni.cache_dir,
    },
    isolator: {
      binary: file.isolator.binary,
      cgroupBase: file.isolator.cgroup_base,
      legacyMounts: file.isolator.legacy_mounts,
      handler: file.isolator.handler,
    },
    runtimes: file.runtimes,
    images: { maxUnpackBytes: file.images.max_unpack_bytes, pinned: file.images.pinned },
    registry: {
      hostsDirs: file.registry.hosts_dirs,
      authFiles: file.registry.auth_files,
      helperDirs: file.registry.helper_dirs,
      maxConcurrentDownloads: file.registry.max_concurrent_downloads,
      stallBytesPerSecond: file.registry.stall_bytes_per_second,
      stallSeconds: file.registry.stall_seconds,
      partialMaxBytes: file.registry.partial_max_bytes,
      partialMaxAgeSeconds: file.registry.partial_max_age_seconds,
    },
    cdi: { specDirs: file.cdi.spec_dirs },
    containers: {
      pidsLimit: file.containers.pids_limit,
      selinux: file.containers.selinux,
      rlimitNofile: file.containers.rlimit_nofile,
    },
    timeouts: {
      startPodSeconds: file.timeouts.start_pod_seconds,
      createSeconds: file.timeouts.create_seconds,
      undoSeconds: file.timeouts.undo_seconds,
      unpackSeconds: file.timeouts.unpack_seconds,
    },
  };
}

/** Options and tables of options by their keys. */
export type Entries = Readonly<Record<string, v.OptionalSchema<v.GenericSchema, unknown>>>;

/** The whole file, in its order. */
export const fileEntries: Entries = fileSchema.entries;
