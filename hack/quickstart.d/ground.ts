// Where a quickstart lives: directories, bridge, subnet, ports, and the files that configure it.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository this script stands in. */
export const repository: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The built programs, see hack/build. */
export const binaries: { readonly estiba: string; readonly isolator: string } = {
  estiba: join(repository, 'build', 'estiba'),
  isolator: join(repository, 'build', 'estiba-isolator'),
};

/** The image of manifests/example-pod. */
export const imageName = 'localhost/estiba/busybox:latest';

/** Every path and name of one quickstart; they follow from its name alone. */
export interface Ground {
  readonly name: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly socketPath: string;
  readonly configPath: string;
  readonly confDir: string;
  /** Where the pod's containers log to. */
  readonly logDirectory: string;
  /** What `estiba serve` itself logs. */
  readonly serveLog: string;
  /** What `--down` has to know about a running quickstart. */
  readonly stateFile: string;
  readonly crictlConfig: string;
  readonly bridge: string;
  readonly cgroupBase: string;
}

/** The ground of the quickstart called `name` (at most 12 letters and digits). */
export function groundOf(name: string): Ground {
  const runDir = `/run/estiba-${name}`;
  const stateDir = `/var/lib/estiba-${name}`;
  return {
    name,
    runDir,
    stateDir,
    socketPath: join(runDir, 'estiba.sock'),
    configPath: join(stateDir, 'estiba.toml'),
    confDir: join(stateDir, 'net.d'),
    logDirectory: join(stateDir, 'pod-logs'),
    serveLog: join(stateDir, 'serve.log'),
    stateFile: join(stateDir, 'quickstart.json'),
    crictlConfig: join(stateDir, 'crictl.yaml'),
    // Interface names have at most 15 characters.
    bridge: `br-${name}`,
    cgroupBase: `/estiba-${name}`,
  };
}

/** What is chosen at the start because it depends on the machine. */
export interface Choices {
  readonly subnet: string;
  readonly metricsAddress: string;
}

/** Makes the directories and writes configuration, conflist and crictl.yaml. */
export async function layGround(ground: Ground): Promise<Choices> {
  const choices = {
    subnet: await freeSubnet(),
    metricsAddress: `127.0.0.1:${await freePort(19_099)}`,
  };
  await mkdir(ground.stateDir, { recursive: true, mode: 0o700 });
  await mkdir(ground.confDir, { recursive: true });
  const conflist = conflistOf(ground, choices.subnet);
  await Promise.all([
    writeFile(join(ground.confDir, '10-quickstart.conflist'), conflist),
    writeFile(ground.configPath, configOf(ground, choices)),
    writeFile(ground.crictlConfig, await crictlConfigOf(ground)),
  ]);
  return choices;
}

/** manifests/10-estiba.conflist with a bridge, a subnet and an address book of its own. */
function conflistOf(ground: Ground, subnet: string): string {
  const conflist = {
    cniVersion: '1.0.0',
    name: `estiba-${ground.name}`,
    plugins: [
      {
        type: 'bridge',
        bridge: ground.bridge,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: join(ground.stateDir, 'ipam'),
          ranges: [[{ subnet }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(conflist, undefined, 2)}\n`;
}

function configOf(ground: Ground, { metricsAddress }: Choices): string {
  return `run_dir = "${ground.runDir}"
state_dir = "${ground.stateDir}"

[metrics]
address = "${metricsAddress}"

[cni]
conf_dirs = ["${ground.confDir}"]
bin_dirs = ["/opt/cni/bin", "/usr/lib/cni"]

[isolator]
binary = "${binaries.isolator}"
cgroup_base = "${ground.cgroupBase}"
`;
}

async function crictlConfigOf(ground: Ground): Promise<string> {
  const text = await readFile(join(repository, 'manifests', 'crictl.yaml'), 'utf8');
  return text.replaceAll(/unix:\/\/\S+/gu, `unix://${ground.socketPath}`);
}

/** The first of some private /24 networks that no route and no address of this host touches. */
async function freeSubnet(): Promise<string> {
  const taken = [...(await routes()), ...addresses()];
  for (let third = 0; third < 256; third += 1) {
    const first = ipv4(`10.213.${third}.0`);
    if (!taken.some(({ from, to }) => from <= first + 255 && first <= to)) {
      return `10.213.${third}.0/24`;
    }
  }
  throw new Error('cannot choose a subnet: every 10.213.x.0/24 meets a route of this host');
}

interface Range {
  readonly from: number;
  readonly to: number;
}

const ipv4 = (text: string): number =>
  text.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);

function rangeOf(address: number, mask: number): Range {
  const size = 2 ** 32 - mask;
  const from = Math.floor(address / size) * size;
  return { from, to: from + size - 1 };
}

/** The host's IPv4 routes except the default one. */
async function routes(): Promise<Range[]> {
  const rows = (await readFile('/proc/net/route', 'utf8')).trim().split('\n').slice(1);
  return rows
    .map((row) => row.split('\t'))
    .map((fields) => rangeOf(hostOrder(fields[1] ?? ''), hostOrder(fields[7] ?? '')))
    .filter(({ from, to }) => to - from < 2 ** 32 - 1);
}

/** /proc/net/route prints the bytes of an address as a little-endian number. */
function hostOrder(hex: string): number {
  return Buffer.from(hex.padStart(8, '0'), 'hex').readUInt32LE();
}

function addresses(): Range[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address, netmask }) => rangeOf(ipv4(address), ipv4(netmask)));
}

/** `wanted`, or the port the kernel offers when somebody listens there. */
async function freePort(wanted: number): Promise<number> {
  for (const port of [wanted, 0]) {
    const got = await listenOnce(port);
    if (got !== undefined) {
      return got;
    }
  }
  throw new Error('cannot choose a port for /metrics: none is free on 127.0.0.1');
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: '127.0.0.1', port }, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' ? bound?.port : undefined));
    });
  });
}
