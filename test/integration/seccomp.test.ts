// Seccomp profiles, as containers feel them: in the first process and in execs, whatever else the
// security context says.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { exec } from '../lib/pods.ts';
import { base, mapped } from '../lib/userns.ts';

type Security = runtime.v1.LinuxContainerSecurityContext.$Properties;

const { NamespaceMode } = runtime.v1;
const { ProfileType } = runtime.v1.SecurityProfile;

let ground: Fixture;

beforeAll(async () => {
  ground = await Fixture.start({}, { linux: { securityContext: { privileged: true } } });
});

afterAll(async () => {
  expect(await ground.server.stop()).toEqual([]);
});

const runtimeDefault: Security = { seccomp: { profileType: ProfileType.RuntimeDefault } };
/** The filter comes early then: the container's neighbours could look into what comes late. */
const sharedPids: Security = { namespaceOptions: { pid: NamespaceMode.POD } };

/** What a script prints as the first process and as an exec, errors included. */
async function printed(security: Security, script: string, pod = ground): Promise<string[]> {
  const both = `exec 2>&1; ${script}`;
  const first = await pod.outcome(withSecurity(both, security));
  const id = await pod.run(withSecurity(['sleep', '1000'], security));
  const second = await exec(ground.server, id, both);
  await ground.server.client.runtime.removeContainer({ containerId: id });
  return [first.stdout, second.stdout];
}

async function localhost(name: string, profile: unknown): Promise<Security> {
  const directory = join(ground.server.stateDir, 'profiles');
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${name}.json`);
  await writeFile(path, typeof profile === 'string' ? profile : JSON.stringify(profile), {
    mode: 0o600,
  });
  return { seccomp: { profileType: ProfileType.Localhost, localhostRef: path } };
}

const denying = (...names: string[]) => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }],
});

const facts = "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status | tr '\\t\\n' '  '";

describe('a seccomp profile', () => {
  it.each<[string, Security, string]>([
    ['nothing that is said', {}, 'NoNewPrivs: 0 Seccomp: 0'],
    [
      'Unconfined',
      { seccomp: { profileType: ProfileType.Unconfined } },
      'NoNewPrivs: 0 Seccomp: 0',
    ],
    ['RuntimeDefault', runtimeDefault, 'NoNewPrivs: 0 Seccomp: 2'],
    ['an empty profile', { seccomp: {} }, 'NoNewPrivs: 0 Seccomp: 2'],
    ['the old string', { seccompProfilePath: 'runtime/default' }, 'NoNewPrivs: 0 Seccomp: 2'],
    [
      'RuntimeDefault and no_new_privs',
      { ...runtimeDefault, noNewPrivs: true },
      'NoNewPrivs: 1 Seccomp: 2',
    ],
    [
      'RuntimeDefault for a user',
      { ...runtimeDefault, runAsUser: { value: toLong(1000) } },
      'NoNewPrivs: 0 Seccomp: 2',
    ],
    [
      'RuntimeDefault with the pids of the pod',
      { ...runtimeDefault, ...sharedPids },
      'NoNewPrivs: 0 Seccomp: 2',
    ],
    [
      'RuntimeDefault with capabilities added',
      { ...runtimeDefault, capabilities: { addCapabilities: ['SYS_PTRACE', 'SYS_ADMIN'] } },
      'NoNewPrivs: 0 Seccomp: 2',
    ],
    [
      'RuntimeDefault in a privileged container',
      { ...runtimeDefault, privileged: true },
      'NoNewPrivs: 0 Seccomp: 0',
    ],
  ])('holds for %s', async (_, security, expected) => {
    expect(await printed(security, facts)).toEqual([`${expected} `, `${expected} `]);
  });

  it.each([
    ['the pids of the pod', sharedPids],
    ['no_new_privs', { ...sharedPids, noNewPrivs: true }],
    ['SYS_ADMIN', { ...sharedPids, capabilities: { addCapabilities: ['SYS_ADMIN'] } }],
  ])('holds before the start where neighbours may look in, with %s', async (_, security) => {
    const neighbour = await ground.run(withSecurity(['sleep', '1000'], sharedPids));
    const parked = await ground.create(withSecurity('true', { ...runtimeDefault, ...security }));
    const script =
      'for one in /proc/[2-9]* /proc/1?*; do grep -q estiba-init $one/comm 2>/dev/null && ' +
      'grep ^Seccomp: $one/status; done; true';
    expect(await exec(ground.server, neighbour, script)).toMatchObject({ stdout: 'Seccomp:\t2\n' });
    for (const containerId of [parked, neighbour]) {
      await ground.server.client.runtime.removeContainer({ containerId });
    }
  });

  it('leaves no capability behind that the container does not have', async () => {
    const script = "grep Cap /proc/self/status | tr '\\t\\n' '  '";
    for (const who of [{}, { runAsUser: { value: toLong(1000) } }, sharedPids]) {
      const bare = await printed(who, script);
      expect(await printed({ ...runtimeDefault, ...who }, script)).toEqual(bare);
    }
  });
});

describe('in a pod with a user namespace a seccomp profile', () => {
  it.each([
    ['pids of its own', NamespaceMode.CONTAINER],
    ['the pids of the pod', NamespaceMode.POD],
  ])('holds with %s, for root and others, and leaves no capability behind', async (_, pid) => {
    const pod = await ground.another(mapped(base, { pid }));
    const script = `${facts}; grep Cap /proc/self/status | tr '\\t\\n' '  '`;
    for (const who of [{}, { runAsUser: { value: toLong(1000) } }]) {
      const security = { ...who, namespaceOptions: { pid } };
      const bare = await printed(security, script, pod);
      expect(await printed({ ...security, ...runtimeDefault }, script, pod)).toEqual(
        bare.map((text) => text.replace('Seccomp: 0', 'Seccomp: 2')),
      );
    }
  });
});

describe('the profile RuntimeDefault', () => {
  it.each([
    ['pids of its own', {}],
    ['the pids of the pod', sharedPids],
  ])('keeps user namespaces and mounts away, with %s', async (_, security) => {
    const script = 'unshare -U true && echo made; mount -t tmpfs none /tmp && echo mounted; true';
    for (const text of await printed({ ...runtimeDefault, ...security }, script)) {
      expect(text).toMatch(/unshare.*Operation not permitted/u);
      expect(text).toMatch(/mount.*(permission denied|Operation not permitted)/u);
      expect(text).not.toMatch(/made|mounted/u);
    }
    const [free] = await printed(security, 'unshare -U true && echo made');
    expect(free).toContain('made');
  });

  it('opens to a container what its capabilities are for', async () => {
    const security = {
      ...runtimeDefault,
      // Ours would keep mounts away.
      apparmor: { profileType: ProfileType.Unconfined },
      capabilities: { addCapabilities: ['SYS_ADMIN'] },
    };
    const script = 'mount -t tmpfs none /tmp && echo mounted; hostname renamed && hostname';
    for (const text of await printed(security, script)) {
      expect(text).toBe('mounted\nrenamed\n');
    }
  });

  it('lets ordinary programs work', async () => {
    const script =
      'echo text | sed s/t/T/g | sort; (sleep 0.05 & wait); ls / >/dev/null && date +%Y | wc -c; ' +
      'ping -c 1 127.0.0.1 >/dev/null && echo pong; chown 1:1 /tmp && su -s /bin/sh nobody -c id -u';
    const [first, second] = await printed(runtimeDefault, script);
    expect(first).toContain('TexT\n5\npong\n');
    expect(second).toBe(first);
  });
});

describe('a profile of the node', () => {
  it('refuses what it denies, in the first process and in execs', async () => {
    const profile = await localhost('deny', denying('mkdir', 'mkdirat', 'chmod', 'fchmodat'));
    for (const security of [
      profile,
      { ...profile, ...sharedPids },
      { ...profile, noNewPrivs: true },
    ]) {
      const texts = await printed(
        security,
        'mkdir /made; chmod 700 /tmp; touch /fine && echo fine',
      );
      for (const text of texts) {
        expect(text).toBe(
          "mkdir: can't create directory '/made': Operation not permitted\n" +
            'chmod: /tmp: Operation not permitted\nfine\n',
        );
      }
    }
  });

  it('is what a verbose status shows', async () => {
    const profile = await localhost('shown', denying('mkdir'));
    const id = await ground.create(withSecurity('true', profile));
    const { info } = await ground.server.client.runtime.containerStatus({
      containerId: id,
      verbose: true,
    });
    expect(JSON.parse(info?.['info'] ?? '{}')).toMatchObject({
      runtimeSpec: { linux: { seccomp: denying('mkdir') } },
    });
  });

  it('may leave a program nothing but its own calls', async () => {
    const profile = await localhost('strict', {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [
        {
          names: (
            'execve brk arch_prctl set_tid_address set_robust_list rseq prlimit64 mprotect mmap ' +
            'readlink readlinkat getrandom getuid prctl write exit_group'
          ).split(' '),
          action: 'SCMP_ACT_ALLOW',
        },
      ],
    });
    const config = withSecurity(['echo', 'alive'], profile);
    expect(await ground.outcome(config)).toMatchObject({
      stdout: 'alive\n',
      status: { exitCode: 0 },
    });
    await expect(
      ground.create(withSecurity(['echo', 'alive'], { ...profile, ...sharedPids })),
    ).rejects.toThrow(/FAILED_PRECONDITION.*seccomp profile: it forbids \w+, which is needed/u);
  });

  it('is refused by path and reason where it cannot be', async () => {
    const refusal = async (security: Security, why: RegExp) =>
      expect(ground.create(withSecurity('true', security))).rejects.toThrow(why);
    const at = (localhostRef: string): Security => ({
      seccomp: { profileType: ProfileType.Localhost, localhostRef },
    });
    await refusal(
      at('/no/such.json'),
      /cannot load seccomp profile "\/no\/such.json": no such file/u,
    );
    await refusal(
      at('relative.json'),
      /INVALID_ARGUMENT.*"relative.json": it is not an absolute path/u,
    );
    await refusal(
      await localhost('broken', '{"defaultAction":'),
      /broken.json": it is not a seccomp/u,
    );
    await refusal(
      await localhost('action', { defaultAction: 'SCMP_ACT_MAYBE' }),
      /action.json": defaultAction "SCMP_ACT_MAYBE" is not known/u,
    );
    await refusal(
      await localhost('notify', { defaultAction: 'SCMP_ACT_NOTIFY' }),
      /notify.json": defaultAction asks for SCMP_ACT_NOTIFY, which needs an agent/u,
    );
    await refusal(
      await localhost('execve', denying('execve')),
      /it forbids execve, so no program could run/u,
    );
  });
});

describe('the profile of a sandbox', () => {
  const inPod = (security: Security) => {
    const namespaceOptions = { pid: NamespaceMode.POD };
    const securityContext = { seccomp: security.seccomp ?? null, namespaceOptions };
    return ground.another({ linux: { securityContext } });
  };

  it('has to be there and of use, or there is no sandbox', async () => {
    const { runtime: client } = ground.server.client;
    const before = (await client.listPodSandbox({})).items?.length;
    const missing = { profileType: ProfileType.Localhost, localhostRef: '/no/such.json' };
    await expect(inPod({ seccomp: missing })).rejects.toThrow(
      /NOT_FOUND.*cannot load seccomp profile "\/no\/such.json": no such file/u,
    );
    await expect(inPod(await localhost('sandbox-broken', '{"defaultAction":'))).rejects.toThrow(
      /sandbox-broken.json": it is not a seccomp/u,
    );
    expect((await client.listPodSandbox({})).items?.length).toBe(before);
  });

  it('is no filter of its pid 1, which has a stricter one, nor of its containers', async () => {
    const pod = await inPod(await localhost('sandbox', denying('mkdir', 'pause')));
    const script = "mkdir /made && grep '^Seccomp:' /proc/1/status /proc/self/status";
    const { stdout } = await pod.outcome(withSecurity(script, sharedPids));
    expect(stdout).toBe('/proc/1/status:Seccomp:\t2\n/proc/self/status:Seccomp:\t0\n');
  });
});
