/**
 * One line each that takes a rule away. `npm run mutants` applies them one at a time to what the tests see (the files stay as
 * they are), runs the named test, and expects it to fail: a test that passes all the same proves nothing.
 */
export interface Mutant {
  /** The requirement whose rule it breaks; the page docs/rfc-coverage.md links the two. */
  readonly id: string;
  readonly file: string;
  /** Stands in `file` exactly once... */
  readonly search: string;
  /** ...and becomes this. */
  readonly replace: string;
  /** The test that must fail: its file, and a regular expression for its full name. */
  readonly test: string;
  readonly name: string;
}

const m = (id: string, file: string, search: string, replace: string, test: string, name = `${id}\\b`): Mutant => ({
  id,
  file,
  search,
  replace,
  test,
  name,
});

const OPTIONS = 'test/requirements/options.test.ts';

export const MUTANTS: readonly Mutant[] = [
  m('MUST-6', 'src/wire/tcp.ts', '    o += length;', '    o += 1;', OPTIONS),
  m('MUST-7', 'src/wire/tcp.ts', 'if (length < 2 || o + length > end)', 'if (length < 2)', OPTIONS),
  m('MUST-64', 'src/wire/tcp.ts', '      o++;', '      o += 4;', OPTIONS),
];
