// Parses the one text that it is started with. The first module of a bundle of its own.
import { parentPort, workerData } from 'node:worker_threads';
import { parseYamlText } from './yaml-text.ts';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
parentPort?.postMessage(parseYamlText(String(workerData)));
