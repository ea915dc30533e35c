import type { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import type { ImageStore } from '../images/image-store.ts';

/**
 * Tells what images occupy, from records: the kubelet asks every ten seconds. Images and writable
 * layers share the state directory's file system, so both lists name it, with the same figures.
 */
export async function imageFsInfo(
  images: ImageStore,
): Promise<runtime.v1.ImageFsInfoResponse.$Properties> {
  const info = images.fsInfo();
  const usage: runtime.v1.FilesystemUsage.$Properties = {
    timestamp: toLong(info.timestampNs),
    fsId: { mountpoint: info.mountpoint },
    usedBytes: { value: toLong(info.usedBytes) },
    inodesUsed: { value: toLong(info.inodesUsed) },
  };
  return { imageFilesystems: [usage], containerFilesystems: [usage] };
}
