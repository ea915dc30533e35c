// Estiba's own times, as its debug log tells them.

/** Milliseconds by step, of the containers and pods for which `counts` says so. */
export function stepsOf(
  log: string,
  counts: (id: string) => boolean = () => true,
): Map<string, number[]> {
  const byStep = new Map<string, number[]>();
  for (const line of log.split('\n')) {
    if (!line.includes('"steps":')) {
      continue;
    }
    const { msg, steps, containerId, sandboxId } = JSON.parse(line) as {
      msg: string;
      steps: { step: string; elapsedUs: number }[];
      containerId?: string;
      sandboxId?: string;
    };
    if (!counts(containerId ?? sandboxId ?? '')) {
      continue;
    }
    for (const { step, elapsedUs } of steps) {
      const name = `${msg}: ${step}`;
      byStep.set(name, [...(byStep.get(name) ?? []), elapsedUs / 1000]);
    }
  }
  return byStep;
}
