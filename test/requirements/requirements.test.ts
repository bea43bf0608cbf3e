import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyMutation } from '../../.ci/mutation.js';
import { DEFENCES } from '../attacks/defences.js';
import {
  ALL_MUTANTS,
  allProofs,
  coveragePage,
  mutantIds,
  proofsIn,
  ROOT,
  rows,
  stateMachinePage,
} from './coverage.js';
import { locate, sourceOf } from './locate.mjs';
import { inside, m } from './mutants.js';
import { NOT_DONE, REQUIREMENTS } from './requirements.js';

const IDS = new Set([...REQUIREMENTS, ...DEFENCES].map(([id]) => id));

describe('the list of requirements', () => {
  it('has each of the 119 once', () => {
    const expected: string[] = [];
    for (const [prefix, count] of [
      ['MUST', 69],
      ['SHLD', 31],
      ['MAY', 18],
      ['REC', 1],
    ] as const) {
      for (let n = 1; n <= count; n++) expected.push(`${prefix}-${n}`);
    }
    expect(REQUIREMENTS.map(([id]) => id)).toEqual(expected);
  });

  it('NOT_DONE has only requirements of the list', () => {
    expect(Object.keys(NOT_DONE).filter((id) => !IDS.has(id))).toEqual([]);
  });
});

describe('a requirement that is done', () => {
  it.each([...rows(), ...rows(allProofs(), DEFENCES)].filter((row) => row.state === 'done'))(
    '$id has a test that names it, and a mutant',
    (row) => {
      expect(row.proofs.length, `no test is called "${row.id}: ..."`).toBeGreaterThan(0);
      expect(row.mutants.length, `mutants.ts has no mutant for ${row.id}`).toBeGreaterThan(0);
    },
  );
});

describe('a requirement that is not done', () => {
  it('does not have both a test and a mutant, because then it is done', () => {
    const proved = rows().filter(
      (row) => row.state !== 'done' && row.proofs.length > 0 && row.mutants.length > 0,
    );
    expect(
      proved.map((row) => row.id),
      'take these out of NOT_DONE in requirements.ts',
    ).toEqual([]);
  });
});

describe('the names of tests', () => {
  it('name only requirements of the list', () => {
    const unknown = allProofs().filter((proof) => proof.ids.some((id) => !IDS.has(id)));
    expect(unknown).toEqual([]);
  });

  it('are read from any call but describe, from strings and templates', () => {
    const source = [
      "describe('MUST-1: not a test', () => {",
      "  it('MUST-2: one', () => {});",
      "  test.each([1])('SHLD-3, MAY-4: two of %i', () => {});",
      '  scenario(`REC-1: made of ${parts} and more`, () => {});',
      "  it('like MUST-5: not at the start', () => {});",
      "  it('MUST-6 without a colon', () => {});",
      '});',
    ].join('\n');
    expect(proofsIn('f', source).map(({ ids, title }) => [...ids, title])).toEqual([
      ['MUST-2', 'one'],
      ['SHLD-3', 'MAY-4', 'two of %i'],
      ['REC-1', 'made of … and more'],
    ]);
  });
});

describe('mutants', () => {
  it.each(ALL_MUTANTS)('$id: $code', (mutant) => {
    expect(mutantIds(mutant).filter((id) => !IDS.has(id))).toEqual([]);
    locate(mutant);
    const proofs = proofsIn(mutant.test, readFileSync(join(ROOT, mutant.test), 'utf8'));
    const named = proofs.filter((p) =>
      new RegExp(mutant.name).test(`${p.ids.join(', ')}: ${p.title}`),
    );
    for (const id of mutantIds(mutant)) {
      expect(
        named.some((p) => p.ids.includes(id)),
        `a test of ${mutant.test} that ${mutant.name} finds names ${id}`,
      ).toBe(true);
    }
  });
});

describe("a mutant's code", () => {
  const first = `
class Window {
  edge = 0;

  /** The edge never goes back. */
  move(
    by: number,
  ): void {
    if (by < 0) // it would
      return;
    this.edge = Math.max(
      this.edge,
      this.edge + by,
    );
  }
}
const LIMIT = 'a // b';
`;
  const second =
    'export function grow(by: number): void { if (by < 0) return; }\nconst OTHER = "a // b";\n';
  const sources = [sourceOf('src/first.ts', first), sourceOf('src/second.ts', second)];
  const found = (
    code: string,
    name?: string,
    becomes = '',
  ): { file: string; place: string; text: string } => {
    const mutant = m(
      'MUST-1',
      name === undefined ? code : inside(name, code),
      becomes,
      'test/a.test.ts',
    );
    const { file, place, start, end } = locate(mutant, sources);
    return { file, place, text: (file === 'src/first.ts' ? first : second).slice(start, end) };
  };

  it('is found in any file and with any line breaks', () => {
    expect(found('Math.max(this.edge, this.edge + by);')).toEqual({
      file: 'src/first.ts',
      place: 'Window.move',
      text: 'Math.max(\n      this.edge,\n      this.edge + by,\n    );',
    });
    expect(found('edge = 0')).toMatchObject({ place: 'Window.edge' });
  });

  it('may name the function, the class, or both', () => {
    const code = 'if (by < 0) return;';
    expect(found(code, 'grow')).toMatchObject({ file: 'src/second.ts', place: 'grow' });
    for (const name of ['move', 'Window', 'Window.move']) {
      expect(found(code, name)).toMatchObject({
        file: 'src/first.ts',
        text: 'if (by < 0) // it would\n      return;',
      });
    }
  });

  it('matches whole words and strings, not comments', () => {
    expect(found("= 'a // b'")).toMatchObject({ place: 'LIMIT' });
    expect(() => found('dge = 0')).toThrow('src does not have');
    expect(() => found('never goes back')).toThrow('src does not have');
  });

  it('must change exactly one place; the error says what to do', () => {
    expect(() => found('if (by > 0) return;')).toThrow(
      /src does not have .* MUST-1: if \(by > 0\) return;\n.*reworded/,
    );
    expect(() => found('if (by < 0) return;')).toThrow(
      new RegExp(
        '2 times .*\\nIt is in Window.move \\(src/first.ts\\), grow \\(src/second.ts\\)\\. ' +
          'Quote more of it, or name one',
      ),
    );
    expect(() => found('if (by < 0) return;', 'shrink')).toThrow(
      /^shrink does not have .*\n.*correct the name/,
    );
    expect(() => found('edge = 0', undefined, 'edge  =  0')).toThrow('changes nothing');
  });

  it('is replaced, and the rest stays', () => {
    expect(applyMutation('if (a < b) c;', { file: 'f', start: 6, end: 7, becomes: '>=' })).toBe(
      'if (a >= b) c;',
    );
  });
});

describe('generated pages are up to date with `npm run docs`', () => {
  it('docs/rfc-coverage.md', async () => {
    await expect(coveragePage()).toMatchFileSnapshot(join(ROOT, 'docs/rfc-coverage.md'));
  });

  it('docs/state-machine.md', async () => {
    await expect(stateMachinePage()).toMatchFileSnapshot(join(ROOT, 'docs/state-machine.md'));
  });
});
