import { expect, it } from 'vitest';

import { buildSpec } from './build-spec.ts';
import { sampleInput } from './sample-input.ts';
import { specJson } from './spec-json.ts';

it('puts a profile into the spec without changing a digit of it', () => {
  const { spec } = buildSpec(sampleInput());
  const text = specJson(spec, '{"x": 18446744073709551615}');
  expect(text).toContain('"seccomp":{"x": 18446744073709551615}');
  expect(JSON.parse(text)).toEqual({ ...spec, linux: { ...spec.linux, seccomp: { x: 2 ** 64 } } });
});

it('leaves a spec without a profile as it is', () => {
  const { spec } = buildSpec(sampleInput());
  expect(JSON.parse(specJson(spec, ''))).toEqual(JSON.parse(JSON.stringify(spec)));
});
