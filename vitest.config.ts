import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{cri,agent,proto,hack,test/golden}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/target/**'],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/{integration,fault,conformance}/**/*.test.ts'],
          // One private host at a time: files share the machine's cgroup hierarchies.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
