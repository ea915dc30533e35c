import { constants } from 'node:os';

import { describe, expect, it } from 'vitest';

import { runtime } from '../../proto/gen/cri.js';
import { refusalOf, sampleContent } from './sample-input.ts';
import { parseSignal, stopSignal, stopSignalToCri } from './stop-signal.ts';

const { Signal, ContainerConfig } = runtime.v1;

// Field 18, wire type varint: what a kubelet sends.
function requestWith(value: number) {
  return ContainerConfig.decode(Uint8Array.of(0x90, 0x01, value));
}

describe('stopSignal', () => {
  const plain = sampleContent();

  it('knows every value of CRI’s enum by its number', () => {
    const names = Object.entries(Signal).filter(([name]) => name.startsWith('SIGNAL_SIG'));
    expect(names).toHaveLength(65);
    for (const [name, value] of names) {
      const text = name.replace('SIGNAL_', '').replace('PLUS', '+').replace('MINUS', '-');
      const { signal } = stopSignal(requestWith(Number(value)), plain);
      expect([text, signal]).toEqual([text, parseSignal(text)]);
    }
  });

  it('tells the value of the enum for every number, one name for each', () => {
    for (let number = 1; number <= 64; number += 1) {
      const value = stopSignalToCri(number);
      const isSignal = number !== 32 && number !== 33;
      expect([number, value !== Signal.SIGNAL_RUNTIME_DEFAULT]).toEqual([number, isSignal]);
      if (isSignal) {
        expect(stopSignal(requestWith(value), plain).signal).toBe(number);
      }
    }
    expect(Signal[stopSignalToCri(17)]).toBe('SIGNAL_SIGCHLD');
  });

  it('gives the numbers this kernel uses', () => {
    const known = Object.entries(constants.signals).filter(([name]) => name !== 'SIGUNUSED');
    for (const [name, number] of known) {
      expect([name, parseSignal(name)]).toEqual([name, number]);
    }
  });

  it('prefers the request to the image and the image to SIGTERM', () => {
    const image = sampleContent({ StopSignal: 'SIGQUIT' });
    expect(stopSignal(requestWith(10), image).signal).toBe(2);
    expect(stopSignal({}, image).signal).toBe(3);
    expect(stopSignal({}, plain)).toEqual({ signal: 15, notes: [] });
  });

  it('falls back to SIGTERM with a note for an image that names no signal', () => {
    expect(stopSignal({}, sampleContent({ StopSignal: 'SIGNOPE' }))).toEqual({
      signal: 15,
      notes: [`the image's stop signal "SIGNOPE" is not a signal: SIGTERM is used`],
    });
  });

  it('refuses a value beyond the enum', () => {
    expect(refusalOf(() => stopSignal(requestWith(66), plain)).message).toBe(
      'cannot use stop_signal: "66" is not a signal of CRI',
    );
  });
});

describe('parseSignal', () => {
  it.each([
    ['SIGTERM', 15],
    ['term', 15],
    ['9', 9],
    ['SIGRTMIN+3', 37],
    ['RTMAX-2', 62],
    ['SIGRTMAX', 64],
    ['RTMIN', 34],
    ['64', 64],
  ])('reads %j as %d', (text, number) => {
    expect(parseSignal(text)).toBe(number);
  });

  it.each(['', '0', '65', '-9', 'SIG', 'RTMIN-1', 'RTMAX+1', 'RTMIN+31', 'toString', 'KILL '])(
    'does not read %j',
    (text) => {
      expect(parseSignal(text)).toBeUndefined();
    },
  );
});
