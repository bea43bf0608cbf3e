/**
 * Writes the numbers of passed and failed tests to build/test-count.txt, which `.ci/run` prints. A
 * file that does not load counts as a failed test. So does a skipped test, because CI may skip
 * nothing.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export default class Count implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests++;
        const { state } = test.result();
        if (state === 'passed') passed++;
        else failed++;
        if (state === 'skipped')
          console.log(`skipped, which CI does not allow: ${module.moduleId}: ${test.fullName}`);
      }
      if (tests === 0 || module.errors().length > 0) failed++;
    }
    mkdirSync('build', { recursive: true });
    writeFileSync('build/test-count.txt', `${passed} passed, ${failed} failed\n`);
  }
}
