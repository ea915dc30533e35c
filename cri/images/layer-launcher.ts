import type { Unpacked, UnpackProgress, UnpackRequest } from '../isolator/launcher-messages.ts';

/** The launcher's jobs that images need; cri/isolator's Launcher is one. */
export interface LayerLauncher {
  /** Unpacks one layer blob; throws CriError, the target is then gone again. */
  unpack(
    request: UnpackRequest,
    options?: {
      readonly signal?: AbortSignal;
      readonly onProgress?: (progress: UnpackProgress) => void;
    },
  ): Promise<Unpacked>;
  /** Removes directory trees; missing ones are fine. */
  removeTrees(paths: readonly string[]): Promise<unknown>;
}
