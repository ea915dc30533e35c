// What tests of pulls begin with: a registry with images of this machine's busybox, a proxy before it
// that counts and spoils, and a server that knows both.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { buildImage, type BuiltImage, type ImageInput } from '../../hack/images/build-image.ts';
import { makeTar } from '../../hack/images/tar-writer.ts';
import type { runtime } from '../../proto/gen/cri.js';
import { DockerRegistry, hasDockerRegistry } from '../registry/docker-registry.ts';
import { FaultProxy } from '../registry/fault-proxy.ts';
import { pushBlob, pushManifest } from '../registry/push.ts';
import { needDockerRegistry, RegistryGround } from '../registry/registry-ground.ts';
import { baseLayer } from './images.ts';
import { TestServer } from './test-server.ts';

type Image = runtime.v1.Image.$Properties;

/** Pushes a built image under a tag (or untagged) into a registry that lets everybody in. */
export async function pushBuilt(
  url: string,
  repository: string,
  tag: string | undefined,
  image: BuiltImage,
): Promise<void> {
  await pushBlob(url, repository, image.config, 'application/vnd.oci.image.config.v1+json');
  for (const { blob, mediaType } of image.layers) {
    await pushBlob(url, repository, blob, mediaType);
  }
  const manifest = JSON.parse(image.manifest.toString('utf8')) as { mediaType: string };
  await pushManifest(url, repository, tag, manifest);
}

/** An image of the busybox layer and `layers` on top. */
export function onBusybox(
  layers: ImageInput['layers'],
  change: Omit<ImageInput, 'layers'> = {},
): BuiltImage {
  return buildImage({ layers: [baseLayer(), ...layers], compression: 'none', ...change });
}

/** A layer with one file of bytes that nothing compresses, never the same twice. */
export function noise(bytes: number): Buffer {
  return makeTar([{ name: 'noise', content: randomBytes(bytes) }]);
}

/** Registry, proxy and server of one test file. */
export class PullGround implements AsyncDisposable {
  readonly ground: RegistryGround;
  /** Plain HTTP, no authentication. */
  readonly registry: DockerRegistry;
  /** Plain HTTP before `registry`. */
  readonly proxy: FaultProxy;
  readonly server: TestServer;
  readonly hostsDir: string;
  readonly authFile: string;

  private constructor(
    ground: RegistryGround,
    registry: DockerRegistry,
    proxy: FaultProxy,
    server: TestServer,
  ) {
    this.ground = ground;
    this.registry = registry;
    this.proxy = proxy;
    this.server = server;
    this.hostsDir = hostsDir(ground);
    this.authFile = authFile(ground);
  }

  static async make(): Promise<PullGround> {
    const ground = await RegistryGround.make();
    const registry = await ground.registry();
    const proxy = await FaultProxy.start({ upstream: registry.url });
    const server = await TestServer.start({
      config: {
        registry: [
          `hosts_dirs = ["${hostsDir(ground)}"]`,
          `auth_files = ["${authFile(ground)}"]`,
          `helper_dirs = ["${ground.directory}"]`,
          'stall_seconds = 2',
        ],
      },
    });
    return new PullGround(ground, registry, proxy, server);
  }

  /** Writes the hosts.toml of a host. */
  async writeHosts(host: string, text: string): Promise<void> {
    const directory = join(this.hostsDir, host);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'hosts.toml'), text);
  }

  /** Pushes an image; returns the reference that pulls it through the proxy. */
  async push(repository: string, tag: string, image: BuiltImage): Promise<string> {
    await pushBuilt(this.registry.url, repository, tag, image);
    return `${this.proxy.host}/${repository}:${tag}`;
  }

  /** Pulls; returns the image reference of the answer. */
  async pull(
    image: string,
    options: { auth?: object; deadlineMs?: number; signal?: AbortSignal } = {},
  ): Promise<string> {
    const { auth, ...call } = options;
    const request = { image: { image }, ...(auth && { auth }) };
    return (await this.server.client.image.pullImage(request, call)).imageRef;
  }

  async status(image: string): Promise<Image | undefined> {
    return (await this.server.client.image.imageStatus({ image: { image } })).image ?? undefined;
  }

  /** Removes all images. */
  async clear(): Promise<void> {
    const { images } = await this.server.client.image.listImages({});
    for (const { id } of images ?? []) {
      await this.server.client.image.removeImage({ image: { image: id ?? '' } });
    }
    this.proxy.plan = () => undefined;
    this.proxy.asked.length = 0;
    this.proxy.sentBytes = 0;
  }

  /** The blobs that were asked for through the proxy, one entry for each GET. */
  get blobsAsked(): string[] {
    return this.proxy.asked.flatMap((line) => /^GET \S+\/blobs\/([^\s?]+)/u.exec(line)?.[1] ?? []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.registry[Symbol.asyncDispose]();
    await this.ground[Symbol.asyncDispose]();
  }
}

/**
 * The hooks of a test file about pulls: one ground for all its tests, without images before each, and
 * nothing left at the end. Where there is no registry to run, the tests are skipped.
 */
export function aroundPulls(hooks: {
  /** Takes the ground, and makes what the file needs besides. */
  readonly made: (ground: PullGround) => unknown;
  readonly beforeEach?: () => unknown;
  /** Ends what `made` has made besides. */
  readonly ended?: () => unknown;
}): void {
  let ground: PullGround | undefined;
  beforeAll(async () => {
    if (await hasDockerRegistry()) {
      ground = await PullGround.make();
      await hooks.made(ground);
    }
  });
  afterAll(async () => {
    if (ground !== undefined) {
      const left = await ground.server.stop();
      await hooks.ended?.();
      await ground[Symbol.asyncDispose]();
      expect(left).toEqual([]);
    }
  });
  beforeEach(async (context) => {
    await needDockerRegistry(context);
    await ground?.clear();
    await hooks.beforeEach?.();
  });
}

function hostsDir(ground: RegistryGround): string {
  return join(ground.directory, 'hosts');
}

function authFile(ground: RegistryGround): string {
  return join(ground.directory, 'auth.json');
}
