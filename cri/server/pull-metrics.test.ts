import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { PullMetrics } from './pull-metrics.ts';

test('pulls under way, their ends, failures by reason and bytes are counted', async () => {
  const registry = new Registry();
  const metrics = new PullMetrics(registry);
  const first = metrics.begin();
  const second = metrics.begin();
  metrics.begin();
  metrics.fetched(100);
  metrics.fetched(11);
  first(undefined);
  second('RegistryUnavailable');
  const text = await registry.metrics();
  for (const line of [
    'estiba_image_pulls_in_progress 1',
    'estiba_image_pull_duration_seconds_count{result="success"} 1',
    'estiba_image_pull_duration_seconds_count{result="failure"} 1',
    'estiba_image_pull_failures_total{reason="RegistryUnavailable"} 1',
    'estiba_image_pull_bytes_total 111',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});
