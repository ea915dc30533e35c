// Variants of the busybox image that tests and demonstrations ask for by name.
import type { ImageInput, ProcessConfig } from './build-image.ts';
import type { TarInput } from './tar-writer.ts';

/** What a variant adds to the plain image. */
interface Variant {
  readonly summary: string;
  readonly layers?: readonly (readonly TarInput[])[];
  readonly config?: ProcessConfig;
}

export const variants: Readonly<Record<string, Variant>> = {
  plain: { summary: 'busybox alone' },
  whiteouts: {
    summary: 'a second layer removes /etc/old, hides all of /opt/data and replaces a file',
    layers: [
      [
        { name: 'opt/', type: 'directory' },
        { name: 'opt/data/', type: 'directory' },
        { name: 'opt/data/lower', content: 'lower\n' },
        { name: 'etc/old', content: 'old\n' },
        { name: 'etc/version', content: '1\n' },
      ],
      [
        { name: 'opt/', type: 'directory' },
        { name: 'opt/data/', type: 'directory' },
        { name: 'opt/data/.wh..wh..opq' },
        { name: 'opt/data/upper', content: 'upper\n' },
        { name: 'etc/.wh.old' },
        { name: 'etc/version', content: '2\n' },
      ],
    ],
  },
  implied: {
    summary: 'a second layer whose parent directories are not its own entries (chain id)',
    layers: [[{ name: 'tmp/implied', content: 'implied\n' }]],
  },
  setuid: {
    summary: 'set-uid and set-gid files (/bin/suid-id, /bin/sgid-id)',
    layers: [
      [
        { name: 'bin/', type: 'directory' },
        { name: 'bin/suid-id', mode: 0o4755, content: '#!/bin/sh\nid -u\n' },
        { name: 'bin/sgid-id', mode: 0o2755, content: '#!/bin/sh\nid -g\n' },
      ],
    ],
  },
  'user-uid': { summary: 'USER 1002', config: { User: '1002' } },
  'user-name': { summary: 'USER www-data', config: { User: 'www-data' } },
  'user-uid-group': { summary: 'USER 1003:1004', config: { User: '1003:1004' } },
};

/** Puts a variant on top of the busybox layer. Throws for a name that is not one. */
export function applyVariant(name: string, base: ImageInput): ImageInput {
  const variant = variants[name];
  if (variant === undefined) {
    const known = Object.keys(variants).join(', ');
    throw new Error(`cannot build variant "${name}": known are ${known}`);
  }
  return {
    ...base,
    layers: [...base.layers, ...(variant.layers ?? [])],
    config: { ...base.config, ...variant.config },
  };
}
