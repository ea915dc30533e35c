// What README.md promises about the generated code: these hold today's protobufjs to it.
import { describe, expect, it } from 'vitest';
import { runtime } from './gen/cri.js';
import { estiba } from './gen/isolation.js';
import { toBigInt, toLong } from './long.ts';

const { v1 } = runtime;

describe('generated messages', () => {
  it('are encoded from plain objects, nested ones too', () => {
    const bytes = v1.PodSandboxStatus.encode({
      id: 'a',
      createdAt: toLong(5n),
      network: { ip: '10.0.0.1', additionalIps: [{ ip: 'fd00::1' }] },
      labels: { app: 'web' },
    }).finish();
    const decoded = v1.PodSandboxStatus.decode(bytes);
    expect(toBigInt(decoded.createdAt)).toBe(5n);
    expect(decoded.network?.additionalIps?.[0]?.ip).toBe('fd00::1');
    expect(decoded.labels).toEqual({ app: 'web' });
  });

  it('have the defaults of absent scalars on their prototype only', () => {
    const decoded = v1.Container.decode(new Uint8Array());
    expect([decoded.id, decoded.state]).toEqual(['', 0]);
    expect(decoded.metadata).toBeNull();
    expect(Object.keys(decoded)).toEqual(['labels', 'annotations']);
  });

  it('own their lists and maps', () => {
    const first = v1.Container.decode(new Uint8Array());
    const second = v1.Container.decode(new Uint8Array());
    first.labels['a'] = 'b';
    expect(second.labels).toEqual({});
  });

  it('tell an absent wrapper from one that holds 0', () => {
    const bytes = v1.Image.encode({ uid: { value: toLong(0n) } }).finish();
    expect(toBigInt(v1.Image.decode(bytes).uid?.value)).toBe(0n);
    expect(v1.Image.decode(new Uint8Array()).uid).toBeNull();
  });

  it('carry environment values that are not UTF-8 unchanged', () => {
    const value = Buffer.from([0x66, 0xff, 0xfe, 0x6f]);
    const bytes = v1.KeyValue.encode({ key: 'RAW', value }).finish();
    expect(Buffer.from(v1.KeyValue.decode(bytes).value)).toEqual(value);
  });

  it('share the memory of bytes with the frame they came in', () => {
    const frame = Buffer.from(v1.KeyValue.encode({ value: Buffer.from('abc') }).finish());
    const { value } = v1.KeyValue.decode(frame);
    expect(value.buffer).toBe(frame.buffer);
  });

  it('refuse a string that is not UTF-8', () => {
    const invalid = Buffer.from([0x0a, 0x02, 0x61, 0xff]);
    expect(() => v1.KeyValue.decode(invalid)).toThrow('not valid');
  });

  it('let half a surrogate pair through to where no reader accepts it, unless made well-formed', () => {
    const key = 'a\u{d800}';
    const asIs = v1.KeyValue.encode({ key }).finish();
    expect(() => v1.KeyValue.decode(asIs)).toThrow('not valid');
    const mended = v1.KeyValue.encode({ key: key.toWellFormed() }).finish();
    expect(v1.KeyValue.decode(mended).key).toBe('a\u{fffd}');
  });

  it('keep enum numbers they have no name for', () => {
    const decoded = v1.ContainerStateValue.decode(Buffer.from([0x08, 99]));
    expect(decoded.state).toBe(99);
  });

  it('make a list that is the concatenation of its encoded items', () => {
    const items = [{ id: 'a' }, { id: 'b', labels: { k: 'v' } }];
    const whole = v1.ListContainersResponse.encode({ containers: items }).finish();
    const parts = items.map((item) =>
      v1.ListContainersResponse.encode({ containers: [item] }).finish(),
    );
    expect(Buffer.concat(parts)).toEqual(Buffer.from(whole));
  });

  it('of one protocol do not displace those of another', () => {
    expect(estiba.isolation.v1).toBeDefined();
    expect(v1.VersionRequest.decode(v1.VersionRequest.encode({ version: 'x' }).finish())).toEqual(
      expect.objectContaining({ version: 'x' }),
    );
  });

  it('refuse truncated bytes', () => {
    const bytes = v1.PodSandboxStatus.encode({ id: 'abcdef' }).finish();
    expect(() => v1.PodSandboxStatus.decode(bytes.subarray(0, 4))).toThrow(RangeError);
  });
});
