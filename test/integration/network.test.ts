// The pod's network: what plugins are told, what becomes of their answers and of their failures.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Fixture } from '../lib/fixture.ts';
import {
  containerConfig,
  eventually,
  exec,
  hostNetworkPodConfig,
  podConfig,
  runPod,
} from '../lib/pods.ts';
import { ScriptedPlugin } from '../lib/scripted-plugin.ts';
import { limitMs, timeFactor } from '../lib/time.ts';

const { PodSandboxState, Protocol } = runtime.v1;

let ground: Fixture;
let plugin: ScriptedPlugin;

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'estiba-cni-'));
  plugin = new ScriptedPlugin(directory);
  await plugin.install();
  ground = await Fixture.start({
    binDirs: [directory, '/usr/lib/cni'],
    config: { cni: [`deadline_seconds = ${timeFactor}`] },
  });
  await plugin.configure(ground.server.confDir);
});

afterEach(async () => {
  await Promise.all(['ADD', 'DEL', 'STATUS'].map((command) => plugin.behave(command, '')));
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
  await rm(plugin.directory, { recursive: true });
});

const sandboxes = async () =>
  (await ground.server.client.runtime.listPodSandbox({})).items?.length ?? 0;

const adds = async () => (await plugin.calls()).filter(([command]) => command === 'ADD').length;

const call = () => ground.server.client.runtime;

describe('a plugin', () => {
  it('is told who the pod is, what it asks for, and its own configuration unchanged', async () => {
    const pod = podConfig({
      annotations: { 'kubernetes.io/ingress-bandwidth': '10M' },
      portMappings: [
        { protocol: Protocol.UDP, containerPort: 53, hostPort: 5353, hostIp: '127.0.0.1' },
        { protocol: Protocol.TCP, containerPort: 80, hostPort: 0 },
      ],
      dnsConfig: { servers: ['10.0.0.10'], searches: [], options: [] },
    });
    const id = await runPod(ground.server, pod);
    expect((await plugin.args()).split(';')).toEqual(
      expect.arrayContaining([
        'K8S_POD_NAMESPACE=test',
        `K8S_POD_NAME=${pod.metadata?.name}`,
        `K8S_POD_INFRA_CONTAINER_ID=${id}`,
        `K8S_POD_UID=${pod.metadata?.uid}`,
      ]),
    );
    expect(await plugin.input('ADD')).toMatchObject({
      cniVersion: '1.1.0',
      name: 'scripted-net',
      type: 'scripted',
      'own-key': [1, { a: null }],
      runtimeConfig: {
        portMappings: [{ hostPort: 5353, containerPort: 53, protocol: 'udp', hostIP: '127.0.0.1' }],
        bandwidth: { ingressRate: 10_000_000 },
        dns: { servers: ['10.0.0.10'] },
      },
    });
    const { status } = await call().podSandboxStatus({ podSandboxId: id });
    expect(status?.network?.ip).toBe('192.0.2.7');
    expect(status?.network?.additionalIps?.map(({ ip }) => ip)).toEqual([
      '192.0.2.8',
      '2001:db8::7',
    ]);
    await call().removePodSandbox({ podSandboxId: id });
    expect(await plugin.input('DEL')).toMatchObject({
      prevResult: { ips: expect.arrayContaining([expect.anything()]) },
      runtimeConfig: { portMappings: [{ hostPort: 5353 }] },
    });
  });

  it('that fails is named with its own words, and gets its DEL', async () => {
    const before = await sandboxes();
    await plugin.behave('ADD', `echo '{"code":11,"msg":"no more","details":"addresses"}'; exit 1`);
    await expect(runPod(ground.server, podConfig())).rejects.toThrow(
      /UNAVAILABLE.*cannot run CNI plugin "scripted" \(ADD\): no more; addresses \(code 11\)/u,
    );
    const calls = (await plugin.calls()).slice(-2);
    expect(calls.map(([command]) => command)).toEqual(['ADD', 'DEL']);
    expect(calls[0]?.[1]).toBe(calls[1]?.[1]);
    expect(await sandboxes()).toBe(before);
    await expect(readdir(join(ground.server.stateDir, 'network'))).resolves.toHaveLength(1);
  });

  it.each([
    ['echo nonsense; exit 0', /"scripted".*(not JSON|nonsense)/u],
    ['echo oh dear >&2; exit 3', /"scripted" \(ADD\): exit code 3: oh dear/u],
    ['kill -SEGV $$', /"scripted" \(ADD\): signal 11/u],
    [`echo '{"cniVersion":"1.1.0","ips":[]}'; exit 0`, /no IP address/u],
  ])('that does "%s" is an error in words', async (shell, message) => {
    await plugin.behave('ADD', shell);
    await expect(runPod(ground.server, podConfig())).rejects.toThrow(message);
  });

  it('that hangs is killed with its children, and other pods run meanwhile', async () => {
    await plugin.behave('ADD', 'sleep 7777 & sleep 7777');
    const startedAt = performance.now();
    const hung = runPod(ground.server, podConfig()).catch(String);
    await runPod(ground.server, hostNetworkPodConfig());
    expect(performance.now() - startedAt).toBeLessThan(limitMs(900));
    expect(await hung).toMatch(
      /DEADLINE_EXCEEDED.*"scripted" \(ADD\): it did not end within \d+ s/u,
    );
    expect(await commandLines()).not.toContain('sleep\x007777');
  });

  it('that cannot take back is asked again until it can; the pod stays listed, not ready', async () => {
    const id = await runPod(ground.server, podConfig());
    await plugin.behave('DEL', `echo '{"code":7,"msg":"not now"}'; exit 1`);
    await expect(call().stopPodSandbox({ podSandboxId: id })).rejects.toThrow(
      /"scripted" \(DEL\): not now/u,
    );
    const { status } = await call().podSandboxStatus({ podSandboxId: id });
    expect(status?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
    await expect(call().removePodSandbox({ podSandboxId: id })).rejects.toThrow(/not now/u);
    await plugin.behave('DEL', '');
    await call().stopPodSandbox({ podSandboxId: id });
    await call().removePodSandbox({ podSandboxId: id });
    const commands = (await plugin.calls()).filter((one) => one[1] === id).map(([name]) => name);
    expect(commands).toEqual(['ADD', 'DEL', 'DEL', 'DEL']);
  });

  it('is not asked again after a DEL that worked, also by a server that starts anew', async () => {
    const id = await runPod(ground.server, podConfig());
    await call().stopPodSandbox({ podSandboxId: id });
    await call().stopPodSandbox({ podSandboxId: id });
    await ground.server.stopServing('SIGKILL');
    await ground.server.serve();
    await call().removePodSandbox({ podSandboxId: id });
    const calls = (await plugin.calls()).filter((one) => one[1] === id).map(([name]) => name);
    expect(calls).toEqual(['ADD', 'DEL']);
  });

  it('gets its DEL from the next server when one dies between ADD and the answer', async () => {
    await plugin.behave('ADD', 'touch "$here/started"; sleep 0.7');
    const lost = runPod(ground.server, podConfig()).catch(String);
    await expect.poll(() => readdir(plugin.directory), { timeout: 5000 }).toContain('started');
    const [, id] = (await plugin.calls()).at(-1) ?? [];
    await ground.server.stopServing('SIGKILL');
    await lost;
    await ground.server.serve();
    // The server answers before it has taken back what nobody was promised.
    await eventually(async () => {
      const calls = (await plugin.calls()).filter((one) => one[1] === id);
      expect(calls[0]?.[0]).toBe('ADD');
      expect(calls.map(([command]) => command)).toContain('DEL');
    }, 10_000);
    const { items } = await call().listPodSandbox({});
    expect(items?.map((item) => item.id)).not.toContain(id);
  });

  it('that says in STATUS that it is not ready makes the network not ready, in its words', async () => {
    await plugin.behave('STATUS', `echo '{"code":50,"msg":"agent is not up"}'; exit 1`);
    await plugin.configure(ground.server.confDir);
    await expect
      .poll(
        async () =>
          (await call().status({})).status?.conditions?.find(({ type }) => type === 'NetworkReady')
            ?.message,
        { timeout: 15_000 },
      )
      .toContain('agent is not up');
  });
});

describe('configuration', () => {
  it('that cannot be read is named, and the next file serves', async () => {
    const broken = join(ground.server.confDir, '01-broken.conflist');
    await writeFile(broken, '{ "cniVersion": "1.0.0", "name": ');
    const id = await runPod(ground.server, podConfig());
    expect(id).toMatch(/^[0-9a-f]{64}$/u);
    const { info } = await call().status({ verbose: true });
    expect(info?.['cniconfig']).toContain('01-broken.conflist');
    await rm(broken);
  });

  it('with a plugin that is not installed is refused before anything is made', async () => {
    const path = join(ground.server.confDir, '02-missing.conflist');
    const plugins = [{ type: 'scripted' }, { type: 'not-installed' }];
    await writeFile(path, JSON.stringify({ cniVersion: '1.0.0', name: 'm', plugins }));
    const before = await adds();
    await expect(runPod(ground.server, podConfig())).rejects.toThrow(
      /cannot run CNI plugin "not-installed": no such program in "[^"]*", "\/usr\/lib\/cni"/u,
    );
    expect(await adds()).toBe(before);
    await rm(path);
  });
});

describe('a pod on the host’s network', () => {
  it('has the host’s name, addresses, hosts file and resolver, and no plugin is asked', async () => {
    const before = await adds();
    const pod = await Fixture.inPod(ground.server, {
      ...hostNetworkPodConfig(),
      hostname: '',
      logDirectory: join(ground.server.stateDir, 'logs', 'host'),
    });
    const options = pod.pod.linux?.securityContext?.namespaceOptions ?? {};
    const linux = { securityContext: { namespaceOptions: options } };
    const id = await pod.run(containerConfig(['sleep', '1000'], { linux }));
    const seen = await exec(pod.server, id, 'hostname; cat /etc/hosts');
    expect(seen.stdout).toBe(`${hostname()}\n${await readFile('/etc/hosts', 'utf8')}`);
    const devices = await exec(pod.server, id, 'cat /proc/net/dev');
    expect(devices.stdout).toContain(`${ground.server.bridge}:`);
    expect(await adds()).toBe(before);
  });
});

describe('names and files of a pod', () => {
  it('keep the resolver of the host when nothing is said about DNS', async () => {
    const pod = await ground.another({ dnsConfig: {} });
    const id = await pod.run(containerConfig(['sleep', '1000']));
    const { stdout } = await exec(pod.server, id, 'cat /etc/resolv.conf');
    expect(stdout).toBe(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''));
  });

  it('are writable for the container, private to the pod, and have every address', async () => {
    const pod = await ground.another({ hostname: 'named' });
    const id = await pod.run(containerConfig(['sleep', '1000']));
    const { stdout } = await exec(
      pod.server,
      id,
      'echo "192.0.2.99 extra" >>/etc/hosts; cat /etc/hosts; cat /etc/hostname; hostname; echo $HOSTNAME',
    );
    expect(stdout).toContain('192.0.2.7\tnamed\n192.0.2.8\tnamed\n2001:db8::7\tnamed\n');
    expect(stdout).toMatch(/192\.0\.2\.99 extra\nnamed\nnamed\nnamed\n$/u);
    expect(await readFile('/etc/hosts', 'utf8')).not.toContain('192.0.2.99');
  });

  it.each([
    [{ hostname: 'x'.repeat(65) }, /host name.*65 characters/u],
    [{ hostname: 'a b' }, /host name "a b"/u],
    [{ dnsConfig: { servers: ['1.1.1.1\nnameserver 6.6.6.6'] } }, /DNS server/u],
    [{ portMappings: [{ containerPort: 80, hostPort: 70_000 }] }, /host_port "70000"/u],
  ])('that are no names are refused: %j', async (change, message) => {
    await expect(runPod(ground.server, podConfig(change))).rejects.toThrow(message);
  });

  it('include the kernel’s: loopback is up, low ports and pings are for everybody', async () => {
    const pod = await ground.another();
    const script =
      'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range; ' +
      'ip link show lo | grep -c LOOPBACK,UP';
    const { stdout } = await exec(
      pod.server,
      await pod.run(containerConfig(['sleep', '9'])),
      script,
    );
    expect(stdout).toBe('0\n0\t2147483647\n1\n');
  });
});

async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).join('\n');
}
