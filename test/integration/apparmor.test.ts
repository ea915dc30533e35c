// AppArmor profiles, on hosts that have them (hack/vm's variant `apparmor` is one).
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { Fixture, withSecurity } from '../lib/fixture.ts';
import { exec } from '../lib/pods.ts';
import { skip } from '../lib/skip.ts';

type Security = runtime.v1.LinuxContainerSecurityContext.$Properties;

const { RuntimeDefault, Unconfined, Localhost } = runtime.v1.SecurityProfile.ProfileType;

const switchFile = '/sys/module/apparmor/parameters/enabled';
const isThere =
  existsSync(switchFile) &&
  readFileSync(switchFile, 'utf8').startsWith('Y') &&
  existsSync('/sys/kernel/security/apparmor/.replace');

const denyWrite = `
profile estiba-test-deny-write flags=(attach_disconnected) {
  file,
  deny /tmp/** w,
}
`;

function parse(option: string): void {
  execFileSync('apparmor_parser', [option], { input: denyWrite });
}

const named = (localhostRef: string): Security => ({
  apparmor: { profileType: Localhost, localhostRef },
});

describe('an AppArmor profile', () => {
  let ground: Fixture;

  beforeEach((context) => {
    if (!isThere) {
      skip(context, "this host has no AppArmor; hack/vm's variant apparmor has");
    }
  });

  beforeAll(async () => {
    if (!isThere) {
      return;
    }
    parse('--replace');
    ground = await Fixture.start({}, { linux: { securityContext: { privileged: true } } });
  });

  afterAll(async () => {
    if (!isThere) {
      return;
    }
    expect(await ground.server.stop()).toEqual([]);
    parse('--remove');
  });

  /** What a script prints as the first process and as an exec. */
  async function printed(security: Security, script: string): Promise<string[]> {
    const both = `exec 2>&1; ${script}`;
    const first = await ground.outcome(withSecurity(both, security));
    const id = await ground.run(withSecurity(['sleep', '1000'], security));
    const second = await exec(ground.server, id, both);
    await ground.server.client.runtime.removeContainer({ containerId: id });
    return [first.stdout, second.stdout];
  }

  it.each<[string, Security, string]>([
    ['nothing that is said', {}, 'estiba-default (enforce)\n'],
    ['RuntimeDefault', { apparmor: { profileType: RuntimeDefault } }, 'estiba-default (enforce)\n'],
    ['Unconfined', { apparmor: { profileType: Unconfined } }, 'unconfined\n'],
    ['a privileged container', { privileged: true }, 'unconfined\n'],
    [
      'a name, for a user, under no_new_privs and a seccomp filter',
      {
        ...named('localhost/estiba-test-deny-write'),
        runAsUser: { value: toLong(1000) },
        noNewPrivs: true,
        seccomp: {},
      },
      'estiba-test-deny-write (enforce)\n',
    ],
    [
      'the old string, with the pids of the pod and a seccomp filter',
      {
        apparmorProfile: 'localhost/estiba-test-deny-write',
        seccomp: {},
        namespaceOptions: { pid: runtime.v1.NamespaceMode.POD },
      },
      'estiba-test-deny-write (enforce)\n',
    ],
  ])('holds for %s', async (_, security, expected) => {
    expect(await printed(security, 'cat /proc/self/attr/current')).toEqual([expected, expected]);
  });

  it('refuses what it denies', async () => {
    const texts = await printed(
      named('estiba-test-deny-write'),
      'touch /tmp/x; touch /y && echo y',
    );
    for (const text of texts) {
      expect(text).toBe('touch: /tmp/x: Permission denied\ny\n');
    }
  });

  it('keeps mounts away by default, in spite of CAP_SYS_ADMIN', async () => {
    const security: Security = { capabilities: { addCapabilities: ['SYS_ADMIN'] } };
    for (const text of await printed(security, 'mount -t tmpfs none /tmp && echo mounted')) {
      expect(text).toMatch(/permission denied|Permission denied/u);
      expect(text).not.toContain('mounted');
    }
  });

  it('that is not loaded is refused when the container is made', async () => {
    await expect(ground.create(withSecurity('true', named('no-such-profile')))).rejects.toThrow(
      /FAILED_PRECONDITION.*AppArmor profile "no-such-profile": it is not loaded/u,
    );
  });

  it('that a sandbox names has to be loaded', async () => {
    const pod = (name: string) => ({ linux: { securityContext: named(name) } });
    await expect(ground.another(pod('no-such-profile'))).rejects.toThrow(
      /FAILED_PRECONDITION.*sandbox: AppArmor profile "no-such-profile" is not loaded/u,
    );
    await ground.another(pod('estiba-test-deny-write'));
  });
});

describe('a host without AppArmor', () => {
  it('refuses a named profile with the reason and runs the others', async (context) => {
    if (isThere) {
      skip(context, 'this host has AppArmor');
    }
    const ground = await Fixture.start();
    await expect(ground.create(withSecurity('true', named('localhost/web')))).rejects.toThrow(
      /FAILED_PRECONDITION.*no AppArmor for profile "web"/u,
    );
    const found = await ground.outcome(
      withSecurity('echo ran', { apparmor: { profileType: RuntimeDefault } }),
    );
    expect(found.stdout).toBe('ran\n');
    expect(await ground.server.stop()).toEqual([]);
  });
});
