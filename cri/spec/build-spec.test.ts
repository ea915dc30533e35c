import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { buildSpec } from './build-spec.ts';
import type { ImageProcess } from './input.ts';
import {
  sampleHost,
  refusalOf,
  sampleContainer,
  sampleContent,
  sampleInput,
  sampleSandbox,
} from './sample-input.ts';

const word = fc.string({ maxLength: 12 });
const words = fc.array(word, { maxLength: 3 });
const anyImage: fc.Arbitrary<ImageProcess> = fc.record({
  User: word,
  Env: words,
  Entrypoint: words,
  Cmd: words,
  WorkingDir: word.map((text) => `/${text}`),
  Volumes: fc.dictionary(word, fc.constant({})),
  StopSignal: word,
});

describe('buildSpec', () => {
  it('lets an image reach argv, environment, directory, user and volumes, and nothing else', () => {
    const plain = buildSpec(sampleInput());
    fc.assert(
      fc.property(anyImage, (image) => {
        const hostile = { ...image, Labels: { 'io.containerd.image.log': 'binary:///bin/sh' } };
        let result;
        try {
          result = buildSpec(sampleInput({ content: sampleContent(hostile) }));
        } catch (error) {
          expect(error).toMatchObject({ code: 'InvalidArgument' });
          return;
        }
        const { args, env, cwd, user, ...process } = result.spec.process;
        expect(args).toEqual(['/bin/true']);
        expect(cwd).toBe(image.WorkingDir);
        expect(user.additionalGids).toEqual([]);
        expect(env.slice(0, 2).map((entry) => entry.split('=')[0])).toEqual(['PATH', 'HOSTNAME']);
        const mounts = result.spec.mounts.filter(({ type }) => type !== 'estiba-image-volume');
        expect({ ...plain.spec, process }).toEqual({
          ...result.spec,
          mounts,
          process: {
            ...plain.spec.process,
            args: undefined,
            env: undefined,
            cwd: undefined,
            user: undefined,
          },
        });
      }),
    );
  });

  it('gives the same answer to the same question and leaves the question alone', () => {
    const input = sampleInput();
    const before = structuredClone(input.requested);
    expect(buildSpec(input)).toEqual(buildSpec(input));
    expect(input.requested).toEqual(before);
  });

  it('survives JSON unchanged', () => {
    const { spec } = buildSpec(sampleInput());
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  });

  it('wants a name', () => {
    const container = sampleContainer({ metadata: null });
    const requested = { sandbox: sampleSandbox, container };
    expect(refusalOf(() => buildSpec(sampleInput({ requested }))).message).toBe(
      'cannot make a container: metadata.name is empty',
    );
  });

  it('names the image by its id where the request has no other name for it', () => {
    expect(buildSpec(sampleInput()).spec.annotations['io.kubernetes.cri.image-name']).toBe(
      'sha256:1',
    );
  });

  it('is refused where a profile would not be enforced', () => {
    const container = sampleContainer({}, { seccomp: {} });
    const requested = { sandbox: sampleSandbox, container };
    const host = { ...sampleHost, seccompEnabled: false };
    expect(refusalOf(() => buildSpec(sampleInput({ requested, host }))).code).toBe(
      'FailedPrecondition',
    );
  });
});
