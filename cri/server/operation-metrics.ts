// What the server counts about its own calls, for Prometheus. Names follow the field's habit: base
// units, `_total` for counters. Node's default metrics are left out on purpose: some of them fail
// `promtool check metrics`; the process figures here are the ones an operator needs.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Registers and updates the server's metrics. One per process. */
export class OperationMetrics {
  readonly registry: Registry = new Registry();
  readonly #duration: Histogram<'operation'>;
  readonly #errors: Counter<'operation' | 'code'>;
  readonly #inFlight: Gauge<'operation'>;

  constructor(build: { readonly version: string }) {
    const registers = [this.registry];
    this.#duration = new Histogram({
      name: 'estiba_operation_duration_seconds',
      help: 'Time from the arrival of a gRPC call to its answer, by call name.',
      labelNames: ['operation'],
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    });
    this.#errors = new Counter({
      name: 'estiba_operation_errors_total',
      help: 'gRPC calls answered with an error, by call name and error code.',
      labelNames: ['operation', 'code'],
      registers,
    });
    this.#inFlight = new Gauge({
      name: 'estiba_operations_in_flight',
      help: 'gRPC calls that have not been answered yet, by call name.',
      labelNames: ['operation'],
      registers,
    });
    new Gauge({
      name: 'estiba_build_info',
      help: 'Always 1; the label tells the version.',
      labelNames: ['version'],
      registers,
    }).set({ version: build.version }, 1);
    registerProcessMetrics(registers);
  }

  /** Counts the call as begun; the returned function counts its end (an error code, or none). */
  begin(operation: string): (errorCode?: string) => void {
    const stop = this.#duration.startTimer({ operation });
    this.#inFlight.inc({ operation });
    return (errorCode) => {
      stop();
      this.#inFlight.dec({ operation });
      if (errorCode !== undefined) {
        this.#errors.inc({ operation, code: errorCode });
      }
    };
  }

  /** Adds a gauge that is read when Prometheus asks. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Adds a counter that is read when Prometheus asks. */
  counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  /** Adds the counter of processes killed for lack of memory, read when Prometheus asks. */
  oomKills(read: () => Iterable<[level: string, kills: number]>): void {
    new Counter({
      name: 'estiba_container_oom_kills_total',
      help: 'Processes of containers killed for lack of memory, by the level of the limit reached.',
      labelNames: ['level'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [level, kills] of read()) {
          this.inc({ level }, kills);
        }
      },
    });
  }
}

const samplingMs = 10;

function registerProcessMetrics(registers: Registry[]): void {
  const delay = monitorEventLoopDelay({ resolution: samplingMs });
  delay.enable();
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the server process in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time of the server process in seconds.',
    registers,
    collect() {
      const usage = process.cpuUsage();
      cpu.reset();
      cpu.inc((usage.user + usage.system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start of the server process in seconds since the epoch.',
    registers,
  }).set(Date.now() / 1000 - process.uptime());
  new Gauge({
    name: 'estiba_event_loop_delay_p99_seconds',
    help: 'p99 of the main thread event loop delay since the last scrape.',
    registers,
    collect() {
      // What is measured is the time between two samples, of which only the excess is delay.
      this.set(Math.max(0, delay.percentile(99) / 1e9 - samplingMs / 1000));
      delay.reset();
    },
  });
}
