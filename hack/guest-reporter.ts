// A reporter of vitest for the guest: one line for each thing as it happens, so that a guest that is
// killed has still told what it did and where it was. hack/guest-report.ts reads the lines.
import { relative } from 'node:path';
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import '../test/lib/skip.ts';

export default class GuestReporter implements Reporter {
  readonly #begun = new Map<string, number>();

  onTestModuleQueued(module: TestModule): void {
    this.#begun.set(module.moduleId, performance.now());
    tell('begin', module);
  }

  onTestCaseReady(test: TestCase): void {
    tell('runs', test.module, test.fullName);
  }

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state === 'failed') {
      tellErrors(test.module, test.fullName, result.errors);
    } else if (result.state === 'skipped') {
      tell('skipped', test.module, `${test.fullName}: ${test.meta().reason ?? 'no reason'}`);
    } else {
      const ms = test.diagnostic()?.duration ?? 0;
      tell('passed', test.module, `${test.fullName} (${(ms / 1000).toFixed(1)} s)`);
    }
  }

  onTestModuleEnd(module: TestModule): void {
    // What fails outside tests: an import, or a hook.
    const suites = [...module.children.allSuites()].flatMap((suite) => suite.errors());
    const errors = [...module.errors(), ...suites];
    if (errors.length > 0 || (module.state() === 'failed' && !hasFailedTest(module))) {
      tellErrors(module, 'outside its tests', errors);
    }
    const seconds = (performance.now() - (this.#begun.get(module.moduleId) ?? 0)) / 1000;
    tell('end', module, `${seconds.toFixed(0)} s`);
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const [module] = modules;
    if (module !== undefined && errors.length > 0) {
      tellErrors(module, 'nobody caught', errors);
    }
  }
}

function hasFailedTest(module: TestModule): boolean {
  return [...module.children.allTests('failed')].length > 0;
}

function tellErrors(module: TestModule, what: string, errors: readonly SerializedError[]): void {
  tell('failed', module, `${what}: ${errors[0]?.message ?? 'it does not say why'}`);
  for (const { stack, message, diff } of errors) {
    const details = [stack ?? message, diff ?? ''].join('\n').trim();
    process.stdout.write(`${details.replaceAll(/^/gmu, '    ')}\n`);
  }
}

function tell(event: string, module: TestModule, rest = ''): void {
  const file = relative(process.cwd(), module.moduleId);
  const line = [`guest ${event} ${file}`, ...(rest === '' ? [] : [rest])].join(': ');
  process.stdout.write(`${line.replaceAll(/\s*\n\s*/gu, ' ')}\n`);
}
