import type { estiba } from '../../proto/gen/node.js';
import type { ImagePuller } from '../images/pull/image-puller.ts';
import type { HostExplanation } from '../registry/explain.ts';
import { pullAuth } from './pull-image.ts';

/** Says which hosts a pull would ask, and why. Throws as explain of cri/registry does. */
export async function explainImage(
  puller: ImagePuller,
  request: estiba.node.v1.ExplainImageRequest.$Properties,
  call: { readonly signal: AbortSignal },
): Promise<estiba.node.v1.ExplainImageResponse.$Properties> {
  const { image, probe } = request;
  const auth = pullAuth(request.auth);
  const found = await puller.explain(image ?? '', auth, probe ?? false, call.signal);
  const { reference, domain, source, notes, hosts } = found;
  return { reference, domain, source, notes: [...notes], hosts: hosts.map(hostMessage) };
}

function hostMessage(host: HostExplanation): estiba.node.v1.ExplainedHost.$Properties {
  const { url, origin, namespace, trust, proxy, problem, probe } = host;
  return {
    url,
    origin,
    namespace,
    proxy,
    problem,
    capabilities: [...host.capabilities],
    upstream: host.isUpstream,
    verified: trust.isVerified,
    caFiles: [...trust.caFiles],
    clientCertificates: [...trust.clientCertificates],
    mayFallBackToHttp: trust.mayFallBackToHttp,
    headers: [...host.headers],
    credentials: host.credentials.kind,
    credentialsSource: host.credentials.source,
    probe: probe === undefined ? null : { ...probe },
  };
}
