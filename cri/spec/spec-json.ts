// The text that the helper gets.
import type { OciSpec } from './types.ts';

/**
 * config.json with a seccomp profile in it. The profile, JSON text that has been compiled before,
 * goes in as it is: its numbers have 64 bits, more than a number here can hold. "" is none.
 */
export function specJson(spec: OciSpec, seccompProfile: string): string {
  if (seccompProfile === '') {
    return JSON.stringify(spec);
  }
  const { linux, ...rest } = spec;
  const open = (value: object) => JSON.stringify(value).slice(0, -1);
  return `${open(rest)},"linux":${open(linux)},"seccomp":${seccompProfile}}}`;
}
