// Which images an archive holds.
import { CriError } from '../core/error.ts';
import { MAX_DOCUMENT_BYTES } from './archive-files.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { ArchiveImage } from './archive-image.ts';
import { readDockerImages } from './docker-archive.ts';
import { readOciImages } from './oci-layout.ts';
import type { HostPlatform } from '../registry/platform.ts';

/**
 * Returns the images of an OCI archive or layout (index.json), else of a docker archive
 * (manifest.json), for this host's platform. Throws InvalidArgument, FailedPrecondition (platform)
 * or Unimplemented (a media type), never returns an empty list.
 */
export async function readArchiveImages(
  files: ArchiveFiles,
  host: HostPlatform,
): Promise<ArchiveImage[]> {
  const index = await files.read('index.json', MAX_DOCUMENT_BYTES);
  const dockerManifest = await files.read('manifest.json', MAX_DOCUMENT_BYTES);
  if (index !== undefined) {
    return await readOciImages(files, index, dockerManifest, host);
  }
  if (dockerManifest !== undefined) {
    return await readDockerImages(files, dockerManifest, host);
  }
  const isDockerV1 = (await files.locate('repositories')) !== undefined;
  const why = isDockerV1
    ? 'docker image format v1 (without manifest.json) is not supported'
    : 'it has neither index.json (OCI) nor manifest.json (docker save)';
  const code = isDockerV1 ? 'Unimplemented' : 'InvalidArgument';
  throw new CriError(code, `cannot import "${files.path}": ${why}`);
}
