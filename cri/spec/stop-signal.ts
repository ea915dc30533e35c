// Which signal stops a container, as the kernel's number (x86-64 and arm64 agree on all of them).
import { runtime } from '../../proto/gen/cri.js';
import type { ContainerConfig } from './cri-types.ts';
import type { Content } from './input.ts';
import { quote, refused } from './refusal.ts';

const { Signal } = runtime.v1;

const numbers: Readonly<Record<string, number>> = {
  ABRT: 6,
  ALRM: 14,
  BUS: 7,
  CHLD: 17,
  CLD: 17,
  CONT: 18,
  FPE: 8,
  HUP: 1,
  ILL: 4,
  INT: 2,
  IO: 29,
  IOT: 6,
  KILL: 9,
  PIPE: 13,
  POLL: 29,
  PROF: 27,
  PWR: 30,
  QUIT: 3,
  SEGV: 11,
  STKFLT: 16,
  STOP: 19,
  SYS: 31,
  TERM: 15,
  TRAP: 5,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  USR1: 10,
  USR2: 12,
  VTALRM: 26,
  WINCH: 28,
  XCPU: 24,
  XFSZ: 25,
};

// libc keeps 32 and 33 for itself.
const firstRealTime = 34;
const lastRealTime = 64;

// CRI's Signal enum lists the names above in exactly that order from 1, then SIGRTMIN to SIGRTMAX. We
// go by the wire number: the names in the enum have changed once.
const byWireNumber: readonly number[] = Object.values(numbers);

// The enum has no gaps: a value's place is its number.
const wireValues = Object.values(Signal).filter((value) => typeof value === 'number');

/** The stop signal, and a note when the image's cannot be used. Throws InvalidArgument. */
export function stopSignal(
  config: ContainerConfig,
  content: Content,
): { signal: number; notes: readonly string[] } {
  const asked: number = config.stopSignal ?? 0;
  if (asked !== 0) {
    return { signal: fromWire(asked), notes: [] };
  }
  if (content.stopSignal === '') {
    return { signal: 15, notes: [] };
  }
  const signal = parseSignal(content.stopSignal);
  if (signal !== undefined) {
    return { signal, notes: [] };
  }
  const note = `the image's stop signal ${quote(content.stopSignal)} is not a signal: SIGTERM is used`;
  return { signal: 15, notes: [note] };
}

function fromWire(value: number): number {
  const named = byWireNumber[value - 1];
  if (named !== undefined) {
    return named;
  }
  const realTime = value - byWireNumber.length - 1 + firstRealTime;
  if (Number.isInteger(value) && value > 0 && realTime <= lastRealTime) {
    return realTime;
  }
  throw refused('use stop_signal', `"${value}" is not a signal of CRI`);
}

/** CRI's value for a kernel number, its first name where it has two; 0 for what is no signal. */
export function stopSignalToCri(signal: number): runtime.v1.Signal {
  const isRealTime = signal >= firstRealTime && signal <= lastRealTime;
  const value = isRealTime
    ? signal - firstRealTime + byWireNumber.length + 1
    : byWireNumber.indexOf(signal) + 1;
  return wireValues[value] ?? Signal.SIGNAL_RUNTIME_DEFAULT;
}

/** The number of "SIGTERM", "term", "15", "SIGRTMIN+3" or "RTMAX-2"; undefined for other text. */
export function parseSignal(text: string): number | undefined {
  if (/^\d{1,2}$/u.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= lastRealTime ? number : undefined;
  }
  const name = text.toUpperCase().replace(/^SIG/u, '');
  const match = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/u.exec(name);
  if (match === null) {
    return Object.hasOwn(numbers, name) ? numbers[name] : undefined;
  }
  const [, end, sign, offset = '0'] = match;
  if (sign !== undefined && sign !== (end === 'MIN' ? '+' : '-')) {
    return undefined;
  }
  const number = end === 'MIN' ? firstRealTime + Number(offset) : lastRealTime - Number(offset);
  return number >= firstRealTime && number <= lastRealTime ? number : undefined;
}
