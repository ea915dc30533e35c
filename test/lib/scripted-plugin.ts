// A CNI plugin that a test writes: it notes every call, and does what the test tells it to.
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const script = `#!/bin/bash
here=$(dirname "$0")
input=$(cat)
echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS" >>"$here/calls"
printf '%s\\n' "$CNI_ARGS" >"$here/args"
printf '%s\\n' "$input" >"$here/input.$CNI_COMMAND"
if [ -e "$here/behave.$CNI_COMMAND" ]; then . "$here/behave.$CNI_COMMAND"; fi
[ "$CNI_COMMAND" != ADD ] || cat "$here/result"
`;

const result = {
  cniVersion: '1.1.0',
  interfaces: [{ name: 'eth0', mac: '02:00:00:00:00:01', sandbox: '/ns' }],
  ips: [
    { address: '192.0.2.7/24', interface: 0 },
    { address: '2001:db8::7/64', interface: 0 },
    { address: '192.0.2.8/24', interface: 0 },
  ],
};

/** The plugin "scripted" in a directory of its own. */
export class ScriptedPlugin {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async install(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await writeFile(join(this.directory, 'scripted'), script);
    await chmod(join(this.directory, 'scripted'), 0o755);
    await writeFile(join(this.directory, 'result'), JSON.stringify(result));
  }

  /** Writes a conflist with only this plugin. */
  async configure(confDir: string, cniVersion = '1.1.0'): Promise<void> {
    const capabilities = { portMappings: true, bandwidth: true, dns: true };
    const plugins = [{ type: 'scripted', capabilities, 'own-key': [1, { a: null }] }];
    const conflist = { cniVersion, name: 'scripted-net', plugins };
    await writeFile(join(confDir, '05-scripted.conflist'), JSON.stringify(conflist));
  }

  /** What the plugin does at a command from now on, as shell; "" for nothing. */
  async behave(command: string, shell: string): Promise<void> {
    const path = join(this.directory, `behave.${command}`);
    await (shell === '' ? rm(path, { force: true }) : writeFile(path, shell));
  }

  /** Every call so far: command, sandbox id, netns path. */
  async calls(): Promise<string[][]> {
    const text = await readFile(join(this.directory, 'calls'), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '));
  }

  /** What the last call of a command got on its standard input. */
  async input(command: string): Promise<Record<string, unknown>> {
    const text = await readFile(join(this.directory, `input.${command}`), 'utf8');
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** CNI_ARGS of the last call. */
  async args(): Promise<string> {
    return (await readFile(join(this.directory, 'args'), 'utf8')).trim();
  }
}
