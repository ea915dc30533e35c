import { expect, test } from 'vitest';
import { parseImageConfig, parseManifest } from './oci-documents.ts';

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

test('a manifest may have no layers, in the words of any program', () => {
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const digest = `sha256:${'0'.repeat(64)}`;
  const part = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 2 };
  for (const none of [{ layers: [] }, { layers: null }, {}]) {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config: part, ...none }));
    expect(parseManifest(bytes, mediaType, 'manifest').layers).toEqual([]);
  }
});
