// The specs of critest that give the kernel profiles of a security module: in the guest variants that
// have one.
import { expect, test } from 'vitest';
import { skip } from '../lib/skip.ts';
import { limitMs } from '../lib/time.ts';
import { Critest, findCritest, type SpecOutcome } from './critest.ts';
import { moduleSpecs, requiredTrouble, unknownSpecs } from './critest-specs.ts';

test.for(moduleSpecs())(
  'critest passes every spec of $area',
  { timeout: limitMs(60_000) },
  async ({ area, specs, missing }, context) => {
    if (missing !== undefined) {
      skip(context, missing);
    }
    const found = await findCritest();
    if ('reason' in found) {
      skip(context, found.reason);
    }
    const critest = await Critest.start(found.tools);
    let outcomes: SpecOutcome[] = [];
    let left: string[] = [];
    try {
      outcomes = await critest.run({ nodes: 2, focus: [area] });
    } finally {
      left = await critest.stop();
    }
    const troubles = specs.map((spec) => requiredTrouble(spec, outcomes));
    expect(troubles.filter((trouble) => trouble !== undefined)).toEqual([]);
    expect(unknownSpecs(outcomes)).toEqual([]);
    expect(outcomes).toHaveLength(specs.length);
    expect(left).toEqual([]);
  },
);
