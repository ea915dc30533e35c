// Checks of single values. Each answers "" when the value is fine, else what is wrong with it, worded
// to follow the quoted value.
import { imageReferenceProblem } from '../core/image-reference.ts';

// Overlay option strings and /proc/mounts give these bytes a meaning of their own.
const unsafeInMountOptions = /[\s,:\\"'\p{Cc}]/u;

function pathShapeProblem(path: string): string {
  if (!path.startsWith('/')) {
    return 'is not an absolute path';
  }
  if (unsafeInMountOptions.test(path)) {
    return 'holds a space, comma, colon, quote, backslash or control character';
  }
  if (path.includes('//') || path.endsWith('/') || /\/\.{1,2}(\/|$)/u.test(path)) {
    return 'is not in its shortest form (no "//", ".", ".." or "/" at the end)';
  }
  return '';
}

/** A directory or file of ours: absolute, shortest form, nothing that mount options would misread. */
export function directoryProblem(path: string): string {
  if (path === '/') {
    return 'is the root directory';
  }
  return pathShapeProblem(path);
}

/** A cgroup path in cgroupfs syntax. */
export function cgroupPathProblem(path: string): string {
  if (path.endsWith('.slice')) {
    return 'is a systemd slice; name a cgroup path, such as "/estiba"';
  }
  return directoryProblem(path);
}

/** `host:port`, `[v6]:port`, or "" for none. */
export function addressProblem(address: string): string {
  if (address === '') {
    return '';
  }
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/u.exec(address);
  if (match === null) {
    return 'is not "host:port" (IPv6 as "[::1]:9099")';
  }
  return Number(match[1]) > 65_535 ? 'has a port above 65535' : '';
}

/** A global argument of an OCI runtime, none of those that Estiba gives or cannot go along with. */
export function runtimeArgumentProblem(argument: string): string {
  const [name = ''] = argument.split('=', 1);
  if (name === '--systemd-cgroup') {
    return 'is not for a server whose cgroup driver is cgroupfs';
  }
  return ['--root', '--log', '--log-format'].includes(name) ? 'is given by Estiba itself' : '';
}

/** A RuntimeClass handler: Kubernetes wants a DNS label. */
export function handlerProblem(name: string): string {
  return /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/u.test(name)
    ? ''
    : 'is not 1 to 63 lower-case letters, digits and inner "-"';
}

/** An image reference, or the begin of some, ended by "*". */
export function pinnedImageProblem(pattern: string): string {
  const why = pattern.endsWith('*') ? '' : imageReferenceProblem(pattern);
  return why === '' ? '' : `is not an image reference: ${why}`;
}
