import { expect, test } from 'vitest';
import { estiba } from '../../proto/gen/isolation.js';
import { unpackChunkHead } from './launcher-wire.ts';

test.each([1, 127, 128, 16_383, 16_384, 262_144])(
  'a chunk of %d bytes framed by hand',
  (length) => {
    const data = Buffer.alloc(length, 7);
    const { UnpackChunk } = estiba.isolation.v1;
    const byHand = Buffer.concat([unpackChunkHead(length), data]);
    expect(byHand.equals(UnpackChunk.encode({ data }).finish())).toBe(true);
  },
);
