/**
 * Prints the last line of `npm test` if tests were skipped: what is not tested, which tools are
 * missing, and the command that installs them.
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { aptCommand, packagesOf, TOOLS } from '../test/tools/list.mjs';

export default class NotTested implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    // With `-t NAME` all other tests count as skipped too, but without a reason.
    const missed = skipped.filter(
      (test) => test.meta().lacks !== undefined || test.meta().because !== undefined,
    );
    for (const test of missed)
      console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}: ${why(test)}`);
    if (missed.length > 0) console.log(summary(missed));
  }
}

const why = (test: TestCase): string =>
  test.meta().because ?? `needs ${test.meta().lacks!.join(', ')}`;

function summary(missed: readonly TestCase[]): string {
  const lacks = new Set(missed.flatMap((test) => test.meta().lacks ?? []));
  const tools = Object.entries(TOOLS).filter(([name]) => lacks.has(name));
  const others = new Set(missed.flatMap((test) => test.meta().because ?? []));
  const parts = [
    ...others,
    ...tools.map(([name, { proves }]) => `${name} is missing (${proves})`),
    ...(tools.length > 0 ? [`install the missing tools: ${aptCommand(packagesOf(lacks))}`] : []),
  ];
  return `${missed.length} tests were skipped: ${parts.join('; ')}`;
}
