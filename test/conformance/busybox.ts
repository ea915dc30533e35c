// The image of the example pods, made on the spot by hack/images/make and imported as a user would.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaries } from '../lib/test-server.ts';
import { runProgram } from './crictl.ts';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The name that manifests/example-pod and manifests/example-host-network use. */
export const imageName = 'localhost/estiba/busybox:latest';

/** Makes the busybox image in `scratch` and imports it into the server of `configPath`. */
export async function importBusybox(configPath: string, scratch: string): Promise<void> {
  const archive = join(scratch, 'busybox.tar');
  await mustRun(join(repository, 'hack', 'images', 'make'), [
    '--output',
    archive,
    '--tag',
    imageName,
  ]);
  await mustRun(binaries.estiba, ['images', 'import', '--config', configPath, archive]);
}

async function mustRun(file: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runProgram(file, args);
  if (code !== 0) {
    throw new Error(`${file} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  }
}
