/**
 * Tests declare which tools of the machine they need. If a tool is missing, they are skipped and
 * listed at the end by .ci/not-tested.ts; in CI they fail at once.
 */
import { TestRunner } from 'vitest';
import { aptCommand, hasTool, inCI, packagesOf } from './list.mjs';

declare module 'vitest' {
  interface TaskMeta {
    /** The missing tools for which a test was skipped. */
    lacks?: readonly string[];
    /** Another reason why a test was skipped, and what to do, in one sentence. */
    because?: string;
  }
}

/** The first line of a test: skips it when one of these tools (list.mjs) is missing. */
export function needs(...tools: readonly string[]): void {
  const lacks = tools.filter((name) => !hasTool(name));
  if (lacks.length === 0) return;
  const why = `needs ${lacks.join(', ')}`;
  if (inCI()) throw new Error(`${why}: ${aptCommand(packagesOf(lacks))}`);
  const test = TestRunner.getCurrentTest()!;
  test.meta.lacks = lacks;
  test.context.skip(why);
}

/** Skips the test for a reason that no package fixes; `because` gives the reason and what to do. */
export function cannotBeTested(because: string): void {
  if (inCI()) throw new Error(because);
  const test = TestRunner.getCurrentTest()!;
  test.meta.because = because;
  test.context.skip(because);
}
