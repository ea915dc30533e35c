// Command line of hack/images/make.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildArchive } from './build-image.ts';
import type { ArchiveFormat, ImageInput, LayerCompression } from './build-image.ts';
import { busyboxLayer, findBusybox } from './busybox-layer.ts';
import { applyVariant, variants } from './variants.ts';

const variantLines = Object.entries(variants).map(
  ([name, { summary }]) => `                      ${name.padEnd(15)} ${summary}`,
);

const help = `Usage: hack/images/make --output FILE [options]

Makes an image archive from this machine's busybox, without network; the same busybox gives the
same digest. Prints the image id.

  --output FILE       where to write the archive
  --tag REFERENCE     name of the image (repeatable); default localhost/estiba/busybox:latest
  --format FORMAT     oci (default) or docker
  --compression KIND  gzip (default), zstd or none; docker archives are not compressed
  --variant NAME      what to add (repeatable):
${variantLines.join('\n')}
  --user USER         USER of the image
  --cmd ARGUMENT      an argument of the default command (repeatable); default sh
  --busybox PATH      program to take; default /bin/busybox
  --from-deb FILE     take it out of this Debian package instead ("apt-get download busybox")
  --help              this text

A dynamically linked busybox (Debian package busybox) is best: the static one (busybox-static) runs
its applets without executing them, which tests about masked paths notice.
`;

function choose<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) {
    throw new Error(`cannot use --${option} "${value}": it is one of ${allowed.join(', ')}`);
  }
  return found;
}

function withBusybox<T>(options: { busybox?: string; deb?: string }, use: (path: string) => T): T {
  if (options.deb === undefined) {
    return use(options.busybox ?? findBusybox());
  }
  const directory = mkdtempSync(join(tmpdir(), 'estiba-busybox-'));
  try {
    execFileSync('dpkg-deb', ['-x', options.deb, directory]);
    return use(join(directory, 'bin/busybox'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      output: { type: 'string' },
      tag: { type: 'string', multiple: true, default: ['localhost/estiba/busybox:latest'] },
      format: { type: 'string', default: 'oci' },
      compression: { type: 'string', default: 'gzip' },
      variant: { type: 'string', multiple: true, default: [] },
      user: { type: 'string' },
      cmd: { type: 'string', multiple: true, default: ['sh'] },
      busybox: { type: 'string' },
      'from-deb': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  if (values.output === undefined) {
    throw new Error('cannot make an image: --output FILE is missing; see --help');
  }
  const format = choose<ArchiveFormat>('format', values.format, ['oci', 'docker']);
  const compressions = ['gzip', 'zstd', 'none'] as const;
  const compression = choose<LayerCompression>('compression', values.compression, compressions);
  const source = {
    ...(values.busybox === undefined ? {} : { busybox: values.busybox }),
    ...(values['from-deb'] === undefined ? {} : { deb: values['from-deb'] }),
  };
  const layer = withBusybox(source, busyboxLayer);
  let input: ImageInput = {
    layers: [layer],
    compression,
    tags: values.tag,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Cmd: values.cmd,
      WorkingDir: '/',
      ...(values.user === undefined ? {} : { User: values.user }),
    },
  };
  for (const name of values.variant) {
    input = applyVariant(name, input);
  }
  const { archive, images } = buildArchive([input], format);
  writeFileSync(values.output, archive);
  process.stdout.write(`${images[0]?.id ?? ''}\n`);
}

try {
  main();
} catch (error) {
  process.stderr.write(
    `hack/images/make: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
