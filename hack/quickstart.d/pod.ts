// The example pod of manifests/, run through CRI: what `crictl runp, create, start` would send.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type runtime } from '../../proto/gen/cri.js';
import type { CriClient } from '../../test/lib/cri-client.ts';
import { repository } from './ground.ts';

type PodConfig = runtime.v1.PodSandboxConfig.$Properties;
type ContainerConfig = runtime.v1.ContainerConfig.$Properties;

/** A container of the running pod. */
export interface RunningContainer {
  readonly name: string;
  readonly id: string;
  readonly logPath: string;
}

/** Reads a file in crictl's JSON form: the field names of CRI's schema. */
async function readManifest(name: string): Promise<unknown> {
  const path = join(repository, 'manifests', 'example-pod', name);
  return toMessage(JSON.parse(await readFile(path, 'utf8')));
}

/** Maps of the schema, whose keys are the user's words and not field names. */
const maps: ReadonlySet<string> = new Set(['labels', 'annotations', 'sysctls', 'unified']);

function toMessage(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(toMessage);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replaceAll(/_([a-z])/gu, (_, letter: string) => letter.toUpperCase()),
      maps.has(key) ? inner : toMessage(inner),
    ]),
  );
}

/** The example pod with its logs below `logDirectory`. */
export async function readPodConfig(logDirectory: string): Promise<PodConfig> {
  return { ...((await readManifest('pod.json')) as PodConfig), logDirectory };
}

/** Starts the sandbox; returns its id and its address. */
export async function startSandbox(
  client: CriClient,
  config: PodConfig,
): Promise<{ id: string; ip: string }> {
  const { podSandboxId: id } = await client.runtime.runPodSandbox({ config });
  const { status } = await client.runtime.podSandboxStatus({ podSandboxId: id });
  return { id, ip: status?.network?.ip ?? '' };
}

/** Creates and starts one container of the example pod. */
export async function startContainer(
  client: CriClient,
  sandbox: { readonly id: string; readonly config: PodConfig },
  name: string,
): Promise<RunningContainer> {
  const config = (await readManifest(`${name}.json`)) as ContainerConfig;
  const { containerId: id } = await client.runtime.createContainer({
    podSandboxId: sandbox.id,
    config,
    sandboxConfig: sandbox.config,
  });
  await client.runtime.startContainer({ containerId: id });
  return { name, id, logPath: join(sandbox.config.logDirectory ?? '', config.logPath ?? '') };
}

/** Waits until a line of the container's log contains `text`. */
export async function waitForLog(
  container: RunningContainer,
  text: string,
  interruption: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const log = await readFile(container.logPath, 'utf8').catch(() => '');
    if (log.includes(text)) {
      return;
    }
    await sleep(20, undefined, { signal: interruption });
  }
  throw new Error(
    `cannot see the pod work: "${container.name}" has not logged "${text}" within 60 s; ` +
      `its log is ${container.logPath}`,
  );
}

/** The last lines of a container's log. */
export async function logTail(container: RunningContainer, count: number): Promise<string[]> {
  const text = await readFile(container.logPath, 'utf8');
  return text.trimEnd().split('\n').slice(-count);
}
