import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { capabilities, capabilitiesFromMask, capabilityNames } from './capabilities.ts';
import { refusalOf } from './sample-input.ts';

const all = capabilityNames;

function changed(add: string[], drop: string[], ambient: string[] = [], onHost = all) {
  const list = { addCapabilities: add, dropCapabilities: drop, addAmbientCapabilities: ambient };
  return capabilities({ capabilities: list }, onHost);
}

describe('capabilities', () => {
  it('are Docker’s fourteen where nothing is asked, none of them inherited', () => {
    const sets = capabilities({}, all);
    expect(sets.bounding).toEqual(
      capabilitiesFromMask('00000000a80425fb'), // CapBnd of a Docker container
    );
    expect(sets).toMatchObject({ inheritable: [], ambient: [] });
  });

  it('are all of the host’s when privileged, whatever is dropped', () => {
    const privileged = { privileged: true, capabilities: { dropCapabilities: ['ALL'] } };
    expect(capabilities(privileged, all).bounding).toEqual(all);
    expect(capabilities(privileged, ['CAP_KILL']).effective).toEqual(['CAP_KILL']);
  });

  it('take ALL first and names after it', () => {
    expect(changed(['ALL'], []).bounding).toEqual(all);
    expect(changed(['ALL'], ['KILL']).bounding).toEqual(all.filter((name) => name !== 'CAP_KILL'));
    expect(changed(['KILL'], ['ALL']).bounding).toEqual(['CAP_KILL']);
    expect(changed(['ALL'], ['ALL']).bounding).toEqual([]);
  });

  it('understand names with and without CAP_ in any case', () => {
    expect(changed(['cap_sys_admin'], ['all']).bounding).toEqual(['CAP_SYS_ADMIN']);
  });

  it('put ambient ones into all five sets, unless dropped by name', () => {
    const only = ['CAP_NET_BIND_SERVICE'];
    expect(changed([], ['ALL'], ['NET_BIND_SERVICE'])).toEqual({
      bounding: only,
      effective: only,
      permitted: only,
      inheritable: only,
      ambient: only,
    });
    expect(changed([], ['KILL'], ['KILL']).ambient).toEqual([]);
  });

  it.each(['SYS_ADMN', '', 'CAP_', 'CAP_CAP_KILL'])('refuse the unknown name %j', (name) => {
    expect(refusalOf(() => changed([name], []))).toEqual({
      code: 'InvalidArgument',
      message: `cannot change capabilities: "${name}" is not a capability`,
    });
    expect(refusalOf(() => changed([], [name])).code).toBe('InvalidArgument');
  });

  it('refuse one the host lacks, but not as part of ALL', () => {
    const onHost = all.filter((name) => name !== 'CAP_SYS_RESOURCE');
    expect(refusalOf(() => changed(['SYS_RESOURCE'], [], [], onHost)).code).toBe(
      'FailedPrecondition',
    );
    expect(changed(['ALL'], [], [], onHost).bounding).toEqual(onHost);
  });

  it('never inherit what was not asked to be ambient, never hold what was dropped', () => {
    const names = fc.array(fc.constantFrom(...all, 'ALL'), { maxLength: 4 });
    fc.assert(
      fc.property(names, names, names, (add, drop, ambient) => {
        const sets = changed(add, drop, ambient);
        expect(sets.ambient).toEqual(sets.inheritable);
        for (const name of sets.ambient) {
          expect(ambient.includes(name) || ambient.includes('ALL')).toBe(true);
          expect(sets.bounding).toContain(name);
        }
        for (const name of drop) {
          expect(sets.bounding).not.toContain(name);
        }
        expect(sets.permitted).toEqual(sets.bounding);
        expect(sets.effective).toEqual(sets.bounding);
      }),
    );
  });
});

describe('capabilitiesFromMask', () => {
  it('reads the kernel’s hexadecimal and drops bits without a name', () => {
    expect(capabilitiesFromMask('0000000000000021\n')).toEqual(['CAP_CHOWN', 'CAP_KILL']);
    expect(capabilitiesFromMask('000001ffffffffff')).toEqual(all);
    expect(capabilitiesFromMask('ffffffffffffffff')).toEqual(all);
  });
});
