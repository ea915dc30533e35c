import type { estiba } from '../../proto/gen/isolation.js';
import type { ExecResult } from './monitor-messages.ts';
import { asBuffer } from './launcher-wire.ts';

type OutputProperties = estiba.isolation.v1.ExecOutput.$Properties;
type EndedProperties = estiba.isolation.v1.ExecEnded.$Properties;

/**
 * Collects what a command wrote, at most `limitBytes` of each stream. The monitor cuts already;
 * this holds also against one that does not.
 */
export class ExecOutput {
  readonly #stdout: CappedBytes;
  readonly #stderr: CappedBytes;

  constructor(limitBytes: number) {
    this.#stdout = new CappedBytes(limitBytes);
    this.#stderr = new CappedBytes(limitBytes);
  }

  add(output: OutputProperties): void {
    this.#stdout.add(asBuffer(output.stdout));
    this.#stderr.add(asBuffer(output.stderr));
  }

  result(ended: EndedProperties): ExecResult {
    return {
      exitCode: ended.exitCode ?? 0,
      timedOut: ended.timedOut ?? false,
      oomKilled: ended.oomKilled ?? false,
      outputCut: (ended.outputCut ?? false) || this.#stdout.isCut || this.#stderr.isCut,
      stdout: this.#stdout.bytes(),
      stderr: this.#stderr.bytes(),
    };
  }
}

class CappedBytes {
  readonly #limitBytes: number;
  readonly #pieces: Buffer[] = [];
  #fill = 0;
  isCut = false;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  add(piece: Buffer): void {
    const room = this.#limitBytes - this.#fill;
    if (piece.length > room) {
      this.isCut = true;
    }
    const kept = piece.subarray(0, room);
    if (kept.length > 0) {
      this.#pieces.push(kept);
      this.#fill += kept.length;
    }
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces, this.#fill);
  }
}
