// Parses the one text that it is started with. The first module of a bundle of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '../core/error.ts';
import type { YamlAnswer } from './yaml.ts';
import { parseYamlText } from './yaml-text.ts';

function answer(): YamlAnswer {
  try {
    return { value: parseYamlText(String(workerData)) };
  } catch (error) {
    return { problem: describeError(error) };
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
parentPort?.postMessage(answer());
