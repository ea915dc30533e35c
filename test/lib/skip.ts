// A skip that says why: the reason reaches the JSON report and so the test command's last lines.
import type { TestContext } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    reason?: string;
  }
}

/** Skips the running test for `reason`; does not return. */
export function skip(context: TestContext, reason: string): never {
  context.task.meta.reason = reason;
  return context.skip(reason);
}
