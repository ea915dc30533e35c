// A server with the busybox image and one pod: what tests about single containers begin with.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runtime } from '../../proto/gen/cri.js';
import { importBusybox } from './images.ts';
import {
  containerConfig,
  createContainer,
  exited,
  podConfig,
  readLog,
  runContainer,
  runPod,
} from './pods.ts';
import { TestServer, type TestServerOptions } from './test-server.ts';

type Sandbox = runtime.v1.PodSandboxConfig.$Properties;
type Container = runtime.v1.ContainerConfig.$Properties;
type Security = runtime.v1.LinuxContainerSecurityContext.$Properties;
type Resources = runtime.v1.LinuxContainerResources.$Properties;
type Status = runtime.v1.ContainerStatus.$Properties;

/** How a container that ran to its end went. */
export interface Outcome {
  readonly status: Status;
  /** Both streams as text, partial lines joined. */
  readonly stdout: string;
  readonly stderr: string;
}

let counter = 0;

/** One pod of a server; more can be made with `another`. */
export class Fixture {
  readonly server: TestServer;
  readonly pod: Sandbox;
  readonly podSandboxId: string;

  private constructor(server: TestServer, pod: Sandbox, podSandboxId: string) {
    this.server = server;
    this.pod = pod;
    this.podSandboxId = podSandboxId;
  }

  static async start(
    options: TestServerOptions = {},
    pod: Partial<Sandbox> = {},
  ): Promise<Fixture> {
    const server = await TestServer.start(options);
    await importBusybox(server);
    return Fixture.inPod(server, pod);
  }

  /** Runs a pod in a server that is there already. */
  static async inPod(
    server: TestServer,
    change: Partial<Sandbox> = {},
    runtimeHandler = '',
  ): Promise<Fixture> {
    const logDirectory = join(server.stateDir, 'logs', String((counter += 1)));
    const pod = podConfig({ logDirectory, ...change });
    return new Fixture(server, pod, await runPod(server, pod, runtimeHandler));
  }

  /** A second pod in the same server. */
  another(change: Partial<Sandbox> = {}, runtimeHandler = ''): Promise<Fixture> {
    return Fixture.inPod(this.server, change, runtimeHandler);
  }

  /** An existing directory of this test's own on the host. */
  async directory(name: string): Promise<string> {
    const path = join(this.server.stateDir, 'volumes', name);
    await mkdir(path, { recursive: true });
    return path;
  }

  create(config: Container): Promise<string> {
    return createContainer(this.server, this.podSandboxId, this.pod, config);
  }

  run(config: Container): Promise<string> {
    return runContainer(this.server, this.podSandboxId, this.pod, config);
  }

  /** Runs a container that only waits, for execs. */
  wait(change: Partial<Container> = {}): Promise<string> {
    return this.run(containerConfig(['sleep', '1000'], change));
  }

  /** Runs a container to its end. */
  async outcome(config: Container, withinMs?: number): Promise<Outcome> {
    const logPath = `${config.metadata?.name ?? ''}/0.log`;
    return this.ended(await this.run({ logPath, ...config }), withinMs);
  }

  /** What a container with a log has come to, once it has ended. */
  async ended(id: string, withinMs?: number): Promise<Outcome> {
    const status = await exited(this.server, id, withinMs);
    const lines = await readLog(status.logPath ?? '');
    const text = (stream: string): string =>
      lines
        .filter((line) => line.stream === stream)
        .map((line) => (line.tag === 'F' ? `${line.text}\n` : line.text))
        .join('');
    return { status, stdout: text('stdout'), stderr: text('stderr') };
  }
}

/** A container with this security context on top of the usual one. */
export function withSecurity(
  command: string | readonly string[],
  security: Security,
  change: Partial<Container> = {},
): Container {
  const config = containerConfig(command, change);
  const securityContext = { ...config.linux?.securityContext, ...security };
  return { ...config, linux: { ...config.linux, securityContext } };
}

/** A container with these limits. */
export function withResources(
  command: string | readonly string[],
  resources: Resources,
): Container {
  const config = containerConfig(command);
  return { ...config, linux: { ...config.linux, resources } };
}
