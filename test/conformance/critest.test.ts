// critest, the conformance tests of the CRI, all of it: what must pass passes, and what does not is
// exactly what is known to be missing.
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { skip } from '../lib/skip.ts';
import { limitMs } from '../lib/time.ts';
import { hasDockerRegistry } from '../registry/docker-registry.ts';
import { Critest, findCritest, type SpecOutcome } from './critest.ts';
import {
  knownMisses,
  leftOut,
  missTrouble,
  requiredSpecs,
  requiredTrouble,
  unknownSpecs,
} from './critest-specs.ts';

let reason = '';
let outcomes: readonly SpecOutcome[] = [];
let left: readonly string[] = [];

beforeAll(async () => {
  const found = await findCritest();
  if ('reason' in found) {
    ({ reason } = found);
    return;
  }
  if (!(await hasDockerRegistry())) {
    reason = 'docker-registry is not installed';
    return;
  }
  const critest = await Critest.start(found.tools);
  try {
    outcomes = await critest.run({ skip: leftOut().map(({ pattern }) => pattern) });
  } finally {
    left = await critest.stop();
  }
}, limitMs(900_000));

afterAll(() => {
  expect(left).toEqual([]);
});

function needOutcomes(context: TestContext): void {
  if (reason !== '') {
    skip(context, reason);
  }
}

const isTrouble = (trouble: string | undefined): trouble is string => trouble !== undefined;

describe('critest', () => {
  const areas = [...requiredSpecs()].map(([area, specs]) => ({ area, specs }));

  test.for(areas)('$area: every spec passes', ({ specs }, context) => {
    needOutcomes(context);
    expect(specs.map((spec) => requiredTrouble(spec, outcomes)).filter(isTrouble)).toEqual([]);
  });

  test.for(leftOut())('$pattern: every spec passes', ({ because }, context) => {
    skip(context, because);
  });

  test('fails and skips only what is known to be missing, and nothing that works by now', (context) => {
    needOutcomes(context);
    const troubles = knownMisses().map((miss) => missTrouble(miss, outcomes));
    expect(troubles.filter(isTrouble)).toEqual([]);
  });

  test('has no spec that is on no list', (context) => {
    needOutcomes(context);
    expect(unknownSpecs(outcomes)).toEqual([]);
  });
});
