// Puts images into a registry the way docker push does, over plain HTTP and without authentication.
import { createHash } from 'node:crypto';
import { request } from 'undici';

export interface Pushed {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const ociIndex = 'application/vnd.oci.image.index.v1+json';
const ociManifest = 'application/vnd.oci.image.manifest.v1+json';

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function expectStatus(
  answer: Awaited<ReturnType<typeof request>>,
  status: number,
): Promise<void> {
  const body = await answer.body.text();
  if (answer.statusCode !== status) {
    throw new Error(`the registry answered ${answer.statusCode}, not ${status}: ${body}`);
  }
}

/** Pushes a blob into `repository` of the registry at `url`. */
export async function pushBlob(
  url: string,
  repository: string,
  bytes: Buffer,
  mediaType: string,
): Promise<Pushed> {
  const digest = digestOf(bytes);
  const started = await request(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(String(started.headers['location']), url);
  await expectStatus(started, 202);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await expectStatus(await request(location, { method: 'PUT', body: bytes, headers }), 201);
  return { mediaType, digest, size: bytes.length };
}

/** Pushes a manifest or index under `name`, a tag or its digest. */
export async function pushManifest(
  url: string,
  repository: string,
  name: string | undefined,
  document: { readonly mediaType: string },
): Promise<Pushed> {
  const body = Buffer.from(JSON.stringify(document));
  const digest = digestOf(body);
  const answer = await request(`${url}/v2/${repository}/manifests/${name ?? digest}`, {
    method: 'PUT',
    body,
    headers: { 'content-type': document.mediaType },
  });
  await expectStatus(answer, 201);
  return { mediaType: document.mediaType, digest, size: body.length };
}

/** Pushes an image of uncompressed layers; `name` undefined leaves it untagged. */
export async function pushImage(
  url: string,
  repository: string,
  name: string | undefined,
  layers: readonly Buffer[],
  platform: { readonly architecture: string; readonly variant?: string } = {
    architecture: 'amd64',
  },
): Promise<Pushed> {
  const config = Buffer.from(
    JSON.stringify({
      ...platform,
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
    }),
  );
  const configType = 'application/vnd.oci.image.config.v1+json';
  const layerType = 'application/vnd.oci.image.layer.v1.tar';
  const pushedLayers: Pushed[] = [];
  for (const layer of layers) {
    pushedLayers.push(await pushBlob(url, repository, layer, layerType));
  }
  return await pushManifest(url, repository, name, {
    schemaVersion: 2,
    mediaType: ociManifest,
    config: await pushBlob(url, repository, config, configType),
    layers: pushedLayers,
  } as { mediaType: string });
}

/** Pushes an index over images that are there; `name` undefined leaves it untagged. */
export async function pushIndex(
  url: string,
  repository: string,
  name: string | undefined,
  images: readonly (Pushed & { readonly architecture: string })[],
): Promise<Pushed> {
  const manifests = images.map(({ architecture, ...descriptor }) => ({
    ...descriptor,
    platform: { os: 'linux', architecture },
  }));
  return await pushManifest(url, repository, name, {
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests,
  } as { mediaType: string });
}
