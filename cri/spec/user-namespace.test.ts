import { describe, expect, it } from 'vitest';
import { runtime } from '../../proto/gen/cri.js';
import type { NamespaceOption } from './cri-types.ts';
import { containerNamespaces } from './namespaces.ts';
import { refusalOf, samplePod, sampleSandbox } from './sample-input.ts';
import {
  checkPodUserNamespace,
  checkSameUserNamespace,
  hostRoot,
  userNamespace,
} from './user-namespace.ts';

const { POD, NODE, CONTAINER, TARGET } = runtime.v1.NamespaceMode;
const range = { hostId: 100_000, containerId: 0, length: 65_536 };

const asked = (usernsOptions: NamespaceOption['usernsOptions']): NamespaceOption => ({
  usernsOptions: usernsOptions ?? null,
});
const why = (usernsOptions: NamespaceOption['usernsOptions']) => {
  const { code, message } = refusalOf(() => userNamespace(asked(usernsOptions)));
  expect(code).toBe('InvalidArgument');
  return message;
};

describe('userNamespace', () => {
  it('is none when nothing or NODE is asked for', () => {
    expect(userNamespace(undefined)).toBeUndefined();
    expect(userNamespace(asked(null))).toBeUndefined();
    expect(userNamespace(asked({ mode: NODE }))).toBeUndefined();
  });

  it('takes one range of users and one of groups', () => {
    const gids = { ...range, hostId: 200_000 };
    const ids = userNamespace(asked({ mode: POD, uids: [range], gids: [gids] }));
    expect(ids).toEqual({ uids: [range], gids: [gids] });
    expect(hostRoot(ids)).toEqual({ uid: 100_000, gid: 200_000 });
  });

  it('refuses any other mode, and mappings without one', () => {
    expect(why({ mode: CONTAINER })).toContain('mode "CONTAINER"');
    expect(why({ mode: TARGET })).toContain('mode "TARGET"');
    expect(why({ mode: 77 as never })).toContain('mode "77"');
    expect(why({ mode: NODE, uids: [range] })).toContain('mappings with mode NODE');
  });

  it('refuses any other number of ranges', () => {
    expect(why({ mode: POD })).toContain('0 ranges of uids');
    expect(why({ mode: POD, uids: [range] })).toContain('0 ranges of gids');
    expect(why({ mode: POD, uids: [range, range], gids: [range] })).toContain('2 ranges of uids');
  });

  it('refuses ranges that are empty, too long, unequal, without root or with the host’s root', () => {
    const both = (change: object) => {
      const changed = { ...range, ...change };
      return why({ mode: POD, uids: [changed], gids: [changed] });
    };
    expect(both({ length: 0 })).toContain('is empty');
    expect(both({ hostId: 4_294_901_761 })).toContain('"0:4294901761:65536"');
    expect(both({ containerId: 1 })).toContain('begins with 1');
    expect(both({ hostId: 0 })).toContain("the host's root");
    expect(why({ mode: POD, uids: [range], gids: [{ ...range, length: 5 }] })).toContain(
      '65536 users and 5 groups',
    );
  });

  it('may end with the last id there is', () => {
    const last = { ...range, hostId: 4_294_901_759 };
    expect(userNamespace(asked({ mode: POD, uids: [last], gids: [last] }))?.uids).toEqual([last]);
  });
});

describe('a pod with a user namespace', () => {
  const own = { network: 'pod', ipc: 'pod', pid: 'container' } as const;

  it('shares no namespace with the host but the network', () => {
    expect(() => checkPodUserNamespace(own, '')).not.toThrow();
    expect(() => checkPodUserNamespace({ ...own, network: 'node' }, '')).not.toThrow();
    expect(() => checkPodUserNamespace({ ...own, pid: 'pod' }, '')).not.toThrow();
    for (const kind of ['pid', 'ipc'] as const) {
      const { code, message } = refusalOf(() =>
        checkPodUserNamespace({ ...own, [kind]: 'node' }, ''),
      );
      expect(code).toBe('InvalidArgument');
      expect(message).toContain(`the host's ${kind} namespace`);
    }
  });

  it('needs a host that can', () => {
    const { code, message } = refusalOf(() => checkPodUserNamespace(own, 'cannot idmap layer'));
    expect(code).toBe('FailedPrecondition');
    expect(message).toContain('does not support it: cannot idmap layer');
  });

  it('shares it with its containers, which say the same or nothing', () => {
    const options = asked({ mode: POD, uids: [range], gids: [range] });
    const ids = userNamespace(options);
    expect(() => checkSameUserNamespace(ids, options)).not.toThrow();
    expect(() => checkSameUserNamespace(ids, {})).not.toThrow();
    expect(() => checkSameUserNamespace(undefined, asked({ mode: NODE }))).not.toThrow();
    for (const [pod, container] of [
      [undefined, options],
      [ids, asked({ mode: NODE })],
    ] as const) {
      const { message } = refusalOf(() => checkSameUserNamespace(pod, container));
      expect(message).toMatch(/asks for .*, its pod has /u);
    }
  });

  it('gives its containers the path to it', () => {
    const namespaceOptions = asked({ mode: POD, uids: [range], gids: [range] });
    const sandbox = { ...sampleSandbox, linux: { securityContext: { namespaceOptions } } };
    const { namespaces } = containerNamespaces(sandbox, {}, samplePod);
    expect(namespaces).toContainEqual({ type: 'user', path: '/proc/7/fd/9' });
  });
});
