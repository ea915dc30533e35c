// Layers that are not self-contained: fetched once, and unpacked on those below.
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { aroundPulls, onBusybox, type PullGround } from '../lib/pulls.ts';

let ground: PullGround;

aroundPulls({
  made: (one) => {
    ground = one;
  },
});

it('fetches layers that leave out parent directories once, and gives those their real modes', async () => {
  const [lower, upper] = ['lower', 'upper'].map((name) =>
    Array.from({ length: 40 }, (_, index) => ({
      name: `usr/share/${name}/f${index}`,
      content: randomBytes(20_000),
    })),
  );
  const base = [
    { name: 'usr', type: 'directory', mode: 0o755 },
    { name: 'usr/share', type: 'directory', mode: 0o751 },
  ] as const;
  const image = onBusybox([[...base], lower ?? [], upper ?? []], { compression: 'gzip' });
  const name = await ground.push('team/app', 'bare', image);
  expect(await ground.pull(name)).toBe(image.id);
  const digests = image.layers.map(({ digest }) => digest);
  const asked = ground.blobsAsked.filter((digest) => digests.includes(digest));
  expect(asked.toSorted()).toEqual(digests.toSorted());
  const records = join(ground.server.stateDir, 'layers');
  const modes: number[] = [];
  for (const file of await readdir(records)) {
    const found = await stat(join(records, file, 'usr/share')).catch(() => undefined);
    if (found !== undefined) {
      modes.push(found.mode & 0o7777);
    }
  }
  // The implied directories have the mode that the layer below gives them.
  expect(modes).toEqual([0o751, 0o751, 0o751]);
});
