// Builders of CRI configurations with the values that the kubelet would send, and the few sequences
// of calls that most tests begin with.
import { readFile } from 'node:fs/promises';
import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import type { TestServer } from './test-server.ts';
import { limitMs } from './time.ts';

type Sandbox = runtime.v1.PodSandboxConfig.$Properties;
type Container = runtime.v1.ContainerConfig.$Properties;

const { NamespaceMode } = runtime.v1;

/** The image that test/lib/images.ts makes. */
export const busybox = 'localhost/estiba/busybox:latest';

let counter = 0;

/** A pod with a pid namespace per container, as the kubelet asks by default. */
export function podConfig(change: Partial<Sandbox> = {}): Sandbox {
  counter += 1;
  const name = `pod-${counter}`;
  return {
    metadata: { name, namespace: 'test', uid: `uid-${process.pid}-${counter}`, attempt: 0 },
    hostname: name,
    labels: { 'io.kubernetes.pod.uid': `uid-${process.pid}-${counter}`, app: 'test' },
    annotations: { note: 'kept as it is' },
    linux: {
      securityContext: {
        namespaceOptions: {
          network: NamespaceMode.POD,
          pid: NamespaceMode.CONTAINER,
          ipc: NamespaceMode.POD,
        },
      },
    },
    ...change,
  };
}

/** The same on the host's network. */
export function hostNetworkPodConfig(change: Partial<Sandbox> = {}): Sandbox {
  return podConfig({
    linux: {
      securityContext: {
        namespaceOptions: {
          network: NamespaceMode.NODE,
          pid: NamespaceMode.CONTAINER,
          ipc: NamespaceMode.POD,
        },
      },
    },
    ...change,
  });
}

/** A container that runs `command` (a shell script when a string). */
export function containerConfig(
  command: string | readonly string[],
  change: Partial<Container> = {},
): Container {
  counter += 1;
  return {
    metadata: { name: `c-${counter}`, attempt: 0 },
    image: { image: busybox },
    command: typeof command === 'string' ? ['/bin/sh', '-c', command] : [...command],
    labels: { app: 'test' },
    linux: {
      securityContext: {
        namespaceOptions: {
          network: NamespaceMode.POD,
          pid: NamespaceMode.CONTAINER,
          ipc: NamespaceMode.POD,
        },
      },
    },
    ...change,
  };
}

/** Runs a pod; returns its id. `runtimeHandler`: "" = our own. */
export async function runPod(
  server: TestServer,
  config: Sandbox,
  runtimeHandler = '',
): Promise<string> {
  const { podSandboxId } = await server.client.runtime.runPodSandbox({ config, runtimeHandler });
  return podSandboxId ?? '';
}

/** Creates a container in a pod; returns its id. */
export async function createContainer(
  server: TestServer,
  podSandboxId: string,
  sandboxConfig: Sandbox,
  config: Container,
): Promise<string> {
  const request = { podSandboxId, config, sandboxConfig };
  const { containerId } = await server.client.runtime.createContainer(request);
  return containerId ?? '';
}

/** Creates and starts a container in a pod; returns its id. */
export async function runContainer(
  server: TestServer,
  podSandboxId: string,
  sandboxConfig: Sandbox,
  config: Container,
): Promise<string> {
  const containerId = await createContainer(server, podSandboxId, sandboxConfig, config);
  await server.client.runtime.startContainer({ containerId });
  return containerId;
}

/** The container's status; throws when there is none. */
export async function statusOf(
  server: TestServer,
  containerId: string,
): Promise<runtime.v1.ContainerStatus.$Properties> {
  const { status } = await server.client.runtime.containerStatus({ containerId });
  if (!status) {
    throw new Error(`container "${containerId}" has no status`);
  }
  return status;
}

/** Waits (at most `withinMs`, more on a slow machine) until the container has exited; returns its status. */
export async function exited(
  server: TestServer,
  containerId: string,
  withinMs = 60_000,
): Promise<runtime.v1.ContainerStatus.$Properties> {
  return eventually(async () => {
    const status = await statusOf(server, containerId);
    if (status.state !== runtime.v1.ContainerState.CONTAINER_EXITED) {
      throw new Error(`container "${containerId}" is in state ${status.state}`);
    }
    return status;
  }, withinMs);
}

/** Repeats `attempt` until it does not throw; throws its last error after `withinMs` (more on a slow machine). */
export async function eventually<T>(attempt: () => Promise<T>, withinMs = 30_000): Promise<T> {
  const deadline = performance.now() + limitMs(withinMs);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Runs a shell script in a container; returns what it printed and its exit code. */
export async function exec(
  server: TestServer,
  containerId: string,
  script: string,
  timeoutSeconds = 0,
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  const reply = await server.client.runtime.execSync({
    containerId,
    cmd: ['/bin/sh', '-c', script],
    timeout: toLong(timeoutSeconds),
  });
  return {
    stdout: Buffer.from(reply.stdout ?? []).toString('utf8'),
    stderr: Buffer.from(reply.stderr ?? []).toString('utf8'),
    exitCode: reply.exitCode ?? 0,
  };
}

/** One line of a CRI log. */
export interface LogLine {
  readonly time: string;
  readonly stream: string;
  readonly tag: string;
  readonly text: string;
}

/** Reads a container's log file line by line; throws on a line that is not CRI's format. */
export async function readLog(path: string): Promise<LogLine[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^(\S+) (stdout|stderr) ([PF]) (.*)$/su.exec(line);
      if (match === null) {
        throw new Error(`not a CRI log line: "${line}"`);
      }
      const [, time = '', stream = '', tag = '', rest = ''] = match;
      return { time, stream, tag, text: rest };
    });
}
