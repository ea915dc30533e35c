import { CriError } from '../core/error.ts';

/** The longest message one frame may carry, in bytes: as long as gRPC carries the kubelet's requests. */
export const maxFrameBytes: number = 16 * 1024 * 1024;

const headerBytes = 4;

/** Returns the 4-byte header of a message; throws ResourceExhausted when it is too long to send. */
export function frameHeader(what: string, messageBytes: number): Buffer {
  if (messageBytes > maxFrameBytes) {
    throw new CriError(
      'ResourceExhausted',
      `cannot ${what}: the request has ${messageBytes} bytes, more than ${maxFrameBytes}`,
    );
  }
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt32LE(messageBytes);
  return header;
}

/**
 * Cuts a byte stream into messages, however it was chunked. A message inside one chunk is not
 * copied; any other is copied once, so the cost is linear in the bytes received.
 */
export class FrameReader {
  readonly #header = Buffer.allocUnsafe(headerBytes);
  #headerFill = 0;
  #body: Buffer | undefined;
  #bodyFill = 0;

  /** True when the stream may end here: no frame has begun. */
  get isAtBoundary(): boolean {
    return this.#headerFill === 0;
  }

  /**
   * Calls `onMessage` for every message that `chunk` completes. Throws on a frame longer than
   * maxFrameBytes; the reader is of no use after that.
   */
  push(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerFill < headerBytes) {
        at += this.#fillHeader(chunk, at);
        if (this.#headerFill < headerBytes) {
          return;
        }
      }
      const length = this.#messageBytes();
      if (this.#body === undefined && chunk.length - at >= length) {
        this.#headerFill = 0;
        onMessage(chunk.subarray(at, at + length));
        at += length;
        continue;
      }
      const body = (this.#body ??= Buffer.allocUnsafe(length));
      const copied = chunk.copy(body, this.#bodyFill, at);
      this.#bodyFill += copied;
      at += copied;
      if (this.#bodyFill === length) {
        this.#headerFill = 0;
        this.#body = undefined;
        this.#bodyFill = 0;
        onMessage(body);
      }
    }
  }

  #fillHeader(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#header, this.#headerFill, at);
    this.#headerFill += copied;
    return copied;
  }

  #messageBytes(): number {
    const length = this.#header.readUInt32LE();
    if (length > maxFrameBytes) {
      const why = `its frame has ${length} bytes, more than ${maxFrameBytes}`;
      throw new CriError('Internal', `cannot read message: ${why}`);
    }
    return length;
  }
}
