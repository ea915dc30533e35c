// YAML as Go's programs read it. Parsing takes some milliseconds for each thousand bytes, and quadratic
// time for a map of very many keys, so that a long text gets a thread of its own, with a deadline.
import { Worker } from 'node:worker_threads';
import { Deadline, settledOrAborted } from '../core/deadline.ts';
import { parseYamlText, type YamlAnswer } from './yaml-text.ts';

/** What a thread may take; the largest files that are read take a quarter of a second. */
const threadDeadlineMs = 10_000;
const heapMegabytes = 256;
/** Of up to so many bytes the start of a thread would take longer. */
const mostBytesInPlace = 16 * 1024;

/**
 * Reads a document; `program` is yaml-thread.ts, or its bundle. What is thrown is not known to be the
 * document's fault: CriError DeadlineExceeded, and Error when the thread does not start, or ends.
 */
export async function parseYaml(
  text: string,
  program: URL,
  deadlineMs: number = threadDeadlineMs,
): Promise<YamlAnswer> {
  if (text.length <= mostBytesInPlace) {
    return parseYamlText(text);
  }
  const worker = new Worker(program, {
    name: 'estiba-yaml',
    workerData: text,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  const { promise, resolve, reject } = Promise.withResolvers<YamlAnswer>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error('the thread that parses it ended')));
  const what = `parse ${text.length} characters of YAML`;
  using deadline = new Deadline(what, deadlineMs);
  try {
    return await settledOrAborted(promise, what, deadline.signal);
  } finally {
    await worker.terminate();
  }
}
