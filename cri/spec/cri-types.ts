// Short names for the CRI messages this folder reads. Any member of a message may be absent or null,
// as callers that build them by hand leave members out.
import type { runtime } from '../../proto/gen/cri.js';

export type PodSandboxConfig = runtime.v1.PodSandboxConfig.$Properties;
export type ContainerConfig = runtime.v1.ContainerConfig.$Properties;
export type CriMount = runtime.v1.Mount.$Properties;
export type CriResources = runtime.v1.LinuxContainerResources.$Properties;
export type ContainerSecurity = runtime.v1.LinuxContainerSecurityContext.$Properties;
export type SandboxSecurity = runtime.v1.LinuxSandboxSecurityContext.$Properties;
export type NamespaceOption = runtime.v1.NamespaceOption.$Properties;
export type SecurityProfile = runtime.v1.SecurityProfile.$Properties;
export type DnsConfig = runtime.v1.DNSConfig.$Properties;
export type Int64Value = runtime.v1.Int64Value.$Properties;
