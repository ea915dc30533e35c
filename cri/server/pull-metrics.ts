// What the server counts about pulls, for Prometheus.
import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { PullFailure, PullObserver } from '../images/pull/image-puller.ts';

/** Registers and updates the metrics of pulls. One per process. */
export class PullMetrics implements PullObserver {
  readonly #inProgress: Gauge;
  readonly #duration: Histogram<'result'>;
  readonly #failures: Counter<'reason'>;
  readonly #bytes: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#inProgress = new Gauge({
      name: 'estiba_image_pulls_in_progress',
      help: 'Images being pulled; identical pulls count once.',
      registers,
    });
    this.#duration = new Histogram({
      name: 'estiba_image_pull_duration_seconds',
      help: 'Time from the begin of a pull to its end, by result (success, failure).',
      labelNames: ['result'],
      buckets: [0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
      registers,
    });
    this.#failures = new Counter({
      name: 'estiba_image_pull_failures_total',
      help: 'Pulls that failed, by reason: RegistryUnavailable, or the error code.',
      labelNames: ['reason'],
      registers,
    });
    this.#bytes = new Counter({
      name: 'estiba_image_pull_bytes_total',
      help: 'Bytes of layers that came over the network.',
      registers,
    });
  }

  begin(): (failure: PullFailure | undefined) => void {
    this.#inProgress.inc();
    const stop = this.#duration.startTimer();
    return (failure) => {
      this.#inProgress.dec();
      stop({ result: failure === undefined ? 'success' : 'failure' });
      if (failure !== undefined) {
        this.#failures.inc({ reason: failure });
      }
    };
  }

  fetched(bytes: number): void {
    this.#bytes.inc(bytes);
  }
}
