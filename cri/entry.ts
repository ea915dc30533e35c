// The program's first module. Threads of `serve` are started from the same file as the program
// itself, so that it ships as one bundle; each loads only what it runs.
import { isMainThread } from 'node:worker_threads';

await (isMainThread ? import('./main.ts') : import('./images/pull/images-thread.ts'));
