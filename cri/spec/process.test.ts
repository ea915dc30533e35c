import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { argv, environment, workingDirectory } from './process.ts';
import { refusalOf, sampleContent, sampleHost } from './sample-input.ts';

const image = sampleContent({ Entrypoint: ['/entry'], Cmd: ['cmd'] });
const utf8 = (text: string) => new TextEncoder().encode(text);

describe('argv', () => {
  it.each([
    [[], [], ['/entry', 'cmd']],
    [[], ['arg'], ['/entry', 'arg']],
    [['/command'], [], ['/command']],
    [['/command'], ['arg'], ['/command', 'arg']],
  ])('makes of command %j and args %j %j', (command, args, expected) => {
    expect(argv({ command, args }, image)).toEqual(expected);
  });

  it('takes cmd alone where the image has no entrypoint', () => {
    expect(argv({}, sampleContent({ Cmd: ['/bin/sh'] }))).toEqual(['/bin/sh']);
  });

  it('refuses to run nothing', () => {
    expect(refusalOf(() => argv({}, sampleContent()))).toEqual({
      code: 'InvalidArgument',
      message: 'cannot start a container: neither the request nor the image names a command',
    });
    expect(refusalOf(() => argv({ command: [''] }, image)).code).toBe('InvalidArgument');
  });

  it('refuses a NUL byte, which execve would cut at', () => {
    expect(refusalOf(() => argv({ command: ['a\0b'] }, image)).message).toBe(
      String.raw`cannot pass an argument: "a\u0000b" holds a NUL byte`,
    );
  });
});

describe('environment', () => {
  it('lets the image override our defaults and the request override both', () => {
    const content = sampleContent({ Env: ['TERM=image', 'A=image', 'B=image', 'broken', '=x'] });
    const config = { tty: true, envs: [{ key: 'B', value: utf8('=request=') }] };
    expect(environment(config, content, 'web', sampleHost)).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOSTNAME=web',
      'TERM=image',
      'A=image',
      'B==request=',
    ]);
  });

  it('sets TERM for a terminal only, and no HOSTNAME without a name', () => {
    const names = (tty: boolean) =>
      environment({ tty }, image, '', sampleHost).map((entry) => entry.split('=')[0]);
    expect(names(true)).toEqual(['PATH', 'TERM']);
    expect(names(false)).toEqual(['PATH']);
  });

  it('carries every UTF-8 value byte by byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('\0'));
        const entries = environment(
          { envs: [{ key: 'X', value: utf8(text) }] },
          image,
          '',
          sampleHost,
        );
        expect(entries.at(-1)).toBe(`X=${text}`);
      }),
    );
    const mark = environment(
      { envs: [{ key: 'X', value: utf8('\uFEFFa') }] },
      image,
      '',
      sampleHost,
    );
    expect(mark.at(-1)).toBe('X=\uFEFFa');
  });

  it('carries the bytes of other values as lone surrogates, which JSON escapes', () => {
    const written = (bytes: Uint8Array) => {
      const entry = environment({ envs: [{ key: 'X', value: bytes }] }, image, '', sampleHost).at(
        -1,
      );
      // What the helper does with it.
      const text = JSON.parse(JSON.stringify(entry ?? '')) as string;
      return Buffer.concat(
        Array.from(text, (character) => {
          const code = character.codePointAt(0) ?? 0;
          return code >= 0xdc80 && code <= 0xdcff
            ? Buffer.of(code - 0xdc00)
            : Buffer.from(character);
        }),
      );
    };
    fc.assert(
      fc.property(fc.uint8Array({ min: 1 }), (bytes) => {
        expect(written(bytes)).toEqual(Buffer.concat([Buffer.from('X='), bytes]));
      }),
    );
    const entry = environment(
      { envs: [{ key: 'X', value: Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x82) }] },
      image,
      '',
      sampleHost,
    ).at(-1);
    expect(JSON.stringify(entry)).toBe('"X=a\\udcffé\\udce2\\udc82"');
  });

  it('refuses such a value where another runtime would change it, and an image’s own surrogates', () => {
    const envs = [{ key: 'BLOB', value: Uint8Array.of(0xff, 0xfe) }];
    const host = { ...sampleHost, environmentBytes: false };
    expect(refusalOf(() => environment({ envs }, image, '', host))).toEqual({
      code: 'FailedPrecondition',
      message:
        'cannot set environment variable "BLOB": its value is not UTF-8, ' +
        'which programs of the OCI runtime spec cannot be told',
    });
    for (const entry of ['A=\udcff', 'A=\0', 'A\0=b', 'A\udcff=b']) {
      const content = sampleContent({ Env: [entry] });
      expect(refusalOf(() => environment({}, content, '', sampleHost)).code).toBe(
        'InvalidArgument',
      );
    }
  });

  it('refuses a NUL byte, which execve would cut at', () => {
    const envs = [{ key: 'A', value: Uint8Array.of(0x61, 0, 0xff) }];
    expect(refusalOf(() => environment({ envs }, image, '', sampleHost)).message).toBe(
      'cannot set environment variable "A": its value holds a NUL byte',
    );
  });

  it('refuses a variable that is longer than execve takes', () => {
    const set = (bytes: number) =>
      environment(
        { envs: [{ key: 'A', value: new Uint8Array(bytes).fill(0xff) }] },
        image,
        '',
        sampleHost,
      );
    expect(set(131_069).at(-1)).toHaveLength(131_071);
    expect(refusalOf(() => set(131_070)).message).toBe(
      'cannot set environment variable "A": ' +
        'with its name it has 131072 bytes, and the kernel passes at most 131071',
    );
  });

  it.each(['', 'A=B'])('refuses the name %j', (key) => {
    expect(refusalOf(() => environment({ envs: [{ key }] }, image, '', sampleHost)).code).toBe(
      'InvalidArgument',
    );
  });
});

describe('workingDirectory', () => {
  it('is the request’s, else the image’s, else the root', () => {
    const content = sampleContent({ WorkingDir: '/image' });
    expect(workingDirectory({ workingDir: '/request' }, content)).toBe('/request');
    expect(workingDirectory({}, content)).toBe('/image');
    expect(workingDirectory({}, image)).toBe('/');
  });

  it('refuses a relative one', () => {
    expect(refusalOf(() => workingDirectory({ workingDir: 'tmp' }, image)).message).toBe(
      'cannot set the working directory: "tmp" is not an absolute path',
    );
  });
});
