import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { runtime } from '../../proto/gen/cri.js';
import type { NamespaceOption, PodSandboxConfig } from './cri-types.ts';
import { checkHostname, hostnameText, hostsText, resolvConfText } from './pod-files.ts';
import { planPod } from './pod.ts';
import { refusalOf, sampleHost, sampleSandbox } from './sample-input.ts';

const { NODE } = runtime.v1.NamespaceMode;
const { TCP, UDP, SCTP } = runtime.v1.Protocol;

function plan(config: PodSandboxConfig, runtimeHandler = '', host = sampleHost) {
  return planPod({
    config: { ...sampleSandbox, ...config },
    runtimeHandler,
    runtimeHandlers: [''],
    hostHostname: 'node-1',
    cgroupBase: '/estiba',
    host,
  });
}

const why = (config: PodSandboxConfig) => refusalOf(() => plan(config)).message;

function withSysctls(sysctls: Record<string, string>, namespaceOptions: NamespaceOption = {}) {
  return { linux: { sysctls, securityContext: { namespaceOptions } } };
}

describe('planPod', () => {
  it('plans a pod of its own from names alone', () => {
    expect(plan({})).toEqual({
      modes: { network: 'pod', ipc: 'pod', pid: 'pod' },
      utsHostname: 'node-1',
      hostname: 'node-1',
      privileged: false,
      cgroupParent: '/estiba',
      sysctls: {
        'net.ipv4.ip_unprivileged_port_start': '0',
        'net.ipv4.ping_group_range': '0 2147483647',
      },
      portMappings: [],
      resolvConf: undefined,
      seccomp: { kind: 'unconfined' },
      apparmorName: '',
    });
  });

  it('tells the profiles of the sandbox, and refuses what is none', () => {
    const { Localhost } = runtime.v1.SecurityProfile.ProfileType;
    const withProfiles = (reference: string) => ({
      linux: {
        securityContext: {
          seccomp: { profileType: Localhost, localhostRef: reference },
          apparmor: { profileType: Localhost, localhostRef: 'web' },
        },
      },
    });
    const host = { ...sampleHost, apparmorEnabled: true };
    expect(plan(withProfiles('/p.json'), '', host)).toMatchObject({
      seccomp: { kind: 'localhost', path: '/p.json' },
      apparmorName: 'web',
    });
    expect(why(withProfiles('p.json'))).toContain('"p.json": it is not an absolute path');
    expect(why(withProfiles('/p.json'))).toBe(
      'cannot confine the sandbox: no AppArmor for profile "web"',
    );
  });

  it('leaves name, sysctls and ports alone on the host’s network', () => {
    const linux = { securityContext: { namespaceOptions: { network: NODE } } };
    const ports = [{ hostPort: 80, containerPort: 80 }];
    expect(plan({ hostname: 'ignored', linux, portMappings: ports })).toMatchObject({
      utsHostname: '',
      hostname: 'node-1',
      sysctls: {},
      portMappings: [],
    });
  });

  it.each(['name', 'namespace', 'uid'])('refuses a pod without metadata.%s', (field) => {
    const metadata = { ...sampleSandbox.metadata, [field]: '' };
    expect(why({ metadata })).toBe(`cannot make a sandbox: metadata.${field} is empty`);
    expect(refusalOf(() => plan({ metadata: null })).code).toBe('InvalidArgument');
  });

  it('refuses a runtime handler it does not know', () => {
    expect(refusalOf(() => plan({}, 'kata'))).toEqual({
      code: 'InvalidArgument',
      message: 'cannot make a sandbox: runtime handler "kata" is not one of ""',
    });
  });

  it('refuses a relative log directory', () => {
    expect(why({ logDirectory: 'logs' })).toContain('log_directory "logs" is not an absolute path');
  });
});

describe('sysctls', () => {
  it('override our defaults and may be spelled with slashes', () => {
    const sysctls = {
      'net.ipv4.ip_unprivileged_port_start': '1024',
      'kernel/shm_rmid_forced': '1',
      'net/ipv4/conf/eth0.100/forwarding': '1',
      'fs.mqueue.msg_max': '100',
    };
    expect(plan(withSysctls(sysctls)).sysctls).toEqual({
      'net.ipv4.ip_unprivileged_port_start': '1024',
      'net.ipv4.ping_group_range': '0 2147483647',
      'kernel.shm_rmid_forced': '1',
      'net.ipv4.conf.eth0/100.forwarding': '1',
      'fs.mqueue.msg_max': '100',
    });
  });

  it.each([
    ['net.core.somaxconn', { network: NODE }, 'network namespace, it would change the host'],
    ['net/core/somaxconn', { network: NODE }, 'network namespace, it would change the host'],
    ['kernel.domainname', {}, 'not one that the kernel keeps'],
    ['kernel.shmmax', { ipc: NODE }, 'ipc namespace, it would change the host'],
    ['fs.mqueue.msg_max', { ipc: NODE }, 'ipc namespace, it would change the host'],
    ['kernel.core_pattern', {}, 'not one that the kernel keeps'],
    ['kernel.shm_next_id', {}, 'not one that the kernel keeps'],
    ['vm.swappiness', {}, 'not one that the kernel keeps'],
    ['kernel.hostname', {}, 'not one that the kernel keeps'],
    ['netx.a', {}, 'not one that the kernel keeps'],
    ['net.../kernel', {}, 'not the name of a sysctl'],
    ['net.//.//.kernel.core_pattern', {}, 'not the name of a sysctl'],
    ['net/../kernel/core_pattern', {}, 'not the name of a sysctl'],
    ['net', {}, 'not the name of a sysctl'],
    ['net.a b', {}, 'not the name of a sysctl'],
  ])('refuse %j with %j', (key, options, expected) => {
    const refusal = refusalOf(() => plan(withSysctls({ [key]: '1' }, options)));
    expect(refusal.code).toBe('InvalidArgument');
    expect(refusal.message).toContain(expected);
  });

  it('refuse control characters in a value, and one key in two spellings', () => {
    expect(why(withSysctls({ 'kernel.sem': '1\nkernel.core_pattern=|x' }))).toContain('control');
    expect(plan(withSysctls({ 'kernel.sem': '32000\t1 2' })).sysctls['kernel.sem']).toBe(
      '32000\t1 2',
    );
    expect(why(withSysctls({ 'kernel.sem': '1', 'kernel/sem': '2' }))).toContain('given twice');
  });
});

describe('port mappings', () => {
  const ports = (...portMappings: NonNullable<PodSandboxConfig['portMappings']>) =>
    plan({ portMappings }).portMappings;

  it('keep protocol and address, drop host port 0 and repetitions', () => {
    expect(
      ports(
        { containerPort: 80, hostPort: 0 },
        { containerPort: 80, hostPort: 8080, protocol: TCP },
        { containerPort: 80, hostPort: 8080, protocol: TCP },
        { containerPort: 53, hostPort: 53, protocol: UDP, hostIp: '127.0.0.1' },
        { containerPort: 9, hostPort: 9, protocol: SCTP, hostIp: '::1' },
      ),
    ).toEqual([
      { containerPort: 80, hostPort: 8080, protocol: 'tcp' },
      { containerPort: 53, hostPort: 53, protocol: 'udp', hostIP: '127.0.0.1' },
      { containerPort: 9, hostPort: 9, protocol: 'sctp', hostIP: '::1' },
    ]);
  });

  it.each([
    [{ containerPort: 0, hostPort: 80 }, 'container_port "0"'],
    [{ containerPort: 70_000, hostPort: 0 }, 'container_port "70000"'],
    [{ containerPort: 80, hostPort: -1 }, 'host_port "-1"'],
    [{ containerPort: 80, hostPort: 80, hostIp: 'localhost' }, 'host_ip "localhost"'],
  ])('refuse %j', (mapping, expected) => {
    expect(refusalOf(() => ports(mapping)).message).toContain(expected);
  });

  it('refuse one host port with two targets', () => {
    const refusal = refusalOf(() =>
      ports({ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 80 }),
    );
    expect(refusal.message).toBe('cannot map host ports: "80/tcp" goes to both "1" and "2"');
  });
});

describe('the pod’s files', () => {
  it('write resolv.conf from what is asked, and leave it to the host otherwise', () => {
    const dns = { servers: ['10.10.10.10', '::1'], searches: ['a.b', 'c'], options: ['ndots:8'] };
    expect(resolvConfText(dns)).toBe(
      'search a.b c\nnameserver 10.10.10.10\nnameserver ::1\noptions ndots:8\n',
    );
    expect(resolvConfText({})).toBeUndefined();
    expect(resolvConfText(null)).toBeUndefined();
  });

  it('add no line that was not meant, whatever a value holds', () => {
    const words = fc.array(
      fc.string({
        unit: fc.constantFrom('a', '7', '.', '#', ' ', '\n', '\r', '\t', '\0', '\u0085', '\u2028'),
        maxLength: 3,
      }),
      { maxLength: 2 },
    );
    fc.assert(
      fc.property(words, words, words, (servers, searches, options) => {
        let text: string | undefined;
        try {
          text = resolvConfText({ servers, searches, options });
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidArgument' });
          return;
        }
        const lines = servers.length + Number(searches.length > 0) + Number(options.length > 0);
        expect(text?.split('\n').length ?? 1).toBe(lines + 1);
      }),
    );
  });

  it('write hosts and hostname', () => {
    const text = hostsText('web', ['10.1.0.7', 'fd00::7']);
    expect(text).toMatch(/^127\.0\.0\.1\tlocalhost\n/u);
    expect(text).toMatch(/\n10\.1\.0\.7\tweb\nfd00::7\tweb\n$/u);
    expect(hostnameText('web')).toBe('web\n');
    expect(refusalOf(() => hostsText('web', ['10.1.0.7 evil'])).code).toBe('InvalidArgument');
  });

  it('take host names of the kernel’s length made of harmless characters', () => {
    expect(checkHostname('')).toBe('');
    expect(checkHostname('a'.repeat(64))).toHaveLength(64);
    expect(checkHostname('web-0.shop.svc')).toBe('web-0.shop.svc');
    for (const bad of ['a'.repeat(65), 'a b', 'a\nb', 'a/b', '-a', '.a', 'ä']) {
      expect(refusalOf(() => checkHostname(bad)).code).toBe('InvalidArgument');
    }
  });
});
