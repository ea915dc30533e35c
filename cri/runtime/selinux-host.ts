// What SELinux there is on this host, and what its policy says about containers. Read at the start, and
// when that has not worked, again when somebody needs it.
import { open, statfs } from 'node:fs/promises';
import type { Logger } from 'pino';
import { describeError } from '../core/error.ts';
import { LazyAttempt } from '../core/lazy-attempt.ts';
import { formatContext, parseContext } from '../spec/selinux.ts';
import type { SelinuxContext, SelinuxFacts } from '../spec/selinux.ts';
import type { HostFacts } from './host-facts.ts';

/** Where the kernel and the host keep what is read here. */
export interface SelinuxPlaces {
  /** selinuxfs. */
  readonly kernel: string;
  /** `config`, and the policies' contexts. */
  readonly policies: string;
}

const places: SelinuxPlaces = { kernel: '/sys/fs/selinux', policies: '/etc/selinux' };
const selinuxMagic = 0xf97c_ff8c;
/** Contexts files have a few hundred bytes. */
const maxFileBytes = 64 * 1024;
const privilegedType = 'spc_t';

type Log = Pick<Logger, 'info' | 'warn'>;

/** What this host's policy says about containers, as far as it can be read by now. */
export class HostSelinux {
  readonly #log: Log;
  readonly #reading: LazyAttempt | undefined;
  #facts: SelinuxFacts | undefined;
  #onUse: () => Promise<void> = async () => {};

  /** `at`: undefined where labels are switched off, or there is no SELinux. See `LazyAttempt`. */
  constructor(at: SelinuxPlaces | undefined, log: Log, now?: () => number) {
    this.#log = log;
    if (at !== undefined) {
      this.#reading = new LazyAttempt(
        () => this.#read(at),
        (reason) => log.warn({ reason }, 'containers have no SELinux labels'),
        now,
      );
    }
  }

  /** Looks for SELinux and reads what its policy says, unless labels are switched off. */
  static async find(isWanted: boolean, log: Log): Promise<HostSelinux> {
    const isThere = await statfs(places.kernel).then(
      ({ type }) => type === selinuxMagic,
      () => false,
    );
    if (isThere && !isWanted) {
      const why = 'containers.selinux is false: containers have no labels';
      log.warn({}, `this host has SELinux, but ${why}`);
    }
    const selinux = new HostSelinux(isThere && isWanted ? places : undefined, log);
    await selinux.refresh();
    return selinux;
  }

  /**
   * Reads again what could not be read or used, unless that was tried within the last minute: what
   * was being replaced then may be there now. Never rejects.
   */
  async refresh(): Promise<void> {
    await this.#reading?.run();
  }

  /** Has `act` called when labels can be used after a time in which they could not. */
  onceItCanBeUsed(act: () => Promise<void>): void {
    this.#onUse = act;
  }

  /** The facts, which tell at any time what is known by then. */
  factsWith(host: HostFacts): HostFacts {
    const now = (): SelinuxFacts | undefined => this.#facts;
    const spec = {
      ...host.spec,
      get apparmorDefaultProblem() {
        return host.spec.apparmorDefaultProblem; // of the moment, too
      },
      get selinux() {
        return now();
      },
    };
    return { ...host, spec };
  }

  async #read(at: SelinuxPlaces): Promise<void> {
    this.#facts = await readSelinux(at);
    const { enforcing, problem } = this.#facts;
    if (problem !== '') {
      throw new Error(problem);
    }
    const [process, file] = [formatContext(this.#facts.process), formatContext(this.#facts.file)];
    this.#log.info({ enforcing, process, file }, 'containers get SELinux labels');
    await this.#onUse();
  }
}

/** Reads what the policy says. Never throws: what is missing becomes the problem. */
export async function readSelinux({ kernel, policies }: SelinuxPlaces): Promise<SelinuxFacts> {
  const enforcing = (await textOf(`${kernel}/enforce`).catch(() => '0')).trim() === '1';
  try {
    const file = await contextsFile(policies);
    const contexts = parseContexts(await textOf(file));
    const process = contextOf(contexts, 'process', file);
    const files = contextOf(contexts, 'file', file);
    // Older policies have no label for them.
    const layer = contexts.has('ro_file') ? contextOf(contexts, 'ro_file', file) : files;
    const facts = { enforcing, process, file: files, layer };
    const problem = await firstProblem(kernel, process, files, layer);
    const free = { ...process, type: privilegedType };
    const isKnown = problem === '' && (await knows(kernel, formatContext(free)));
    const mayRelabelItself = problem === '' && (await mayBecome(kernel, process));
    return { ...facts, problem, mayRelabelItself, privilegedType: isKnown ? privilegedType : '' };
  } catch (error) {
    const nobody = { user: '', role: '', type: '', level: '' };
    const problem = describeError(error);
    const contexts = { process: nobody, file: nobody, layer: nobody };
    return { enforcing, ...contexts, privilegedType: '', mayRelabelItself: false, problem };
  }
}

async function firstProblem(kernel: string, ...contexts: SelinuxContext[]): Promise<string> {
  // Without levels pods with the same type could not be kept apart.
  if ((await textOf(`${kernel}/mls`)).trim() !== '1') {
    return 'its policy has no levels';
  }
  for (const context of contexts) {
    const label = formatContext({ ...context, level: 's0:c0,c1' });
    if (!(await knows(kernel, label))) {
      return `its policy does not know the label "${label}"`;
    }
  }
  return '';
}

// The kernel takes a label that its policy knows, and refuses any other.
async function knows(kernel: string, label: string): Promise<boolean> {
  const file = await open(`${kernel}/context`, 'r+');
  try {
    await file.write(Buffer.from(label));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EINVAL') {
      return false;
    }
    throw error;
  } finally {
    await file.close();
  }
}

// Asked beforehand: each try that the policy forbids would be a line of the audit log.
async function mayBecome(kernel: string, wanted: SelinuxContext): Promise<boolean> {
  try {
    const own = (await textOf('/proc/self/attr/current')).replaceAll('\0', '').trim();
    const process = `${kernel}/class/process`;
    const [index, bit] = await Promise.all(
      [`${process}/index`, `${process}/perms/dyntransition`].map(textOf),
    );
    const mask = 2 ** (Number(bit) - 1);
    const label = formatContext({ ...wanted, level: 's0:c0,c1' });
    const file = await open(`${kernel}/access`, 'r+');
    try {
      await file.write(`${own} ${label} ${Number(index)} ${mask.toString(16)}`);
      const { bytesRead, buffer } = await file.read(Buffer.alloc(256), 0, 256, null);
      const allowed = Number.parseInt(buffer.toString('latin1', 0, bytesRead), 16);
      return Math.floor(allowed / mask) % 2 === 1;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}

async function contextsFile(policies: string): Promise<string> {
  const config = await textOf(`${policies}/config`);
  const name = /^\s*SELINUXTYPE\s*=\s*([\w.-]+)\s*$/mu.exec(config)?.[1];
  if (name === undefined || /^\.+$/u.test(name)) {
    throw new Error(`"${policies}/config" names no SELINUXTYPE`);
  }
  return `${policies}/${name}/contexts/lxc_contexts`;
}

/** `name = "label"` lines. */
function parseContexts(text: string): ReadonlyMap<string, string> {
  const lines = text.matchAll(/^\s*(\w+)\s*=\s*"?([^"\s#]+)"?\s*$/gmu);
  return new Map([...lines].map(([, name = '', label = '']) => [name, label]));
}

function contextOf(
  contexts: ReadonlyMap<string, string>,
  name: string,
  file: string,
): SelinuxContext {
  const context = parseContext(contexts.get(name) ?? '');
  if (context === undefined) {
    throw new Error(`"${file}" has no label for "${name}"`);
  }
  return context;
}

async function textOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(maxFileBytes);
    const { bytesRead } = await file.read(buffer, 0, maxFileBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
