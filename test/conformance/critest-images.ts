// The images that critest pulls, made here: the names are upstream's, the contents are what its specs
// look at (see the comment of each). Everything stands on one busybox layer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildImage,
  goArchitecture,
  type BuiltImage,
  type ProcessConfig,
} from '../../hack/images/build-image.ts';
import { busyboxLayer } from '../../hack/images/busybox-layer.ts';
import type { TarInput } from '../../hack/images/tar-writer.ts';
import { pushBuilt } from '../lib/pulls.ts';
import { pushIndex } from '../registry/push.ts';

/** The hosts that critest pulls from; the tests' registry stands for all of them. */
export const mirroredHosts = ['registry.k8s.io', 'k8s.gcr.io', 'gcr.io'] as const;

const e2e = 'e2e-test-images';
const staging = 'k8s-staging-cri-tools';
const environment = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];

/** Makes and pushes all images; `tools` is the directory that `hack/critest --build` prints. */
export class CritestImages {
  readonly #url: string;
  readonly #tools: string;
  readonly #base: readonly TarInput[];

  constructor(registryUrl: string, tools: string) {
    this.#url = registryUrl;
    this.#tools = tools;
    this.#base = busyboxLayer(join(tools, 'busybox'));
  }

  /**
   * Pushes them. Returns the digest of test-image-digest, which critest names by the digest of an
   * image of upstream's: nobody else can make one of that digest.
   */
  async push(): Promise<string> {
    await this.#push(`${e2e}/busybox`, '1.29-2', this.#image('busybox'));
    await this.#pushWebServers();
    await this.#push(`${e2e}/nonewprivs`, '1.3', this.#nonewprivs());
    await this.#push('pause', '3.9', this.#pause());
    await this.#pushUsers();
    for (const repository of ['test-image-1', 'test-image-2', 'test-image-3']) {
      await this.#push(`${staging}/${repository}`, 'latest', this.#image(repository));
    }
    await this.#push(`${staging}/test-image-latest`, 'latest', this.#image('latest'));
    await this.#push(`${staging}/test-image-tag`, 'test', this.#image('tag:test'));
    await this.#push(`${staging}/test-image-tag`, 'all', this.#image('tag:all'));
    const tags = this.#image('tags');
    for (const tag of ['1', '2', '3']) {
      await this.#push(`${staging}/test-image-tags`, tag, tags);
    }
    return await this.#pushDigest();
  }

  #push(repository: string, tag: string | undefined, image: BuiltImage): Promise<void> {
    return pushBuilt(this.#url, repository, tag, image);
  }

  /** Busybox with `label`, so that no two have the same id. */
  #image(
    label: string,
    config: ProcessConfig = {},
    layers: readonly (readonly TarInput[])[] = [],
    architecture = goArchitecture(),
  ): BuiltImage {
    return buildImage({
      layers: [this.#base, ...layers],
      platform: { os: 'linux', architecture },
      config: { Env: environment, Cmd: ['sh'], Labels: { image: label }, ...config },
    });
  }

  #program(name: string): Buffer {
    return readFileSync(join(this.#tools, name));
  }

  /**
   * nginx: 200 on its port, pid in /var/run/nginx.pid, "master process" in its command line, found by
   * `pidof nginx`. httpd: 200 on port 80 and its name in the log.
   */
  async #pushWebServers(): Promise<void> {
    const nginx: TarInput[] = [
      { name: 'var/run/', type: 'directory' },
      { name: 'usr/sbin/nginx', mode: 0o755, content: this.#program('web') },
    ];
    const serve = (port: string): ProcessConfig => ({
      Cmd: ['/usr/sbin/nginx', port, '/var/run/nginx.pid', 'nginx: master process'],
    });
    await this.#push(`${e2e}/nginx`, '1.14-2', this.#image('nginx', serve('80'), [nginx]));
    // The one for the host's network; its name ends with the architecture.
    const hostNetwork = `${staging}/hostnet-nginx-${goArchitecture()}`;
    await this.#push(hostNetwork, 'latest', this.#image('hostnet', serve('12003'), [nginx]));
    const script = '#!/bin/sh\necho httpd\nexec httpd -f -p 80 -h /var/www\n';
    const httpd: TarInput[] = [
      { name: 'usr/local/', type: 'directory' },
      { name: 'usr/local/bin/', type: 'directory' },
      { name: 'usr/local/bin/httpd-foreground', mode: 0o755, content: script },
      { name: 'var/www/index.html', content: 'ok\n' },
    ];
    const config = { Cmd: ['httpd-foreground'] };
    await this.#push(`${e2e}/httpd`, '2.4.39-4', this.#image('httpd', config, [httpd]));
  }

  /** Its program is set-uid root and prints its effective user id. */
  #nonewprivs(): BuiltImage {
    const content = this.#program('effective-uid');
    const program = { name: 'bin/effective-uid', mode: 0o4755, content };
    return this.#image('nonewprivs', { Entrypoint: ['/bin/effective-uid'], Cmd: [] }, [[program]]);
  }

  #pause(): BuiltImage {
    const program = { name: 'pause', mode: 0o755, content: this.#program('pause') };
    return buildImage({ layers: [[program]], config: { Entrypoint: ['/pause'] } });
  }

  async #pushUsers(): Promise<void> {
    const users = {
      'user-uid': '1002',
      'user-username': 'www-data',
      'user-uid-group': '1003:1004',
      'user-username-group': 'www-data:1004',
    };
    for (const [name, user] of Object.entries(users)) {
      const image = this.#image(name, { User: user });
      await this.#push(`${staging}/test-image-${name}`, 'latest', image);
    }
    // User 1000, whom /etc/group alone puts into group 50000.
    const group = 'root:x:0:\ndefault-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n';
    const files = [
      {
        name: 'etc/passwd',
        content: 'root:x:0:0:root:/root:/bin/sh\ndefault-user:x:1000:1000::/:/bin/sh\n',
      },
      { name: 'etc/group', content: group },
    ];
    const image = this.#image('predefined-group', { User: '1000' }, [files]);
    await this.#push(`${staging}/test-image-predefined-group`, 'latest', image);
  }

  /** An index for two architectures, without a tag. */
  async #pushDigest(): Promise<string> {
    const repository = `${staging}/test-image-digest`;
    const entries = [];
    const other = goArchitecture() === 'amd64' ? 'arm64' : 'amd64';
    for (const architecture of [other, goArchitecture()]) {
      const image = this.#image('digest', {}, [], architecture);
      await this.#push(repository, undefined, image);
      const { mediaType } = JSON.parse(image.manifest.toString('utf8')) as { mediaType: string };
      const { manifestDigest: digest, manifest } = image;
      entries.push({ mediaType, digest, size: manifest.length, architecture });
    }
    return (await pushIndex(this.#url, repository, undefined, entries)).digest;
  }
}
