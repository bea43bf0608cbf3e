/** The types of `tcplab/core` need only ECMAScript's library, no types of Node or of a browser. */
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** The errors of tsc for `entry` and all its imports, without the types of any package. */
function complaints(entry: string): string[] {
  const program = ts.createProgram([join(ROOT, entry)], {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    types: [],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noEmit: true,
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      (d) => `${d.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(d.messageText, '\n')}`,
    );
}

it('core.ts and its imports compile without the types of Node', { timeout: 60_000 }, () => {
  expect(complaints('src/core.ts')).toEqual([]);
});

it('the check detects the types of Node in index.ts', { timeout: 60_000 }, () => {
  expect(complaints('src/index.ts').join('\n')).toContain("'node:net'");
});
