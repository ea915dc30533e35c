// Checks of single values. Each answers "" when the value is fine, else what is wrong with it, worded
// to follow the quoted value.

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
