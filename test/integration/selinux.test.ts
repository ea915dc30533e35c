// SELinux labels, on hosts that enforce them (hack/vm's variant `selinux` is one).
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { containerConfig, exec } from '../lib/pods.ts';
import { skip } from '../lib/skip.ts';
import { base, mapped } from '../lib/userns.ts';

type Security = runtime.v1.LinuxContainerSecurityContext.$Properties;

const switchFile = '/sys/fs/selinux/enforce';
const isThere = existsSync(switchFile) && readFileSync(switchFile, 'utf8') === '1';
const { NODE } = runtime.v1.NamespaceMode;

/** The host's view of a file's label. */
function labelOf(path: string): string {
  return execFileSync('stat', ['--format=%C', path], { encoding: 'utf8' }).trim();
}

/** The configuration with labels switched off. */
function withoutLabels(config: string): string {
  return /^\[containers\]$/mu.test(config)
    ? config.replace(/^\[containers\]$/mu, '[containers]\nselinux = false')
    : `${config}\n[containers]\nselinux = false\n`;
}

describe('SELinux labels', () => {
  let ground: Fixture;

  beforeEach((context) => {
    if (!isThere) {
      skip(context, "this host enforces no SELinux policy; hack/vm's variant selinux does");
    }
  });

  beforeAll(async () => {
    if (isThere) {
      const config = { 'runtimes.crun': ['path = "/usr/bin/crun"'] };
      const securityContext = { privileged: true };
      ground = await Fixture.start({ config }, { linux: { securityContext } });
    }
  });

  afterAll(async () => {
    if (isThere) {
      expect(await ground.server.stop()).toEqual([]);
    }
  });

  /** What a script prints as the first process and as an exec. */
  async function printed(security: Security, script: string, pod = ground): Promise<string[]> {
    const both = `exec 2>&1; ${script}`;
    const first = await pod.outcome(withSecurity(both, security));
    const id = await pod.run(withSecurity(['sleep', '1000'], security));
    const second = await exec(pod.server, id, both);
    await pod.server.client.runtime.removeContainer({ containerId: id });
    return [first.stdout, second.stdout];
  }

  const current = 'tr -d "\\0" </proc/self/attr/current';

  it('of processes have the pod’s two categories, another pod’s others', async () => {
    const [first, second] = await printed({}, current);
    expect(first).toMatch(/^system_u:system_r:container_t:s0:c\d+,c\d+$/u);
    expect(second).toBe(first);
    const other = await ground.another();
    const [third] = await printed({}, current, other);
    expect(third).toMatch(/^system_u:system_r:container_t:s0:c\d+,c\d+$/u);
    expect(third).not.toBe(first);
  });

  it.each<[string, Security, RegExp]>([
    ['a level', { selinuxOptions: { level: 's0:c4,c5' } }, /:container_t:s0:c4,c5$/u],
    ['no categories', { selinuxOptions: { level: 's0' } }, /:container_t:s0$/u],
    ['a privileged container', { privileged: true }, /:system_r:spc_t:s0$/u],
    [
      'a user without privileges, under no_new_privs and a seccomp filter',
      { runAsUsername: 'nobody', noNewPrivs: true, seccomp: {} },
      /:container_t:s0:c\d+,c\d+$/u,
    ],
  ])('of processes hold for %s', async (_, security, expected) => {
    for (const label of await printed(security, current)) {
      expect(label).toMatch(expected);
    }
  });

  it('of processes that see the host’s pids are confined by nothing', async () => {
    const namespaceOptions = { pid: NODE };
    const pod = await ground.another({ linux: { securityContext: { namespaceOptions } } });
    for (const label of await printed({ namespaceOptions }, current, pod)) {
      expect(label).toMatch(/:spc_t:s0$/u);
    }
  });

  it('of mounts are the pod’s, and all that every container has can be used', async () => {
    const script = [
      'grep -c "context=.*:container_file_t:s0:c" /proc/self/mountinfo',
      'echo x >/dev/null && echo x >/dev/shm/x && echo x >/x && cat /x /etc/hostname /proc/version',
      // What a queue in there is labelled by only the policy says: by its file system's own label.
      'ls -d /dev/mqueue && ls /sys/firmware && test -w /dev/mqueue && head -c 1 /dev/zero | wc -c',
      'echo "# x" >>/etc/hosts && grep -c "# x" /etc/hosts',
    ].join('\n');
    const maskedPaths = ['/proc/version', '/sys/firmware'];
    for (const text of await printed({ maskedPaths }, script)) {
      expect(text).toMatch(/^\d+\nx\n.*\n\/dev\/mqueue\n1\n\d\n$/u);
    }
  });

  it('are those of a pod with a user namespace, too', async () => {
    const pod = await ground.another(mapped(base));
    const script = [current, 'echo x >/x && echo x >/dev/shm/x && cat /x /dev/shm/x /etc/hostname'];
    for (const text of await printed({}, script.join('\n'), pod)) {
      expect(text).toMatch(/:container_t:s0:c\d+,c\d+x\nx\npod-\d+\n$/u);
    }
  });

  it('of terminals and pipes let containers use them', async () => {
    const script = 'test -t 0 && tty && echo "in and out" >/dev/tty';
    const found = await ground.outcome(containerConfig(script, { tty: true }));
    expect(found.stdout).toMatch(/^\/dev\/pts\/0\r?\nin and out\r?\n$/u);
    // Opened anew, and by a level that is not the pod's.
    const anew = { selinuxOptions: { level: 's0:c4,c5' } };
    const script2 = 'echo out >/proc/self/fd/1; echo err >/proc/self/fd/2';
    for (const security of [{}, anew]) {
      const { stdout, stderr } = await ground.outcome(withSecurity(script2, security));
      expect([stdout, stderr]).toEqual(['out\n', 'err\n']);
    }
    // They are no files of the host.
    for (const text of await printed({}, 'readlink /proc/self/fd/1')) {
      expect(text).toBe('/pipe\n');
    }
  });

  it('of files of the pod stay the pod’s, whatever level a container has', async () => {
    const read = 'cat /etc/hosts /etc/resolv.conf >/dev/null; echo "$?"';
    const own = withSecurity(read, { selinuxOptions: { level: 's0:c4,c5' } });
    expect((await ground.outcome(own)).stdout).toBe('1\n');
    expect((await ground.outcome(containerConfig(read))).stdout).toBe('0\n');
    const hosts = join(ground.server.stateDir, 'pods', ground.podSandboxId, 'hosts');
    expect(labelOf(hosts)).toMatch(/:container_file_t:s0:c\d+,c\d+$/u);
    expect(labelOf(hosts)).not.toMatch(/c4,c5$/u);
  });

  it('of layers let containers read and execute them, also where they had another', async () => {
    const layers = join(ground.server.stateDir, 'layers');
    const names = readdirSync(layers).filter((name) => !/^\.|\.json$/u.test(name));
    expect(names.length).toBeGreaterThan(0);
    const below = (name: string) => join(layers, name, readdirSync(join(layers, name))[0] ?? '');
    const labels = () => names.flatMap((name) => [join(layers, name), below(name)].map(labelOf));
    const readOnly = 'system_u:object_r:container_ro_file_t:s0';
    expect(new Set(labels())).toEqual(new Set([readOnly]));
    await ground.server.stopServing();
    execFileSync('chcon', ['--recursive', '--type', 'container_engine_tmp_t', layers]);
    await ground.server.serve();
    // What new files get theirs from has its own by now, layers get it in the background.
    expect(labelOf(layers)).toBe(readOnly);
    await expect.poll(() => [...new Set(labels())], { timeout: 60_000 }).toEqual([readOnly]);
  });

  it('keep a volume to the pod that it was labelled for', async () => {
    const hostPath = await ground.directory('private');
    await mkdir(join(hostPath, 'deep'));
    await writeFile(join(hostPath, 'deep/secret'), 'secret\n');
    await symlink('/etc/passwd', join(hostPath, 'link'));
    const mount = { hostPath, containerPath: '/v' };
    const read = 'cat /v/deep/secret; echo new >/v/new && cat /v/new';
    const mine = await ground.outcome(
      containerConfig(read, { mounts: [{ ...mount, selinuxRelabel: true }] }),
    );
    expect(mine.stdout).toBe('secret\nnew\n');
    expect(labelOf(join(hostPath, 'deep/secret'))).toMatch(/:container_file_t:s0:c\d+,c\d+$/u);
    expect(labelOf('/etc/passwd')).not.toContain('container_file_t');
    // Another pod has other categories; without relabelling it can neither read nor write.
    const other = await ground.another();
    const theirs = await other.outcome(containerConfig(read, { mounts: [mount] }));
    expect(theirs.stdout).toBe('');
    expect(theirs.stderr).toMatch(/secret'?: Permission denied/u);
    expect(theirs.stderr).toMatch(/\/v\/new: Permission denied/u);
  });

  it('hold in pods of another runtime, which gets the very volume that was labelled', async () => {
    const pod = await ground.another({}, 'crun');
    const hostPath = await ground.directory('of-crun');
    await writeFile(join(hostPath, 'secret'), 'secret\n');
    const mounts = [{ hostPath, containerPath: '/v', selinuxRelabel: true }];
    const script = `${current}; echo; cat /v/secret; echo new >/v/new; cat /etc/hostname`;
    const made = await pod.outcome(containerConfig(script, { mounts }));
    expect(made.stderr).toBe('');
    expect(made.stdout).toMatch(/:container_t:s0:c\d+,c\d+\nsecret\npod-\d+\n$/u);
    expect(readFileSync(join(hostPath, 'new'), 'utf8')).toBe('new\n');
    expect(labelOf(join(hostPath, 'secret'))).toMatch(/:container_file_t:s0:c\d+,c\d+$/u);
  });

  it('keep a container from files of the host', async () => {
    const hostPath = await ground.directory('unlabelled');
    await writeFile(join(hostPath, 'secret'), 'secret\n');
    const script = 'cat /v/secret';
    const mounts = [{ hostPath, containerPath: '/v' }];
    const confined = await ground.outcome(containerConfig(script, { mounts }));
    expect(confined.stderr).toContain('Permission denied');
    const free = await ground.outcome(withSecurity(script, { privileged: true }, { mounts }));
    expect(free.stdout).toBe('secret\n');
  });

  it('are not given to directories that the host lives from', async () => {
    for (const hostPath of ['/etc', '/var/lib', '/', ground.server.stateDir]) {
      const mounts = [{ hostPath, containerPath: '/v', selinuxRelabel: true }];
      await expect(ground.create(containerConfig('true', { mounts }))).rejects.toThrow(
        new RegExp(`INVALID_ARGUMENT.*cannot relabel volume "${hostPath}"`, 'u'),
      );
    }
  });

  it.each([
    [{ level: 's0,c4,c5' }, ':container_t:s0,c4,c5'],
    [{ type: 'no_such_type_t' }, ':no_such_type_t:'],
  ])('that the policy does not know are refused by name: %j', async (selinuxOptions, name) => {
    const known = `FAILED_PRECONDITION.*SELinux label ".*${name}.*the host's policy does not know it`;
    await expect(ground.create(withSecurity('true', { selinuxOptions }))).rejects.toThrow(
      new RegExp(known.replace(':container_t', ':container(?:_file)?_t'), 'u'),
    );
  });

  it('are not left out of new containers of a pod when they are switched off', async () => {
    const { configPath } = ground.server;
    const config = await readFile(configPath, 'utf8');
    await ground.server.stopServing();
    await writeFile(configPath, withoutLabels(config));
    await ground.server.serve();
    const refused =
      /FAILED_PRECONDITION.*its pod has SELinux labels, but containers.selinux is false/u;
    await expect(ground.create(containerConfig('true'))).rejects.toThrow(refused);
    const pod = await ground.another();
    const asked = () => withSecurity(current, { selinuxOptions: { level: 's0:c4,c5' } });
    expect((await pod.outcome(asked())).stdout).not.toContain('container_t');
    await ground.server.stopServing();
    await writeFile(configPath, config);
    await ground.server.serve();
    expect((await printed({}, current))[0]).toMatch(/:container_t:s0:c\d+,c\d+$/u);
    const late = /FAILED_PRECONDITION.*its pod was made without SELinux labels/u;
    await expect(pod.create(asked())).rejects.toThrow(late);
  });

  it('stay with pods over a restart of the server, and are free again when they are gone', async () => {
    const pod = await ground.another();
    const [before] = await printed({}, current, pod);
    await ground.server.stopServing();
    await ground.server.serve();
    const [after] = await printed({}, current, pod);
    expect(after).toBe(before);
    const level = /s0:.*$/u.exec(before ?? '')?.[0] ?? '';
    await pod.server.client.runtime.stopPodSandbox({ podSandboxId: pod.podSandboxId });
    await pod.server.client.runtime.removePodSandbox({ podSandboxId: pod.podSandboxId });
    const again = await ground.another({
      linux: { securityContext: { selinuxOptions: { level } } },
    });
    expect((await printed({}, current, again))[0]).toBe(before);
  });
});

describe('a host without SELinux', () => {
  it('runs containers that ask for labels without them', async (context) => {
    if (existsSync(switchFile)) {
      skip(context, 'this host has SELinux');
    }
    const ground = await Fixture.start();
    const hostPath = await ground.directory('volume');
    const found = await ground.outcome(
      withSecurity(
        'echo ran',
        { selinuxOptions: { level: 's0:c1,c2', type: 'web_t' } },
        { mounts: [{ hostPath, containerPath: '/v', selinuxRelabel: true }] },
      ),
    );
    expect(found.stdout).toBe('ran\n');
    expect(await ground.server.stop()).toEqual([]);
  });
});
