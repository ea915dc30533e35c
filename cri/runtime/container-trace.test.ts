import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleId } from '../store/record-samples.ts';
import { containerTrace } from './container-trace.ts';

test('a container is traced to the pod whose monitor has it, with what its spec tells', async () => {
  const runDir = await mkdtemp(join(tmpdir(), 'estiba-trace-'));
  try {
    const containers = join(runDir, 'pods', sampleId(2), 'containers');
    await mkdir(join(containers, sampleId(7)), { recursive: true });
    await mkdir(join(containers, sampleId(8)));
    await mkdir(join(runDir, 'pods', sampleId(1)));
    const spec = { annotations: { 'io.kubernetes.cri.container-name': 'web', wrong: 7 } };
    await writeFile(join(containers, sampleId(7), 'config.json'), JSON.stringify(spec));
    expect(containerTrace(runDir, sampleId(7))).toEqual({
      sandboxId: sampleId(2),
      annotations: { 'io.kubernetes.cri.container-name': 'web' },
    });
    expect(containerTrace(runDir, sampleId(8))).toEqual({
      sandboxId: sampleId(2),
      annotations: {},
    });
    expect(containerTrace(runDir, sampleId(9))).toBeUndefined();
  } finally {
    await rm(runDir, { recursive: true });
  }
});
