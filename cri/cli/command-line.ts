// The operator's command line. `serve` is passed in by main.ts: only that wires a server.
import { Command } from 'commander';
import { describeError } from '../core/error.ts';
import { renderReference } from '../config/reference.ts';
import { defaultConfigPath } from '../config/config.ts';
import { imagesExplain, type ExplainOptions } from './images-explain.ts';
import { imagesImport, type ImportOptions } from './images-import.ts';
import { imagesPull, type PullOptions } from './images-pull.ts';

/** What main.ts contributes. */
export interface Commands {
  readonly version: string;
  readonly serve: (configPath: string | undefined) => Promise<void>;
}

const configOption = [
  '-c, --config <file>',
  `configuration file (default: ${defaultConfigPath}, if it exists)`,
] as const;

function appended(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

const credsOption = [
  '--creds <user:password>',
  'credentials; other users of this machine may see them',
] as const;
const credsStdinOption = ['--creds-stdin', 'read user:password from standard input'] as const;

function addPullCommands(images: Command): void {
  images
    .command('pull')
    .description('pull an image from its registry, as hosts.toml files and credentials say')
    .argument('<reference>', 'such as busybox, quay.io/a/b:1 or localhost:5000/c@sha256:…')
    .option(...configOption)
    .option(...credsOption)
    .option(...credsStdinOption)
    .option('-q, --quiet', 'no progress')
    .action((image: string, options: PullOptions) => imagesPull(image, options));
  images
    .command('explain')
    .description('say which hosts a pull would ask, how, and why')
    .argument('<reference>', 'as for pull')
    .option(...configOption)
    .option(...credsOption)
    .option(...credsStdinOption)
    .option('--probe', 'also ask every host')
    .action((image: string, options: ExplainOptions) => imagesExplain(image, options));
}

/** Parses `argv` and runs the command; returns the process's exit code. */
export async function runCommandLine(argv: readonly string[], commands: Commands): Promise<number> {
  const program = new Command('estiba')
    .description('Container runtime for Kubernetes')
    .version(commands.version)
    .showHelpAfterError();
  program
    .command('serve')
    .description('serve CRI on the unix socket until SIGTERM')
    .option(...configOption)
    .action((options: { config?: string }) => commands.serve(options.config));
  const images = program.command('images').description('work with stored images');
  addPullCommands(images);
  images
    .command('import')
    .description('import an OCI or docker archive or an OCI layout; "-" reads standard input')
    .argument('<file>', 'path of the archive or layout, or "-"')
    .option(...configOption)
    // One name each: a list would swallow the file.
    .option('-t, --tag <name>', 'a further name for the image; may be repeated', appended)
    .option('--base-name <repository>', 'repository for archives that name images by tag alone')
    .option('-q, --quiet', 'no progress on a terminal')
    .action((file: string, options: ImportOptions) => imagesImport(file, options));
  program
    .command('config')
    .description('print the configuration reference')
    .action(() => {
      process.stdout.write(renderReference());
    });
  try {
    await program.parseAsync([...argv]);
    return 0;
  } catch (error) {
    process.stderr.write(`error: ${describeError(error)}\n`);
    return 1;
  }
}
