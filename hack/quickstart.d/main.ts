// The quickstart, after hack/quickstart has installed and built what it needs: a server of its own,
// an image made on the spot, a pod of two containers, what the kernel and the server say of it, and
// the proof that nothing is left.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectCri, type CriClient } from '../../test/lib/cri-client.ts';
import { outputOf } from './command.ts';
import { remains } from './gone.ts';
import { binaries, groundOf, imageName, layGround, repository, type Choices } from './ground.ts';
import { readLimits } from './limits.ts';
import { logTail, readPodConfig, startContainer, startSandbox, waitForLog } from './pod.ts';
import { elapsed, show, Steps, title } from './progress.ts';
import { isThere, serveLogTail, startServer, takeDown } from './server.ts';
import type { Ground } from './ground.ts';
import type { RunningContainer } from './pod.ts';

const defaultName = 'quickstart';

interface ExamplePod {
  readonly id: string;
  readonly ip: string;
  readonly containers: readonly RunningContainer[];
}

async function up(ground: Ground, steps: Steps): Promise<void> {
  title('Starting');
  const choices = await layGround(ground);
  const client = connectCri(ground.socketPath);
  try {
    await steps.run(`estiba serve on ${ground.socketPath}`, () => startServer(ground, client));
    await steps.run(`image ${imageName}, made from this machine's busybox and imported`, () =>
      importImage(ground),
    );
    const pod = await runExamplePod(ground, client, steps);
    await report(ground, choices, pod);
  } finally {
    client.close();
  }
}

async function importImage(ground: Ground): Promise<void> {
  const archive = join(ground.stateDir, 'busybox.tar');
  const names = ['--tag', imageName];
  await outputOf(join(repository, 'hack', 'images', 'make'), ['--output', archive, ...names]);
  await outputOf(binaries.estiba, ['images', 'import', '--config', ground.configPath, archive]);
  await rm(archive);
}

async function runExamplePod(ground: Ground, client: CriClient, steps: Steps): Promise<ExamplePod> {
  const config = await readPodConfig(ground.logDirectory);
  const sandbox = await steps.run('pod sandbox: namespaces, bridge, address', () =>
    startSandbox(client, config),
  );
  const ofPod = { id: sandbox.id, config };
  const web = await steps.run('container "web": serves HTTP on port 8080', () =>
    startContainer(client, ofPod, 'web'),
  );
  await steps.run('"web" listens', (interruption) => waitForLog(web, 'serving', interruption));
  const fetcher = await steps.run('container "client": fetches http://127.0.0.1:8080/', () =>
    startContainer(client, ofPod, 'client'),
  );
  await steps.run('"client" has the page', (interruption) =>
    waitForLog(fetcher, 'hello from', interruption),
  );
  return { ...sandbox, containers: [web, fetcher] };
}

async function report(ground: Ground, choices: Choices, pod: ExamplePod): Promise<void> {
  title(`Pod ${pod.id.slice(0, 13)} has the address ${pod.ip} (of ${choices.subnet})`);
  show(`the page, fetched by the host: ${(await page(`http://${pod.ip}:8080/`)).trim()}`);
  for (const container of pod.containers) {
    title(`Container "${container.name}": its log, and its limits in the kernel`);
    show(...(await logTail(container, 3)));
    show(...(await readLimits(join(ground.cgroupBase, container.id))));
  }
  const metricsUrl = `http://${choices.metricsAddress}/metrics`;
  title(`Some lines of ${metricsUrl}`);
  const metrics = (await page(metricsUrl)).split('\n');
  const wanted =
    /^estiba_(build_info|sandboxes|containers|operation_duration_seconds_(sum|count))/u;
  const calls = /RunPodSandbox|CreateContainer|StartContainer|^[^{]*( |\{version)/u;
  show(...metrics.filter((line) => wanted.test(line) && calls.test(line)));
}

async function page(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) {
    throw new Error(`cannot fetch ${url}: status ${answer.status}`);
  }
  return answer.text();
}

/** Takes a quickstart down and proves it gone; nothing is printed when there was none. */
async function down(ground: Ground, steps: Steps): Promise<boolean> {
  if (!(await isThere(ground))) {
    return false;
  }
  title('Taking it down');
  const inventory = await steps.run('pods, server, launcher, bridge, directories', () =>
    takeDown(ground),
  );
  await steps.run(
    'no process, mount, namespace, cgroup, interface, rule or file is left',
    async () => {
      const left = await remains(ground, inventory);
      if (left.length > 0) {
        throw new Error(`cannot take everything down: left are\n  ${left.join('\n  ')}`);
      }
    },
  );
  return true;
}

function showNextSteps(ground: Ground, keep: boolean): void {
  const sudo = process.env['SUDO_USER'] === undefined ? '' : 'sudo ';
  const named = ground.name === defaultName ? '' : ` --name ${ground.name}`;
  const again = (option: string): string => `${sudo}./hack/quickstart ${option}${named}`;
  title(keep ? 'It keeps running. Look further with crictl:' : 'To look further, keep it running:');
  if (!keep) {
    show(again('--keep'));
  }
  show(
    `crictl="${sudo}$(./hack/crictl) --config ${ground.crictlConfig}"   # needs Go >= 1.26.2; any other crictl will do`,
    '$crictl pods; $crictl ps -a; $crictl images',
    '$crictl logs $($crictl ps -q --name web)',
    '$crictl inspect $($crictl ps -q --name web)',
    '$crictl exec -s $($crictl ps -q --name client) ps',
  );
  if (keep) {
    show(`the server's log: ${ground.serveLog}`, `end it: ${again('--down')}`);
  }
}

async function explainFailure(ground: Ground, error: unknown): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  process.stdout.write(`\nerror: ${message}\n`);
  const lines = await serveLogTail(ground, 20);
  if (lines.some((line) => line !== '')) {
    title(`The last lines of the server's log (${ground.serveLog})`);
    show(...lines);
  }
  for (const name of ['web', 'client']) {
    const log = await readFile(join(ground.logDirectory, name, '0.log'), 'utf8').catch(() => '');
    if (log !== '') {
      title(`The last lines of container "${name}"`);
      show(...log.trimEnd().split('\n').slice(-5));
    }
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { keep: { type: 'boolean', default: false }, name: { type: 'string' } },
  });
  const ground = groundOf(values.name ?? defaultName);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interruption.abort(new Error(`interrupted by ${signal}`)));
  }
  // A reader that goes away ("| head") must not keep the pod from being taken down.
  process.stdout.on('error', () => undefined);
  // Taking down is not interrupted: what it leaves, nobody would take.
  const undo = new Steps(new AbortController().signal);
  try {
    const wasThere = await down(ground, undo);
    if (positionals[0] === 'down') {
      show(wasThere ? `done (${elapsed()})` : 'nothing to take down: no quickstart is running');
      return;
    }
    await up(ground, new Steps(interruption.signal));
    showNextSteps(ground, values.keep);
    if (!values.keep) {
      await down(ground, undo);
    }
    title(`done (${elapsed()})`);
  } catch (error) {
    process.exitCode = 1;
    await explainFailure(ground, error);
    await down(ground, undo).catch((failure: unknown) => explainFailure(ground, failure));
  }
}

await main();
