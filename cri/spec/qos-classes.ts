// Classes of block I/O and of cache and memory bandwidth (RDT), which annotations ask for. They are
// defined by a node's configuration, which we have none of: as other runtimes without it, we refuse.
import type { ContainerConfig, PodSandboxConfig } from './cri-types.ts';
import { notOnThisHost, quote } from './refusal.ts';

type Annotations = Readonly<Record<string, string>>;

/**
 * Throws FailedPrecondition for a container that annotations put into a class. No class is an empty
 * one of block I/O, by which a container leaves the class of its pod.
 */
export function refuseQosClasses(sandbox: PodSandboxConfig, container: ContainerConfig): void {
  const blockIo = classOf('blockio', sandbox, container);
  if (blockIo !== undefined && blockIo !== '') {
    throw notOnThisHost(action(container, 'block I/O class', blockIo), none('block I/O'));
  }
  const rdt = classOf('rdt', sandbox, container);
  if (rdt !== undefined) {
    throw notOnThisHost(action(container, 'RDT class', rdt), none('RDT'));
  }
}

function action(container: ContainerConfig, kind: string, name: string): string {
  return `put container ${quote(container.metadata?.name ?? '')} into ${kind} ${quote(name)}`;
}

function none(kind: string): string {
  return `this runtime has no ${kind} classes`;
}

// The container's own annotation, else what its pod says of it, else what its pod says of all.
function classOf(
  kind: 'blockio' | 'rdt',
  sandbox: PodSandboxConfig,
  container: ContainerConfig,
): string | undefined {
  const own: Annotations = container.annotations ?? {};
  const pod: Annotations = sandbox.annotations ?? {};
  const prefix = `${kind}.resources.beta.kubernetes.io`;
  return (
    own[`io.kubernetes.cri.${kind}-class`] ??
    pod[`${prefix}/container.${container.metadata?.name ?? ''}`] ??
    pod[`${prefix}/pod`]
  );
}
