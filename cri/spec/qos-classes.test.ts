import { describe, expect, it } from 'vitest';

import { buildSpec } from './build-spec.ts';
import { refusalOf, sampleContainer, sampleInput, sampleSandbox } from './sample-input.ts';

function build(own: Record<string, string>, pod: Record<string, string> = {}): unknown {
  const container = sampleContainer({ annotations: own });
  const sandbox = { ...sampleSandbox, annotations: pod };
  return buildSpec(sampleInput({ requested: { sandbox, container } }));
}

const pods = (kind: string, whose: string) => `${kind}.resources.beta.kubernetes.io/${whose}`;

describe('a class of block I/O or RDT', () => {
  it.each([
    [{ 'io.kubernetes.cri.blockio-class': 'fast' }, {}],
    [{}, { [pods('blockio', 'container.main')]: 'fast', [pods('blockio', 'pod')]: 'slow' }],
    [{}, { [pods('blockio', 'pod')]: 'fast' }],
  ])('is refused, of block I/O: %j %j', (own, pod) => {
    expect(refusalOf(() => build(own, pod))).toEqual({
      code: 'FailedPrecondition',
      message:
        'cannot put container "main" into block I/O class "fast": ' +
        'this runtime has no block I/O classes',
    });
  });

  it.each([
    [{ 'io.kubernetes.cri.rdt-class': 'gold' }, {}],
    [{}, { [pods('rdt', 'container.main')]: 'gold' }],
    [{}, { [pods('rdt', 'pod')]: 'gold' }],
  ])('is refused, of RDT: %j %j', (own, pod) => {
    expect(refusalOf(() => build(own, pod)).message).toBe(
      'cannot put container "main" into RDT class "gold": this runtime has no RDT classes',
    );
  });

  it('is none for another container, and for one that leaves the class of its pod', () => {
    build({}, { [pods('blockio', 'container.other')]: 'fast', [pods('rdt', 'container.x')]: 'y' });
    build({ 'io.kubernetes.cri.blockio-class': '' }, { [pods('blockio', 'pod')]: 'fast' });
  });
});
