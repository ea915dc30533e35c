// An import that is cut off at any point, whoever dies: nothing half-made is ever listed, and the same
// import works afterwards.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildImage, ociContent, packArchive } from '../../hack/images/build-image.ts';
import { Launcher } from '../../cri/isolator/launcher.ts';
import { importFile } from '../lib/images.ts';
import { eventually } from '../lib/pods.ts';
import { binaries, TestServer } from '../lib/test-server.ts';

let server: TestServer;
let archive: string;
const tag = 'localhost/big:1';

beforeAll(async () => {
  server = await TestServer.start({ network: false });
  const files = (layer: number) =>
    Array.from({ length: 300 }, (_, index) => ({
      name: `layer${layer}-${index}`,
      content: randomBytes(4096),
    }));
  const image = buildImage({ layers: [files(1), files(2), files(3)], tags: [tag] });
  archive = join(server.stateDir, 'big.tar');
  await writeFile(archive, packArchive(ociContent([image])));
});

afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the command line's import; resolves with its exit code (-1: killed). */
function startImport(): { readonly pid: number; readonly ended: Promise<number> } {
  const args = ['images', 'import', '--config', server.configPath, archive];
  const child = spawn(binaries.estiba, args, { stdio: 'ignore' });
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => resolve(code ?? -1));
  });
  return { pid: child.pid ?? 0, ended };
}

async function isListed(): Promise<boolean> {
  return (await server.client.image.imageStatus({ image: { image: tag } })).image !== null;
}

/** Whether it came through or not, it is whole or not there; then it is imported and removed. */
async function check(exitCode: number): Promise<void> {
  if (exitCode === 0) {
    expect(await isListed()).toBe(true);
  }
  await importFile(server, archive);
  expect(await isListed()).toBe(true);
  await server.client.image.removeImage({ image: { image: tag } });
  const { stateDir } = server;
  const layers = join(stateDir, 'layers');
  await eventually(async () => {
    expect(await readdir(layers)).toEqual(['.staging']);
    expect(await readdir(join(layers, '.staging'))).toEqual([]);
    expect(await readdir(join(stateDir, 'ingest'))).toEqual([]);
    expect(await readdir(join(stateDir, 'images', 'blobs'))).toEqual([]);
  }, 10_000);
}

describe('an import', () => {
  it.each([220, 300])('whose client dies after %i ms', async (delayMs) => {
    const { pid, ended } = startImport();
    await pause(delayMs);
    kill(pid, 'SIGKILL');
    await ended;
    await check(-1);
  });

  it.each([220, 300])('whose launcher dies after %i ms', async (delayMs) => {
    const launcher = new Launcher({ socketPath: `${server.runDir}/launcher.sock` });
    const { launcherPid } = await launcher.ping();
    const { ended } = startImport();
    await pause(delayMs);
    kill(launcherPid, 'SIGKILL');
    await check(await ended);
  });

  it.each([220, 300])('whose server dies after %i ms', async (delayMs) => {
    const { ended } = startImport();
    await pause(delayMs);
    await server.stopServing('SIGKILL');
    const exitCode = await ended;
    await server.serve();
    await check(exitCode);
  });

  it('from standard input whose command dies leaves its upload to the next server', async () => {
    const args = ['images', 'import', '--config', server.configPath, '-'];
    const child = spawn(binaries.estiba, args, { stdio: ['pipe', 'ignore', 'ignore'] });
    child.stdin.on('error', () => undefined);
    child.stdin.write(randomBytes(100_000));
    const ingest = join(server.stateDir, 'ingest');
    await eventually(async () => expect(await readdir(ingest)).toHaveLength(1), 5000);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    await server.stopServing();
    await server.serve();
    await eventually(async () => expect(await readdir(ingest)).toEqual([]), 5000);
  });
});
