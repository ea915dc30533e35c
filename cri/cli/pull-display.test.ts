import { describe, expect, test } from 'vitest';
import { estiba } from '../../proto/gen/node.js';
import { toLong } from '../../proto/long.ts';
import {
  formatBytes,
  formatSeconds,
  plainLines,
  Rate,
  shownPull,
  sumsOf,
  terminalLines,
} from './pull-display.ts';
import type { ShownLayer, ShownPull } from './pull-display.ts';

const screen = { columns: 100, rows: 24 };

function layer(name: string, change: Partial<ShownLayer> = {}): ShownLayer {
  const nothing = { receivedBytes: 0, fetchedBytes: 0, unpackedBytes: 0 };
  return { name, size: 1_000_000, word: 'waiting', ...nothing, ...change };
}

function pull(...layers: ShownLayer[]): ShownPull {
  return { reference: 'a.example/b:1', digest: 'sha256:d', host: 'a.example', layers };
}

test('the server’s message becomes what is shown', () => {
  const state = estiba.node.v1.PulledLayerState.PULLED_LAYER_STATE_PULLING;
  const digest = `sha256:${'ab'.repeat(32)}`;
  const progress = new estiba.node.v1.PullProgress({
    reference: 'r',
    digest: 'd',
    host: 'h',
    layers: [
      { digest, size: toLong(10), state, receivedBytes: toLong(4), fetchedBytes: toLong(3) },
      { digest, size: toLong(10), state, receivedBytes: toLong(10), unpackedBytes: toLong(2) },
    ],
  });
  expect(shownPull(progress)).toEqual({
    reference: 'r',
    digest: 'd',
    host: 'h',
    layers: [
      {
        name: 'abababababab',
        size: 10,
        receivedBytes: 4,
        fetchedBytes: 3,
        unpackedBytes: 0,
        word: 'pulling',
      },
      {
        name: 'abababababab',
        size: 10,
        receivedBytes: 10,
        fetchedBytes: 0,
        unpackedBytes: 2,
        word: 'unpacking',
      },
    ],
  });
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [12_345_678, '12.3 MB'],
  [123_456_789, '123 MB'],
  [999_999_999, '1.0 GB'],
])('%d bytes are "%s"', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0.2, '1 s'],
  [59, '59 s'],
  [125, '2 min 5 s'],
  [4800, '1 h 20 min'],
  [Number.POSITIVE_INFINITY, ''],
  [Number.NaN, ''],
])('%d seconds are "%s"', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test('the rate is that of the last three seconds', () => {
  const rate = new Rate();
  expect(rate.bytesPerSecond).toBe(0);
  rate.add(0, 0);
  rate.add(1000, 1000);
  expect(rate.bytesPerSecond).toBe(1000);
  for (const second of [2, 3, 4, 5, 6]) {
    rate.add(1000 + 5000 * (second - 1), second * 1000);
  }
  expect(rate.bytesPerSecond).toBe(5000);
});

describe('on a terminal', () => {
  test('each layer has its line, and the last one is the sum with rate and time left', () => {
    const rate = new Rate();
    rate.add(0, 0);
    rate.add(250_000, 1000);
    const at = { receivedBytes: 500_000, fetchedBytes: 250_000, unpackedBytes: 400_000 };
    const lines = terminalLines(
      pull(
        layer('aaa', { word: 'present' }),
        layer('bbb', { word: 'done' }),
        layer('ccc', { word: 'pulling', ...at }),
        layer('ddd', { word: 'unpacking', ...at, receivedBytes: 1_000_000 }),
        layer('eee'),
      ),
      rate,
      screen,
    );
    expect(lines).toEqual([
      'a.example/b:1  sha256:d at a.example',
      '  aaa    1.0 MB  present',
      '  bbb    1.0 MB  done       [========================] 100 %',
      '  ccc    1.0 MB  pulling    [============            ]  50 %',
      '  ddd    1.0 MB  unpacking  [========================]  40 %',
      '  eee    1.0 MB  waiting',
      '  2.5 MB of 4.0 MB, 250 kB/s, 6 s left',
    ]);
  });

  test('lines fit the screen, and layers at work are seen first', () => {
    const layers = Array.from({ length: 40 }, (_, index) =>
      layer(`layer${index}`, index === 37 ? { word: 'pulling' } : { word: 'done' }),
    );
    const lines = terminalLines(pull(...layers), new Rate(), { columns: 30, rows: 10 });
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(30);
    expect(lines.join('\n')).toContain('layer37');
    expect(lines.join('\n')).toContain('… and 34 more layers');
  });
});

describe('without a terminal', () => {
  test('a line is written when something changes, and only then', () => {
    const before = pull(layer('aaa'), layer('bbb'));
    expect(plainLines(undefined, before)).toEqual(['a.example/b:1: sha256:d at a.example']);
    const next = pull(layer('aaa', { word: 'pulling' }), layer('bbb'));
    expect(plainLines(before, next)).toEqual(['aaa: pulling, 1.0 MB']);
    const further = pull(layer('aaa', { word: 'pulling', receivedBytes: 9 }), layer('bbb'));
    expect(plainLines(next, further)).toEqual([]);
  });
});

test('what was there already does not count', () => {
  const there = layer('a', { word: 'present' });
  const done = layer('b', { word: 'done', fetchedBytes: 7 });
  expect(sumsOf(pull(there, done))).toEqual({ size: 1_000_000, received: 1_000_000, fetched: 7 });
});
