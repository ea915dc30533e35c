// Loads the AppArmor profile RuntimeDefault into the kernel, once when the server starts.
import { access } from 'node:fs/promises';
import type { Logger } from 'pino';
import { describeError } from '../core/error.ts';
import type { Launcher } from '../isolator/launcher.ts';
import { defaultApparmorText } from '../spec/apparmor.ts';
import type { HostFacts } from './host-facts.ts';

const parsers = ['/usr/sbin/apparmor_parser', '/sbin/apparmor_parser'];

/** The facts, after the profile has been loaded where the host has AppArmor. */
export async function withApparmor(
  host: HostFacts,
  launcher: Pick<Launcher, 'runProgram'>,
  log: Pick<Logger, 'warn'>,
): Promise<HostFacts> {
  if (!host.spec.apparmorEnabled) {
    return host;
  }
  const apparmorDefaultProblem = await loadDefaultApparmorProfile(launcher);
  if (apparmorDefaultProblem !== '') {
    const message = 'containers that name no AppArmor profile are not confined by one';
    log.warn({ reason: apparmorDefaultProblem }, message);
  }
  return { ...host, spec: { ...host.spec, apparmorDefaultProblem } };
}

/** Answers why the profile cannot be loaded, "" when it is. Never throws. */
async function loadDefaultApparmorProfile(launcher: Pick<Launcher, 'runProgram'>): Promise<string> {
  const parser = await firstThatExists(parsers);
  if (parser === undefined) {
    return 'apparmor_parser is not installed';
  }
  try {
    const ended = await launcher.runProgram({
      // An older version of the profile is replaced; no cache is written.
      argv: [parser, '--replace', '--skip-cache'],
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      stdin: Buffer.from(defaultApparmorText),
      cwd: '/',
    });
    const said = ended.stderr.toString('utf8').toWellFormed().trim();
    return ended.exitCode === 0 ? '' : `apparmor_parser failed (${ended.exitCode}): ${said}`;
  } catch (error) {
    return describeError(error);
  }
}

async function firstThatExists(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) {
      return path;
    }
  }
  return undefined;
}
