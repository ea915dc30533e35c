import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { CriError } from '../core/error.ts';
import { loadConfig, parseConfig } from './config.ts';
import { renderDefaults, renderReference } from './reference.ts';
import { optionRows } from './option-rows.ts';
import { runDirMaxLength } from './schema.ts';

function problem(text: string): string {
  try {
    parseConfig(text);
  } catch (error) {
    if (error instanceof CriError && error.code === 'InvalidArgument') {
      return error.message;
    }
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('parseConfig', () => {
  it('fills in every default from an empty file', () => {
    expect(parseConfig('')).toEqual({
      runDir: '/run/estiba',
      stateDir: '/var/lib/estiba',
      netnsDir: '/run/netns',
      defaultShmBytes: 67_108_864,
      socket: { gid: 0 },
      log: { level: 'info' },
      metrics: { address: '127.0.0.1:9099' },
      cni: {
        confDirs: ['/etc/cni/net.d'],
        binDirs: ['/opt/cni/bin', '/usr/lib/cni'],
        deadlineSeconds: 90,
        cacheDir: '/var/lib/cni',
      },
      isolator: {
        binary: '/usr/lib/estiba/estiba-isolator',
        cgroupBase: '/estiba',
        legacyMounts: false,
        handler: 'estiba',
      },
      runtimes: {},
      images: { maxUnpackBytes: 68_719_476_736, pinned: [] },
      registry: {
        hostsDirs: ['/etc/estiba/certs.d', '/etc/containerd/certs.d'],
        authFiles: ['/etc/estiba/auth.json'],
        helperDirs: ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'],
        maxConcurrentDownloads: 3,
        stallBytesPerSecond: 1024,
        stallSeconds: 30,
        partialMaxBytes: 10_737_418_240,
        partialMaxAgeSeconds: 86_400,
      },
      cdi: { specDirs: ['/etc/cdi', '/var/run/cdi'] },
      containers: { pidsLimit: 0, selinux: true, rlimitNofile: { soft: 1024, hard: 524_288 } },
      timeouts: { startPodSeconds: 60, createSeconds: 110, undoSeconds: 60, unpackSeconds: 3600 },
    });
  });

  it('takes given keys and keeps the defaults of their neighbours', () => {
    const config = parseConfig(`
      run_dir = "/run/other"
      [containers.rlimit_nofile]
      soft = 4096
      [metrics]
      address = "[::1]:9100"
    `);
    expect(config.runDir).toBe('/run/other');
    expect(config.containers.rlimitNofile).toEqual({ soft: 4096, hard: 524_288 });
    expect(config.metrics.address).toBe('[::1]:9100');
  });

  it('refuses an unknown key and says where it stands', () => {
    expect(problem('[cni]\nconf_dir = "/x"')).toBe(
      'cannot use configuration: unknown key "conf_dir" at "cni"',
    );
    expect(problem('nonsense = 1')).toBe('cannot use configuration: unknown key "nonsense"');
  });

  it('names every problem at once with its dotted path', () => {
    const message = problem('state_dir = 7\n[cni]\nbin_dirs = ["/a", "b"]\n[log]\nlevel = "loud"');
    expect(message).toContain('expected string, not 7 at "state_dir"');
    expect(message).toContain('"b" is not an absolute path at "cni.bin_dirs.1"');
    expect(message).toMatch(/expected .*"debug".*, not "loud" at "log\.level"/u);
  });

  it('refuses a run_dir whose sockets could not be bound, with the reason', () => {
    const longest = `/${'r'.repeat(runDirMaxLength - 1)}`;
    const socket = `${longest}/pods/${'0'.repeat(64)}/monitor.sock`;
    expect(socket.length).toBe(107);
    expect(parseConfig(`run_dir = "${longest}"`).runDir).toBe(longest);
    expect(problem(`run_dir = "${longest}x"`)).toContain('limit of 107 bytes at "run_dir"');
  });

  it.each([
    ['state_dir = "relative"', 'is not an absolute path'],
    ['state_dir = "/a/../b"', 'shortest form'],
    ['state_dir = "/a/"', 'shortest form'],
    ['state_dir = "/"', 'is the root directory'],
    ['state_dir = "/a:b"', 'colon'],
    ['state_dir = "/a\\nb"', 'control character'],
    ['[isolator]\ncgroup_base = "estiba.slice"', 'systemd slice'],
    ['[metrics]\naddress = "9099"', 'host:port'],
    ['[metrics]\naddress = "localhost:70000"', 'above 65535'],
    ['[containers.rlimit_nofile]\nsoft = 9\nhard = 8', 'soft 9 is above hard 8'],
    ['[containers]\npids_limit = -1', 'not a whole number from 0 to 4194304'],
    ['[containers]\npids_limit = 1.5', 'not a whole number'],
    ['[cni]\nconf_dirs = []', 'is empty'],
    ['[timeouts]\nundo_seconds = 0', 'not a whole number from 1 to 600'],
    [
      '[images]\npinned = ["a:1", "Registry.example/UPPER:1"]',
      '"Registry.example/UPPER:1" is not an image reference: the repository name must be lower case at "images.pinned.1"',
    ],
    ['[images]\npinned = ["a*b"]', 'at "images.pinned.0"'],
    ['[images]\npinned = [""]', '"" is not an image reference: it is empty at "images.pinned.0"'],
  ])('refuses %j', (text, reason) => {
    expect(problem(text)).toContain(reason);
  });

  it('names line and column of a TOML error', () => {
    expect(problem('run_dir = \n')).toContain('cannot parse configuration: Invalid TOML document');
  });

  it('never throws anything but a CriError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseConfig(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CriError);
        }
      }),
    );
  });
});

describe('loadConfig', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'estiba-config-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('reads the named file', async () => {
    const path = join(folder, 'estiba.toml');
    await writeFile(path, '[log]\nlevel = "debug"\n');
    await expect(loadConfig(path)).resolves.toMatchObject({ log: { level: 'debug' } });
  });

  it('names the file in its errors', async () => {
    const path = join(folder, 'estiba.toml');
    await expect(loadConfig(path)).rejects.toMatchObject({ code: 'NotFound' });
    await writeFile(path, 'x = 1\n');
    await expect(loadConfig(path)).rejects.toThrow(`cannot use "${path}": unknown key "x"`);
    await truncate(path, 2 ** 20 + 1);
    await expect(loadConfig(path)).rejects.toThrow(`"${path}": it has 1048577 bytes`);
  });
});

describe('runtimes', () => {
  it('are programs by the names of their handlers', () => {
    const text = '[runtimes.crun]\npath = "/usr/bin/crun"\narguments = ["--debug"]\n';
    expect(parseConfig(`${text}[runtimes.runc]\npath = "/usr/sbin/runc"`).runtimes).toEqual({
      crun: { path: '/usr/bin/crun', arguments: ['--debug'] },
      runc: { path: '/usr/sbin/runc', arguments: [] },
    });
  });

  it.each([
    ['[runtimes.runc]', 'at "runtimes.runc.path"'],
    ['[runtimes.runc]\npath = "runc"', '"runc" is not an absolute path at "runtimes.runc.path"'],
    ['[runtimes.Runc]\npath = "/r"', '"Runc" is not 1 to 63 lower-case letters'],
    ['[runtimes.estiba]\npath = "/r"', '"estiba" is the name of Estiba’s own handler'],
    ['[runtimes.runc]\npath = "/r"\nroot = "/x"', 'unknown key "root" at "runtimes.runc"'],
    ['[runtimes.runc]\npath = "/r"\narguments = ["--root=/x"]', '"--root=/x" is given by Estiba'],
    ['[runtimes.runc]\npath = "/r"\narguments = ["--systemd-cgroup"]', 'driver is cgroupfs'],
    ['[isolator]\nhandler = ""', 'at "isolator.handler"'],
  ])('refuses %j', (text, words) => {
    expect(problem(text)).toContain(words);
  });
});

describe('renderReference', () => {
  it('has a row with a meaning for every option', () => {
    const rows = optionRows();
    const page = renderReference();
    expect(rows.map((row) => row.path)).toContain('containers.rlimit_nofile.hard');
    for (const row of rows) {
      expect(row.description).not.toBe('');
      expect(page).toContain(`| \`${row.path}\` |`);
    }
  });

  it('prints defaults that parse to the defaults', () => {
    expect(parseConfig(renderDefaults(optionRows()).join('\n'))).toEqual(parseConfig(''));
  });
});
