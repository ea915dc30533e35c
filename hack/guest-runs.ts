// What hack/test repeats in guests of hack/vm, because kernel, cgroup version or security modules
// decide it: 10 to 30 times slower there, so that all of test/integration would take longer than
// everything else together. (100 MB of log lines alone take four minutes, crictl and what it pulls more
// than three, refused configurations one; the replays of integration/escape three, where those of the
// helper's own escape tests are made; programs of other runtimes five, image volumes as long, CDI and
// recovery two each. These passed there when they were last run, by hand: hack/vm --help.)
import { dirname } from 'node:path';
import { readGuestReport } from './guest-report.ts';
import { run } from './run-command.ts';
import type { Outcome } from './vitest-report.ts';

/** One boot of a guest. */
interface GuestRun {
  readonly name: string;
  readonly variant: string;
  /** Seconds for the tests; what is running then is cut off and fails by name. */
  readonly limit: number;
  /** What runs in it: files below test/, or test programs of cri/native. */
  readonly tests: { readonly files: readonly string[] } | { readonly programs: readonly string[] };
}

const integration = (names: string): string[] =>
  names.split(' ').map((name) => `integration/${name}.test.ts`);

/** critest's specs of security modules. */
const modulesFile = 'conformance/critest-modules.test.ts';

const guestRuns: readonly GuestRun[] = [
  {
    name: 'rust',
    variant: 'plain',
    limit: 700,
    tests: {
      programs: (
        'estiba_kernel estiba_isolate containers pods execs updates ooms oci oci_exec oci_hooks oci_looks ' +
        'oci_mounts oci_pause escape runtimes'
      ).split(' '),
    },
  },
  {
    // One boot for all: until the first of its tests runs, a lane takes as long as for some files.
    name: 'isolation',
    variant: 'plain',
    limit: 1500,
    tests: {
      files: integration(
        'bare container dead-volume exec kubelet-fields lifecycle limits mount-table node oom pod ' +
          'processes seccomp security update userns userns-host-network userns-volumes volumes',
      ),
    },
  },
  {
    name: 'apparmor',
    variant: 'apparmor',
    limit: 400,
    tests: { files: [...integration('apparmor'), modulesFile] },
  },
  {
    name: 'selinux',
    variant: 'selinux',
    limit: 400,
    // critest's specs of it: hack/critest --vm=selinux.
    tests: { files: integration('selinux') },
  },
];

/** Seconds beside the tests: for making an image, for a guest to boot and end, for hack/vm to end it. */
const margins = { image: 900, guest: 60, all: 60 };

/** All runs, one after the other. */
export async function guests(): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const each of guestRuns) {
    const startedAt = performance.now();
    const outcome = await guest(each).catch((error: unknown) => ({
      passed: 0,
      failed: 1,
      skips: [],
      failures: [`vm ${each.name}: ${String(error)}`],
    }));
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    const { passed, failed, skips } = outcome;
    process.stderr.write(
      `guest ${each.name}: ${passed} passed, ${failed} failed, ${skips.length} skipped (${seconds} s)\n`,
    );
    outcomes.push(outcome);
  }
  return outcomes;
}

async function guest(each: GuestRun): Promise<Outcome> {
  const { name, variant, limit, tests } = each;
  const options = ['--variant', variant];
  let paths: readonly string[];
  let command: readonly string[];
  if ('files' in tests) {
    paths = tests.files.map((file) => `test/${file}`);
    command = ['hack/guest-tests', String(limit), ...paths];
    options.push(...(tests.files.includes(modulesFile) ? await critestOptions() : []));
  } else {
    const programs = await testPrograms(tests.programs);
    paths = programs.map(([program]) => program);
    command = ['hack/guest-rust', String(limit), ...programs.map((pair) => pair.join('='))];
    options.push(
      ...[...new Set(programs.map(([, path]) => shared(path)))].flatMap((path) => [
        '--share',
        path,
      ]),
    );
  }
  options.push('--timeout', String(limit + margins.guest));
  // The first run of a variant makes its image.
  await run(['hack/vm', 'build', '--variant', variant], { limitSeconds: margins.image });
  const argv = ['hack/vm', 'run', ...options, '--', ...command];
  const end = await run(argv, { limitSeconds: limit + margins.guest + margins.all });
  return readGuestReport(`vm ${name}`, paths, end);
}

/** critest's directory: a guest has neither Go nor a network to build it. */
async function critestOptions(): Promise<string[]> {
  const { code, output } = await run(['hack/critest', '--build']);
  const path = output.trimEnd().split('\n').at(-1) ?? '';
  return code === 0 ? ['--share', path, '--env', `ESTIBA_CRITEST=${path}`] : [];
}

/** The test programs of cri/native by name, built where they are not, with their paths. */
async function testPrograms(names: readonly string[]): Promise<[string, string][]> {
  // One stream: two would be mixed in the middle of lines.
  const cargo = 'cargo test --workspace --locked --no-run --message-format=json 2>&1';
  const { code, output } = await run(['sh', '-c', `cd cri/native && ${cargo}`], { show: () => {} });
  const found = new Map<string, string>();
  for (const line of output.split('\n').filter((text) => text.startsWith('{'))) {
    const { executable, profile, target } = JSON.parse(line) as CargoMessage;
    if (typeof executable === 'string' && profile?.test === true && target !== undefined) {
      found.set(target.name, executable);
    }
  }
  return names.map((name) => {
    const path = found.get(name);
    if (path === undefined) {
      throw new Error(
        `cargo (code ${code}) built no test program "${name}": ${output.slice(-2000)}`,
      );
    }
    return [name, path];
  });
}

interface CargoMessage {
  readonly executable?: string | null;
  readonly profile?: { readonly test: boolean };
  readonly target?: { readonly name: string };
}

/** Cargo's directory for a profile: test programs, and the helper that they run. */
function shared(program: string): string {
  return dirname(dirname(program));
}
