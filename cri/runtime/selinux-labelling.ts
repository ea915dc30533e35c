// Labels of our own files that are there already: directories when the server starts, layers in the
// background, as these take as long as their files are many.
import type { Attempt } from '../core/persistent-jobs.ts';
import { CriError, describeError } from '../core/error.ts';
import type { LabelTree } from '../isolator/launcher-messages.ts';
import type { Deps } from './deps.ts';
import { ownLabels } from './selinux-files.ts';

/** Three files: what takes longer is a disk or a launcher that hangs, and must not keep the socket. */
const directoriesDeadlineMs = 5_000;

type Parts = Pick<Deps, 'launcher' | 'log' | 'jobs'> & {
  readonly config: Pick<Deps['config'], 'stateDir'>;
  readonly host: { readonly spec: Pick<Deps['host']['spec'], 'selinux'> };
  readonly images: Pick<Deps['images'], 'layerPaths'>;
};

/**
 * Labels the directories that new files get theirs from before it resolves, and starts the job that
 * labels layers. Both are tried again until they work. Never rejects; does nothing without SELinux.
 */
export async function labelOwnFiles(deps: Parts): Promise<void> {
  const { config, launcher, host, images, log, jobs } = deps;
  const trees = ownLabels(config.stateDir, images.layerPaths, host.spec.selinux);
  const directories = trees.filter(({ isShallow }) => isShallow);
  const layers = trees.filter(({ isShallow }) => !isShallow);
  if (directories.length > 0) {
    try {
      await launcher.labelTrees(directories, undefined, directoriesDeadlineMs);
    } catch (error) {
      const reason = describeError(error);
      log.error({ reason }, 'containers may be denied their files until these are labelled');
      jobs.start('label directories', (signal) => launcher.labelTrees(directories, signal));
    }
  }
  if (layers.length > 0) {
    jobs.start('label layers', labelling(deps, layers));
  }
}

// Each layer is a job of the launcher's with a deadline of its own; one that is right costs one look.
function labelling({ launcher, log }: Parts, layers: readonly LabelTree[]): Attempt {
  const left = new Set(layers);
  let begunMs: number | undefined;
  return async (signal) => {
    if (begunMs === undefined) {
      begunMs = performance.now();
      log.info({ layers: left.size }, 'layers are looked through for SELinux labels');
    }
    const failures: unknown[] = [];
    for (const layer of left) {
      try {
        await launcher.labelTrees([layer], signal);
        left.delete(layer);
      } catch (error) {
        if (signal.aborted || isCode(error, 'Unavailable')) {
          throw error;
        }
        if (isCode(error, 'InvalidArgument')) {
          left.delete(layer);
          const facts = { layer: layer.path, reason: describeError(error) };
          log.error(facts, 'a layer cannot be labelled: containers may be denied its files');
        } else {
          failures.push(error);
        }
      }
    }
    if (failures.length > 0) {
      throw failures[0];
    }
    const ms = Math.round(performance.now() - begunMs);
    log.info({ layers: layers.length, ms }, 'layers have been looked through for SELinux labels');
  };
}

// InvalidArgument: it has more levels of directories than are gone into, and keeps them.
function isCode(error: unknown, code: CriError['code']): boolean {
  return error instanceof CriError && error.code === code;
}
