// Compiled seccomp profiles, for all containers of the host: a profile is compiled once, never while a
// container waits for one that is known.
import { readBounded } from '../core/bounded-file.ts';
import { CriError, describeError, errnoCode } from '../core/error.ts';
import type { Launcher } from '../isolator/launcher.ts';
import type { SeccompFilter } from '../isolator/launcher-messages.ts';
import { capabilities } from '../spec/capabilities.ts';
import type { HostFacts } from '../spec/input.ts';
import { quote } from '../spec/refusal.ts';
import { defaultProfile } from '../spec/seccomp-default.ts';
import type { SeccompChoice } from '../spec/seccomp.ts';

/** A profile as it goes into the spec, and as the kernel takes it. */
export interface Confinement {
  /** JSON text of linux.seccomp. */
  readonly profile: string;
  readonly filter: SeccompFilter;
}

// About 4 kB each.
const mostKept = 256;
// The longest profiles known are a tenth of this.
const mostBytes = 1 << 20;

/** See the head of this file. */
export class SeccompFilters {
  readonly #launcher: Pick<Launcher, 'compileSeccomp'>;
  /** By the profile's text, the one used last at the end. */
  readonly #compiled = new Map<string, Promise<SeccompFilter>>();
  #compilations = 0;

  constructor(launcher: Pick<Launcher, 'compileSeccomp'>) {
    this.#launcher = launcher;
  }

  /** Profiles compiled since the server started, again and again where that failed. */
  get compilations(): number {
    return this.#compilations;
  }

  /**
   * What confines a container; undefined for unconfined. A Localhost profile is read each time, so
   * that a change of the file counts from the next container on. Throws NotFound and other codes
   * that fit why the file cannot be read, InvalidArgument for what cannot be compiled, by name.
   */
  async confinement(choice: SeccompChoice): Promise<Confinement | undefined> {
    if (choice.kind === 'unconfined') {
      return undefined;
    }
    if (choice.kind === 'default') {
      return { profile: choice.profile, filter: await this.#filter(choice.profile) };
    }
    const profile = await readProfile(choice.path);
    try {
      return { profile, filter: await this.#filter(profile) };
    } catch (error) {
      throw namingFile(error, choice.path);
    }
  }

  #filter(profile: string): Promise<SeccompFilter> {
    const known = this.#compiled.get(profile);
    this.#compiled.delete(profile);
    const filter = known ?? this.#compile(profile);
    this.#compiled.set(profile, filter);
    filter.catch(() => {
      if (this.#compiled.get(profile) === filter) {
        this.#compiled.delete(profile);
      }
    });
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > mostKept && oldest !== undefined) {
      this.#compiled.delete(oldest);
    }
    return filter;
  }

  #compile(profile: string): Promise<SeccompFilter> {
    this.#compilations += 1;
    return this.#launcher.compileSeccomp(profile);
  }
}

/**
 * With the filters of ordinary containers under way before the first of them asks: of those with the
 * usual capabilities and of those that drop all.
 */
export function warmFilters(
  launcher: Pick<Launcher, 'compileSeccomp'>,
  host: Pick<HostFacts, 'capabilities' | 'architecture'>,
): SeccompFilters {
  const filters = new SeccompFilters(launcher);
  for (const granted of [capabilities({}, host.capabilities).bounding, []]) {
    const profile = defaultProfile(granted, host.architecture);
    // What fails here fails again, with a reason, where it is needed.
    filters.confinement({ kind: 'default', profile }).catch(() => undefined);
  }
  return filters;
}

function namingFile(error: unknown, path: string): unknown {
  if (!(error instanceof CriError) || error.code !== 'InvalidArgument') {
    return error;
  }
  const why = error.message.replace(/^cannot use seccomp profile: /u, '');
  const message = `cannot load seccomp profile ${quote(path)}: ${why}`;
  return new CriError('InvalidArgument', message, { cause: error });
}

async function readProfile(path: string): Promise<string> {
  try {
    const bytes = await readBounded(path, mostBytes);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const isMissing = errnoCode(cause) === 'ENOENT';
    const why = isMissing ? 'no such file or directory' : describeError(cause);
    const message = `cannot load seccomp profile ${quote(path)}: ${why}`;
    throw new CriError(isMissing ? 'NotFound' : 'FailedPrecondition', message, { cause });
  }
}
