import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyMutation } from '../../.ci/mutation.js';
import { DEFENCES } from '../attacks/defences.js';
import { ALL_MUTANTS, allProofs, coveragePage, mutantIds, proofsIn, ROOT, rows, stateMachinePage } from './coverage.js';
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

  it('excuses only requirements that there are', () => {
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
  it('has not both a test and a mutant: then it is done', () => {
    const proved = rows().filter((row) => row.state !== 'done' && row.proofs.length > 0 && row.mutants.length > 0);
    expect(
      proved.map((row) => row.id),
      'take these out of NOT_DONE in requirements.ts',
    ).toEqual([]);
  });
});

describe('the names of tests', () => {
  it('name requirements that there are', () => {
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
  it.each(ALL_MUTANTS)('$id in $file: $search', (mutant) => {
    expect(mutantIds(mutant).filter((id) => !IDS.has(id))).toEqual([]);
    // Throws when the line is not there any more, or stands there twice.
    applyMutation(readFileSync(join(ROOT, mutant.file), 'utf8'), mutant);
    expect(mutant.search + mutant.replace, 'one line').not.toContain('\n');
    const proofs = proofsIn(mutant.test, readFileSync(join(ROOT, mutant.test), 'utf8'));
    const named = proofs.filter((p) => new RegExp(mutant.name).test(`${p.ids.join(', ')}: ${p.title}`));
    for (const id of mutantIds(mutant)) {
      expect(
        named.some((p) => p.ids.includes(id)),
        `a test of ${mutant.test} that ${mutant.name} finds names ${id}`,
      ).toBe(true);
    }
  });

  it('must change exactly one place', () => {
    const change = { file: 'f', search: 'a < b', replace: 'a <= b' };
    expect(applyMutation('if (a < b) c;', change)).toBe('if (a <= b) c;');
    expect(() => applyMutation('if (a > b) c;', change)).toThrow('0 times');
    expect(() => applyMutation('a < b; a < b;', change)).toThrow('2 times');
    expect(() => applyMutation('a < b', { ...change, replace: 'a < b' })).toThrow('changes nothing');
  });
});

describe('generated pages are what `npm run docs` would write', () => {
  it('docs/rfc-coverage.md', async () => {
    await expect(coveragePage()).toMatchFileSnapshot(join(ROOT, 'docs/rfc-coverage.md'));
  });

  it('docs/state-machine.md', async () => {
    await expect(stateMachinePage()).toMatchFileSnapshot(join(ROOT, 'docs/state-machine.md'));
  });
});
