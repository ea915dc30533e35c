import type { Unpacked, UnpackProgress, UnpackRequest } from '../isolator/launcher-messages.ts';

/** The launcher's jobs that images need; cri/isolator's Launcher is one. */
export interface LayerLauncher {
  /** Unpacks one layer blob; throws CriError, the target is then gone again. */
  unpack(
    request: UnpackRequest,
    options?: {
      readonly signal?: AbortSignal;
      readonly onProgress?: (progress: UnpackProgress) => void;
      /** For a file that is still being written: how much of it may be read by now. */
      readonly growth?: AsyncIterable<number>;
    },
  ): Promise<Unpacked>;
  /** Removes directory trees; missing ones are fine. */
  removeTrees(paths: readonly string[]): Promise<unknown>;
}

/** What one layer may cost. */
export interface UnpackLimits {
  /** Sum of file sizes. */
  readonly maxBytes: number;
  /** SELinux label of its files; "" = what the host's policy says. */
  readonly fileLabel: string;
}

/** The same launcher, every unpack job held to `limits` unless it has its own. */
export function limitedLauncher(launcher: LayerLauncher, limits: UnpackLimits): LayerLauncher {
  return {
    unpack: (request, options) => launcher.unpack({ ...limits, ...request }, options),
    removeTrees: (paths) => launcher.removeTrees(paths),
  };
}
