import { expect, test } from 'vitest';
import { parseImageConfig } from './oci-documents.ts';

const config = (env: string | Buffer) =>
  Buffer.concat([
    Buffer.from('{"config":{"Env":["A='),
    Buffer.from(env),
    Buffer.from(
      '"]},"rootfs":{"type":"layers","diff_ids":[]},"os":"linux","architecture":"amd64"}',
    ),
  ]);

test('what is no text in an image’s configuration is U+FFFD, as other runtimes read it', () => {
  const env = (text: string | Buffer) => parseImageConfig(config(text), 'config').config.Env;
  expect(env('é')).toEqual(['A=é']);
  expect(env(Buffer.of(0x61, 0xff, 0x62))).toEqual(['A=a\uFFFDb']);
  expect(env('a\\udcffb')).toEqual(['A=a\uFFFDb']);
  expect(env('\\ud83d\\ude00')).toEqual(['A=😀']);
});
