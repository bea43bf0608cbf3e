/**
 * Tests say what they need of the machine. Where it is missing they are skipped, and
 * .ci/not-tested.ts says so at the end; in CI they fail at once.
 */
import { TestRunner } from 'vitest';
import { aptCommand, hasTool, inCI, packagesOf } from './list.mjs';

declare module 'vitest' {
  interface TaskMeta {
    /** The tools for want of which a test was skipped. */
    lacks?: readonly string[];
    /** What else of the machine a test was skipped for, and what to do: a sentence. */
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

/**
 * Skips the test, because of something that no package mends; `because` says what, and what to do.
 */
export function cannotBeTested(because: string): void {
  if (inCI()) throw new Error(because);
  const test = TestRunner.getCurrentTest()!;
  test.meta.because = because;
  test.context.skip(because);
}
