import { CriError, describeError } from './error.ts';

/** An undo step that did not work. */
export interface UndoFailure {
  readonly step: string;
  readonly error: unknown;
}

/** Says in one line what could not be undone, and why. */
export function describeFailures(failures: readonly UndoFailure[]): string {
  return failures.map(({ step, error }) => `cannot ${step}: ${describeError(error)}`).join('; ');
}

interface UndoStep {
  readonly step: string;
  readonly undo: (signal: AbortSignal) => Promise<void>;
}

/**
 * What must be taken back when an operation fails half-way. Push a step's undo BEFORE the step acts:
 * a step that fails can still have left something.
 */
export class UndoStack {
  #steps: UndoStep[] = [];

  /** Registers an undo. It must be idempotent and work when its step never happened. */
  push(step: string, undo: (signal: AbortSignal) => Promise<void>): void {
    this.#steps.push({ step, undo });
  }

  /**
   * Runs every undo, newest first and one after the other, whatever the others did; returns those
   * that failed. Each has `deadlineMs` of its own, so that one that hangs takes nothing from the
   * rest; then its signal fires and it counts as failed. Never rejects. Runs no step twice.
   */
  async unwind(deadlineMs: number): Promise<UndoFailure[]> {
    const failures: UndoFailure[] = [];
    for (let next = this.#steps.pop(); next !== undefined; next = this.#steps.pop()) {
      try {
        await runStep(next, deadlineMs);
      } catch (error) {
        failures.push({ step: next.step, error });
      }
    }
    return failures;
  }
}

async function runStep({ step, undo }: UndoStep, deadlineMs: number): Promise<void> {
  const controller = new AbortController();
  const expired = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const why = `it did not end within ${deadlineMs} ms`;
    const error = new CriError('DeadlineExceeded', `cannot undo "${step}": ${why}`, { step });
    controller.abort(error);
    expired.reject(error);
  }, deadlineMs);
  try {
    await Promise.race([undo(controller.signal), expired.promise]);
  } finally {
    clearTimeout(timer);
  }
}
