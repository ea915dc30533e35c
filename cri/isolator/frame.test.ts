import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameHeader, FrameReader, maxFrameBytes } from './frame.ts';

function frame(message: Buffer): Buffer {
  return Buffer.concat([frameHeader('send', message.length), message]);
}

function read(reader: FrameReader, chunks: readonly Buffer[]): Buffer[] {
  const messages: Buffer[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, (message) => messages.push(message));
  }
  return messages;
}

test('messages come out as they went in, however the stream is cut', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(fc.array(bytes), fc.array(fc.nat(400)), (messages, cuts) => {
      let rest: Buffer = Buffer.concat(messages.map((message) => frame(message)));
      const chunks: Buffer[] = [];
      for (const cut of cuts) {
        chunks.push(rest.subarray(0, cut));
        rest = rest.subarray(cut);
      }
      const reader = new FrameReader();
      expect(read(reader, [...chunks, rest])).toEqual(messages);
      expect(reader.isAtBoundary).toBe(true);
    }),
  );
});

test('a stream of single bytes is read whole and knows where a frame ends', () => {
  const reader = new FrameReader();
  const stream = frame(Buffer.from('hello'));
  const pieces = Array.from(stream, (byte) => Buffer.from([byte]));
  expect(read(reader, pieces.slice(0, -1))).toEqual([]);
  expect(reader.isAtBoundary).toBe(false);
  expect(read(reader, pieces.slice(-1))).toEqual([Buffer.from('hello')]);
  expect(reader.isAtBoundary).toBe(true);
});

test('the longest frame passes and one byte more is refused before anything is allocated', () => {
  const longest = Buffer.alloc(maxFrameBytes, 7);
  expect(read(new FrameReader(), [frame(longest)])[0]?.length).toBe(maxFrameBytes);
  const header = Buffer.alloc(4);
  header.writeUInt32LE(maxFrameBytes + 1);
  expect(() => read(new FrameReader(), [header])).toThrow(
    'cannot read message: its frame has 16777217 bytes, more than 16777216',
  );
});

test('a message that is too long to send is refused by name', () => {
  expect(() => frameHeader('create container "a"', maxFrameBytes + 1)).toThrow(
    'cannot create container "a": the request has 16777217 bytes, more than 16777216',
  );
});
