// Where a container's log is written. Both parts come from the kubelet, yet a path that climbs out of
// the log directory is a known way to other files (CVE-2025-0750).
import { posix } from 'node:path';

import type { ContainerConfig, PodSandboxConfig } from './cri-types.ts';
import { checkText } from './process.ts';
import { quote, refused } from './refusal.ts';

/** The absolute path of the log; "" when none was asked for. Throws InvalidArgument. */
export function logPath(sandbox: PodSandboxConfig, config: ContainerConfig): string {
  const directory = sandbox.logDirectory ?? '';
  const file = config.logPath ?? '';
  if (directory === '' || file === '') {
    return '';
  }
  const action = `write log ${quote(file)}`;
  checkText(action, `${directory}/${file}`);
  if (!directory.startsWith('/')) {
    throw refused(action, `log_directory ${quote(directory)} is not an absolute path`);
  }
  const clean = posix.normalize(file);
  if (file.split('/').includes('..') || clean === '.' || clean.endsWith('/')) {
    throw refused(action, 'it does not name a file below the log directory');
  }
  return posix.join(directory, file);
}

/** The directory as `logPath` has it, "" without one: what is below it containers may be able to change. */
export function logDirectory(sandbox: PodSandboxConfig): string {
  const directory = sandbox.logDirectory ?? '';
  return directory === '' ? '' : posix.normalize(directory).replace(/(?!^)\/$/u, '');
}
