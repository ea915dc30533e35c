// The operator's command line. `serve` is passed in by main.ts: only that wires a server.
import { Command } from 'commander';
import { describeError } from '../core/error.ts';
import { renderReference } from '../config/reference.ts';
import { defaultConfigPath } from '../config/config.ts';
import { imagesImport, type ImportOptions } from './images-import.ts';

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
