// An OCI runtime program that never ends: what waits for it says so, and nothing of it stays.
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importBusybox } from '../lib/images.ts';
import { containerConfig, createContainer, eventually, podConfig } from '../lib/pods.ts';
import { pidsNamed } from '../lib/processes.ts';
import { TestServer } from '../lib/test-server.ts';

let directory: string;
let server: TestServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'estiba-runtime-'));
  const program = join(directory, 'hung-runtime');
  await writeFile(program, '#!/bin/sh\nexec sleep 1000\n');
  await chmod(program, 0o755);
  server = await TestServer.start({
    config: { timeouts: ['create_seconds = 1'], 'runtimes.hung': [`path = "${program}"`] },
  });
  await importBusybox(server);
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
  await rm(directory, { recursive: true });
});

describe('an OCI runtime that hangs', () => {
  it('is ended when the time for a create is over, with all that was made for it', async () => {
    const config = podConfig();
    const { podSandboxId } = await server.client.runtime.runPodSandbox({
      config,
      runtimeHandler: 'hung',
    });
    const asked = createContainer(server, podSandboxId, config, containerConfig('true'));
    await expect(asked).rejects.toThrow(
      /its time is over while process \d+ \(estiba-shim\) hangs/u,
    );
    await eventually(async () => {
      // The one that is asked for its features ends at a deadline of its own.
      expect(await pidsNamed('estiba-shim')).toEqual([]);
      const left = await readdir(join(server.runDir, 'pods', podSandboxId, 'containers'));
      expect(left).toEqual([]);
    });
    const { containers } = await server.client.runtime.listContainers({});
    expect(containers ?? []).toEqual([]);
    await server.client.runtime.stopPodSandbox({ podSandboxId });
    await server.client.runtime.removePodSandbox({ podSandboxId });
    await eventually(async () => expect(await pidsNamed('sleep')).toEqual([]));
  });
});
