// The root file system of a busybox image, from Debian's busybox of this machine.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import type { TarInput } from './tar-writer.ts';

const passwd = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const group = `root:x:0:
daemon:x:1:
www-data:x:33:
nogroup:x:65534:
`;
const nsswitch = `passwd: files
group: files
hosts: files dns
`;

// Debian's busybox has no pgrep and ipcs; these do what conformance tests ask of them.
const scripts: Readonly<Record<string, string>> = {
  'usr/bin/pgrep': `#!/bin/sh
# pgrep [-x] NAME: pids of processes with exactly this name.
[ "$1" = "-x" ] && shift
found=1
for comm in /proc/[0-9]*/comm; do
  read -r name <"$comm" 2>/dev/null || continue
  if [ "$name" = "$1" ]; then pid=\${comm#/proc/}; echo "\${pid%/comm}"; found=0; fi
done
exit $found
`,
  'usr/bin/ipcs': `#!/bin/sh
# ipcs -m: shared memory segments with key, id, owner, permissions and size.
echo "key        shmid      owner      perms      bytes      nattch     status"
while read -r key shmid perms size cpid lpid nattch uid rest; do
  [ "$key" = "key" ] && continue
  printf '0x%08x %-10s %-10s %-10s %-10s %-10s\\n' "$key" "$shmid" "$uid" "$perms" "$size" "$nattch"
done </proc/sysvipc/shm
`,
};

const directories: readonly (readonly [name: string, mode: number])[] = [
  ['bin', 0o755],
  ['dev', 0o755],
  ['etc', 0o755],
  ['home', 0o755],
  ['proc', 0o755],
  ['root', 0o700],
  ['run', 0o755],
  ['sbin', 0o755],
  ['sys', 0o755],
  ['tmp', 0o1777],
  ['usr', 0o755],
  ['usr/bin', 0o755],
  ['usr/sbin', 0o755],
  ['var', 0o755],
  ['var/www', 0o755],
];

/** Shared libraries a program loads, the loader included; none for a static one. */
export function libraries(program: string): string[] {
  const { stdout, stderr, status } = spawnSync('ldd', [program], { encoding: 'utf8' });
  if (`${stdout}${stderr}`.match(/not a dynamic executable|statically linked/) !== null) {
    return [];
  }
  if (status !== 0) {
    throw new Error(`cannot find the libraries of "${program}": ldd: ${stderr.trim()}`);
  }
  return [...stdout.matchAll(/(\/[^\s()]+) \(0x/g)].map((match) => match[1] ?? '').sort();
}

function parents(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
}

/** Which busybox to take: the first that stands on this machine. Throws, naming what to install. */
export function findBusybox(): string {
  for (const path of ['/bin/busybox', '/usr/bin/busybox']) {
    try {
      return realpathSync(path);
    } catch {
      continue;
    }
  }
  throw new Error('cannot find busybox: not in /bin or /usr/bin; run: apt-get install busybox');
}

/**
 * Returns the entries of a root file system around the busybox at `program`: every applet a hard
 * link (a mask over one must not hide the others), its libraries where it looks for them, passwd
 * with root, www-data and nobody, /tmp with 1777. Times are 0, so that digests repeat.
 */
export function busyboxLayer(program: string): TarInput[] {
  const applets = execFileSync(program, ['--list-full'], { encoding: 'utf8' }).trim().split('\n');
  const files = new Map<string, TarInput>();
  const add = (entry: TarInput): void => {
    files.set(entry.name, entry);
  };
  add({ name: 'bin/busybox', mode: 0o755, content: readFileSync(program) });
  for (const path of libraries(program)) {
    add({ name: path.slice(1), mode: 0o755, content: readFileSync(path) });
  }
  add({ name: 'etc/passwd', content: passwd });
  add({ name: 'etc/group', content: group });
  add({ name: 'etc/nsswitch.conf', content: nsswitch });
  for (const applet of new Set([...applets, 'bin/sh'])) {
    if (!files.has(applet) && /^(?:usr\/)?s?bin\/[^/]+$/.test(applet)) {
      add({ name: applet, type: 'hardlink', linkName: 'bin/busybox', mode: 0o755 });
    }
  }
  for (const [name, content] of Object.entries(scripts)) {
    if (!files.has(name) && !files.has(name.slice('usr/'.length))) {
      add({ name, mode: 0o755, content });
    }
  }
  const made = new Map(directories);
  for (const path of [...files.keys()].flatMap((name) => parents(name))) {
    made.set(path, made.get(path) ?? 0o755);
  }
  const directoryEntries = [...made].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...directoryEntries.map(([name, mode]): TarInput => ({
      name: `${name}/`,
      type: 'directory',
      mode,
    })),
    ...files.values(),
  ];
}
