import { describe, expect, test } from 'vitest';
import {
  decodeAuth,
  findAuth,
  findHelper,
  helperServer,
  parseDockerConfig,
} from './docker-config.ts';

const path = '/root/.docker/config.json';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('parseDockerConfig', () => {
  test('reads every form of an entry', () => {
    const { auths } = parseDockerConfig(
      JSON.stringify({
        auths: {
          'a.example': { auth: base64('me:pa:ss') },
          'b.example': { username: 'me', password: 'word' },
          'c.example': { identitytoken: 'id', auth: base64('00000000-0000:') },
          'd.example': { registrytoken: 'reg' },
          'e.example': {},
        },
        HttpHeaders: { 'User-Agent': 'x' },
      }),
      path,
    );
    expect(
      auths.map(({ key, username, password, identityToken, registryToken }) => [
        key,
        username,
        password.reveal(),
        identityToken.reveal(),
        registryToken.reveal(),
      ]),
    ).toEqual([
      ['a.example', 'me', 'pa:ss', '', ''],
      ['b.example', 'me', 'word', '', ''],
      ['c.example', '00000000-0000', '', 'id', ''],
      ['d.example', '', '', '', 'reg'],
      ['e.example', '', '', '', ''],
    ]);
  });

  test.each([
    ['{"auths": {"a": {"password": "hunter2"', 'it is not JSON'],
    ['{"auths": {"a": {"auth": "hunter2 "}}}', 'key "auths.a.auth" is not base64 of user:password'],
    ['{"auths": {"a": {"auth": "aHVudGVyMg=="}}}', 'key "auths.a.auth" is not base64'],
    ['{"auths": {"a": {"password": {"hunter2": 1}}}}', 'key "auths.a.password"'],
    ['{"auths": 5}', 'key "auths"'],
    ['{"credHelpers": {"a": "../hunter2"}}', 'key "credHelpers.a"'],
    ['{"credsStore": "x/hunter2"}', 'key "credsStore"'],
    ['"hunter2"', 'cannot read'],
  ])('refuses %j, naming the key and not the value', (text, why) => {
    let message = '';
    try {
      parseDockerConfig(text, path);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain(`cannot read "${path}"`);
    expect(message).toContain(why);
    expect(message).not.toContain('hunter2');
  });
});

describe('findAuth', () => {
  const find = (keys: string[], host: string, repository = 'team/app'): string | undefined => {
    const auths = Object.fromEntries(keys.map((key) => [key, { username: 'u', password: 'p' }]));
    const config = parseDockerConfig(JSON.stringify({ auths }), path);
    return findAuth(config.auths, host, repository)?.key;
  };

  test.each([
    [['https://index.docker.io/v1/'], 'registry-1.docker.io', 'https://index.docker.io/v1/'],
    [['docker.io'], 'registry-1.docker.io', 'docker.io'],
    [['https://a.example/v2/'], 'a.example', 'https://a.example/v2/'],
    [['a.example'], 'A.EXAMPLE', 'a.example'],
    [['a.example'], 'a.example:5000', undefined],
    [['a.example:5000'], 'a.example:5000', 'a.example:5000'],
    [['a.example'], 'b.a.example', undefined],
    [['a.example'], 'xa.example', undefined],
    [['a.example.evil'], 'a.example', undefined],
    [['*.example'], 'a.example', '*.example'],
    [['*.example'], 'a.b.example', undefined],
    [
      ['*.dkr.ecr.*.amazonaws.com'],
      '123.dkr.ecr.eu-west-1.amazonaws.com',
      '*.dkr.ecr.*.amazonaws.com',
    ],
    [['*.example', 'a.example'], 'a.example', 'a.example'],
    [['a.example', 'a.example/team', 'a.example/team/app'], 'a.example', 'a.example/team/app'],
    [['a.example/te'], 'a.example', undefined],
    [['a.example/other'], 'a.example', undefined],
    [[], 'a.example', undefined],
  ])('of %j takes for %s %j', (keys, host, expected) => {
    expect(find(keys, host)).toBe(expected);
  });
});

test('a helper is the host’s own, else the store', () => {
  const config = parseDockerConfig(
    '{"credHelpers": {"gcr.io": "gcr", "index.docker.io": "hub"}, "credsStore": "pass"}',
    path,
  );
  expect(findHelper(config, 'gcr.io')).toBe('gcr');
  expect(findHelper(config, 'registry-1.docker.io')).toBe('hub');
  expect(findHelper(config, 'quay.io')).toBe('pass');
  expect(findHelper(parseDockerConfig('{}', path), 'quay.io')).toBeUndefined();
  expect(helperServer('registry-1.docker.io')).toBe('https://index.docker.io/v1/');
  expect(helperServer('gcr.io')).toBe('gcr.io');
});

test.each([
  [base64('a:b'), 'a', 'b'],
  [base64('a:b\0\0'), 'a', 'b'],
  [base64(':'), '', ''],
  [` ${base64('a:b:c')}\n`, 'a', 'b:c'],
])('decodeAuth reads %j', (text, username, password) => {
  const pair = decodeAuth(text);
  expect([pair?.username, pair?.password.reveal()]).toEqual([username, password]);
});
