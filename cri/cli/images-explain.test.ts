import { expect, test } from 'vitest';
import { renderExplanation } from './images-explain.ts';

test('an explanation names every host, what it trusts, what it gets, and what is wrong', () => {
  const text = renderExplanation({
    reference: 'docker.io/library/busybox:latest',
    domain: 'docker.io',
    source: '/etc/x/docker.io/hosts.toml',
    notes: ['"/etc/x/docker.io/hosts.toml": key foo means nothing'],
    hosts: [
      {
        url: 'http://mirror.example:5000/v2',
        origin: '/etc/x/docker.io/hosts.toml: host."http://mirror.example:5000"',
        capabilities: ['pull', 'resolve'],
        namespace: 'docker.io',
        credentials: 'none',
        credentialsSource: 'none: anonymous',
        probe: { error: 'cannot reach it', elapsedMs: 3 },
      },
      {
        url: 'https://registry-1.docker.io/v2',
        origin: 'built in',
        capabilities: ['pull'],
        upstream: true,
        verified: true,
        caFiles: ['/etc/x/ca.crt'],
        credentials: 'password',
        credentialsSource: '"/etc/x/auth.json"',
        proxy: 'http://proxy.example:3128',
        problem: 'cannot read "/etc/x/ca.crt": ENOENT',
        probe: { digest: 'sha256:d', mediaType: 'application/x', elapsedMs: 12 },
      },
    ],
  });
  expect(text).toBe(`docker.io/library/busybox:latest
hosts by "/etc/x/docker.io/hosts.toml"
note: "/etc/x/docker.io/hosts.toml": key foo means nothing

1. http://mirror.example:5000/v2 (mirror)
   from:         /etc/x/docker.io/hosts.toml: host."http://mirror.example:5000"
   used for:     pull, resolve
   TLS:          none: plain HTTP
   proxy:        none
   credentials:  none: anonymous
   namespace:    docker.io
   answer:       cannot reach it

2. https://registry-1.docker.io/v2
   from:         built in
   used for:     pull
   TLS:          checked by the CAs of the system and "/etc/x/ca.crt"
   proxy:        http://proxy.example:3128
   credentials:  password from "/etc/x/auth.json"
   problem:      cannot read "/etc/x/ca.crt": ENOENT
   answer:       sha256:d (application/x) within 12 ms
`);
});
