// Files of the operator and of others on the host, read with a bound: a name may stand for a pipe that
// nobody writes to, for a device without an end, or for a file that was never meant.
import { constants, open } from 'node:fs/promises';

/** What is made room for when a file has more bytes than it tells. */
const smallest = 4096;

/**
 * The content of a file of at most `mostBytes`, links followed. Throws the system's error, or an Error
 * with why for what is no regular file or longer; neither message holds any of the content.
 */
export async function readBounded(path: string, mostBytes: number): Promise<Buffer> {
  // A pipe that nobody writes to must not hold anybody up.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const info = await file.stat();
  if (!info.isFile()) {
    throw new Error('it is not a file');
  }
  if (info.size > mostBytes) {
    throw new Error(`it has ${info.size} bytes, more than ${mostBytes}`);
  }
  // The size is a hint: files of procfs, sysfs and some of FUSE have none but content.
  let buffer = Buffer.alloc(info.size + 1);
  let filled = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
    filled += bytesRead;
    if (filled > mostBytes) {
      throw new Error(`it has more than ${mostBytes} bytes`);
    }
    if (bytesRead === 0) {
      return buffer.subarray(0, filled);
    }
    if (filled === buffer.length) {
      buffer = Buffer.concat([buffer], Math.min(Math.max(filled * 2, smallest), mostBytes + 1));
    }
  }
}

/** As readBounded, for text: bytes that are not UTF-8 become U+FFFD. */
export async function readBoundedText(path: string, mostBytes: number): Promise<string> {
  return (await readBounded(path, mostBytes)).toString('utf8');
}
