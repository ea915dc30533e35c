// Runs one CNI plugin: environment, configuration on stdin, answer or error on stdout.
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { CriError } from '../core/error.ts';
import { runtimeConfigFor } from './capabilities.ts';
import { isObject, type Conflist, type PluginConfig } from './conflist.ts';
import type { CniResult } from './result.ts';

/** A finished program, as far as this folder cares. */
export interface ProgramResult {
  readonly exitCode: number;
  readonly signal: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Runs a program on the host; the launcher does. */
export type RunProgram = (
  program: {
    readonly argv: readonly string[];
    readonly env: readonly string[];
    readonly stdin: string;
    readonly deadlineMs: number;
  },
  signal?: AbortSignal,
) => Promise<ProgramResult>;

export type CniCommand = 'ADD' | 'DEL' | 'STATUS';

/** Everything that stays the same for all plugins of one attachment. */
export interface PluginContext {
  readonly conflist: Conflist;
  readonly containerId: string;
  /** "" once the namespace is gone: plugins must then free what they can. */
  readonly netnsPath: string;
  readonly interfaceName: string;
  /** CNI_ARGS, "K=V;K=V". */
  readonly args: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** Where plugins are and how long one may take. */
export interface PluginHost {
  readonly run: RunProgram;
  readonly binDirs: readonly string[];
  readonly deadlineMs: number;
}

/**
 * Runs `plugin` with `command`; returns its standard output. Throws Unavailable (the plugin failed
 * or is not installed) or DeadlineExceeded, naming the plugin, the command and its own words.
 */
export async function runPlugin(
  host: PluginHost,
  command: CniCommand,
  plugin: PluginConfig,
  context: PluginContext,
  previous: CniResult | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const path = await findPlugin(plugin.type, host.binDirs);
  const ended = await host.run(
    {
      argv: [path],
      env: environment(command, context, host.binDirs),
      stdin: JSON.stringify(pluginInput(plugin, context, previous)),
      deadlineMs: host.deadlineMs,
    },
    signal,
  );
  if (ended.timedOut) {
    const why = `it did not end within ${host.deadlineMs / 1000} s and was killed`;
    throw failure('DeadlineExceeded', command, plugin, why);
  }
  if (ended.exitCode !== 0 || ended.signal !== 0) {
    throw failure('Unavailable', command, plugin, ownWords(ended));
  }
  return ended.stdout;
}

/** Throws Unavailable, naming the first plugin that is not installed. */
export async function findPlugins(
  host: PluginHost,
  plugins: readonly PluginConfig[],
): Promise<void> {
  await Promise.all(plugins.map((plugin) => findPlugin(plugin.type, host.binDirs)));
}

async function findPlugin(type: string, binDirs: readonly string[]): Promise<string> {
  for (const directory of binDirs) {
    const path = join(directory, type);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not here; the error below names every directory.
    }
  }
  const where = binDirs.map((directory) => `"${directory}"`).join(', ');
  throw new CriError(
    'Unavailable',
    `cannot run CNI plugin "${type}": no such program in ${where}`,
    { step: 'cni-find' },
  );
}

function environment(
  command: CniCommand,
  context: PluginContext,
  binDirs: readonly string[],
): string[] {
  return [
    // Plugins call iptables, nft and ip by name.
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `CNI_COMMAND=${command}`,
    `CNI_CONTAINERID=${context.containerId}`,
    `CNI_NETNS=${context.netnsPath}`,
    `CNI_IFNAME=${context.interfaceName}`,
    `CNI_ARGS=${context.args}`,
    `CNI_PATH=${binDirs.join(':')}`,
  ];
}

function pluginInput(
  plugin: PluginConfig,
  context: PluginContext,
  previous: CniResult | undefined,
): object {
  const runtimeConfig = runtimeConfigFor(plugin, context.capabilities);
  return {
    ...plugin,
    name: context.conflist.name,
    cniVersion: context.conflist.cniVersion,
    ...(runtimeConfig === undefined ? {} : { runtimeConfig }),
    ...(previous === undefined ? {} : { prevResult: previous }),
  };
}

function failure(
  code: 'Unavailable' | 'DeadlineExceeded',
  command: CniCommand,
  plugin: PluginConfig,
  why: string,
): CriError {
  const message = `cannot run CNI plugin "${plugin.type}" (${command}): ${why}`;
  return new CriError(code, message, { step: `cni-${command.toLowerCase()}` });
}

// A plugin reports an error as JSON on stdout; one that dies says it on stderr, if at all.
function ownWords(ended: ProgramResult): string {
  try {
    const json: unknown = JSON.parse(ended.stdout);
    if (isObject(json) && typeof json['msg'] === 'string') {
      const details = typeof json['details'] === 'string' ? json['details'] : '';
      const code = typeof json['code'] === 'number' ? ` (code ${json['code']})` : '';
      return `${[json['msg'], details].filter((text) => text !== '').join('; ')}${code}`;
    }
  } catch {
    // Not JSON: fall through to what it printed.
  }
  const how = ended.signal === 0 ? `exit code ${ended.exitCode}` : `signal ${ended.signal}`;
  const printed = (ended.stderr.trim() || ended.stdout.trim()).slice(0, 500);
  return printed === '' ? how : `${how}: ${printed}`;
}
