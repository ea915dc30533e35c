import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { runtime } from '../../proto/gen/cri.js';
import { toLong } from '../../proto/long.ts';
import { refusalOf, sampleContent } from './sample-input.ts';
import { checkSandboxUser, userRequest } from './user.ts';

const id = (value: number | bigint) => ({ value: toLong(value) });
const image = sampleContent({ User: 'app:staff' });

describe('userRequest', () => {
  it.each([
    ['', { user: '', group: '' }],
    ['app', { user: 'app', group: '' }],
    ['1000:users', { user: '1000', group: 'users' }],
    ['0100:007', { user: '100', group: '7' }],
    [':5', { user: '', group: '5' }],
  ])('reads the image’s user %j', (User, expected) => {
    expect(userRequest({}, sampleContent({ User }))).toMatchObject(expected);
  });

  it('lets the request replace the image’s user together with its group', () => {
    expect(userRequest({ runAsUser: id(0) }, image)).toMatchObject({ user: '0', group: '' });
    expect(userRequest({ runAsUsername: 'www', runAsGroup: id(7) }, image)).toMatchObject({
      user: 'www',
      group: '7',
    });
  });

  it('passes supplemental groups and the policy on', () => {
    const supplementalGroups = [toLong(1), toLong(2)];
    const strict = runtime.v1.SupplementalGroupsPolicy.Strict;
    expect(
      userRequest({ supplementalGroups, supplementalGroupsPolicy: strict }, image),
    ).toMatchObject({ supplementalGids: [1, 2], strictGroups: true });
    expect(userRequest({}, image).strictGroups).toBe(false);
  });

  it('refuses a group without a user, even where the image has one', () => {
    expect(refusalOf(() => userRequest({ runAsGroup: id(5) }, image))).toEqual({
      code: 'InvalidArgument',
      message: 'cannot choose the group: run_as_group "5" without a user',
    });
  });

  it('refuses both an id and a name', () => {
    const both = { runAsUser: id(1), runAsUsername: 'www' };
    expect(refusalOf(() => userRequest(both, image)).message).toContain('both run_as_user "1"');
  });

  it.each(['a:b', 'a b', 'a\nb', 'a\0b'])('refuses the name %j', (runAsUsername) => {
    expect(refusalOf(() => userRequest({ runAsUsername }, image)).code).toBe('InvalidArgument');
  });

  it('never lets an id through that a signed 32-bit reader would see differently', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const inRange = value >= 0n && value < 2n ** 31n;
        const asRequest = () => userRequest({ runAsUser: id(value) }, image).user;
        const asImage = () => userRequest({}, sampleContent({ User: `${value}` })).user;
        if (inRange) {
          expect([asRequest(), asImage()]).toEqual([`${value}`, `${value}`]);
        } else {
          expect(refusalOf(asRequest).code).toBe('InvalidArgument');
          // With a minus sign it is a name, which no passwd file has.
          if (value >= 0n) {
            expect(refusalOf(asImage).message).toContain('is not between 0 and 2147483647');
          }
        }
      }),
    );
  });
});

describe('checkSandboxUser', () => {
  it('refuses a group without a user', () => {
    expect(refusalOf(() => checkSandboxUser({ runAsGroup: id(5) })).code).toBe('InvalidArgument');
    expect(() => checkSandboxUser({ runAsUser: id(1), runAsGroup: id(5) })).not.toThrow();
  });
});
