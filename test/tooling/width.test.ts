import { describe, expect, it } from 'vitest';
import { tooLong, WIDTH } from '../../.ci/width.mjs';

const LONG = 'x'.repeat(WIDTH + 1);

describe('npm run check:width', () => {
  it.each([
    ['a.ts', 'x'.repeat(WIDTH), []],
    ['a.ts', `${'─'.repeat(WIDTH)}\n${LONG}\n// ${LONG}`, [2, 3]],
    ['a.ts', `// see https://example.org/${LONG}`, []],
    ['a.ts', `// https://example.org ${LONG}`, [1]],
    ['a.ts', `| ${LONG} |`, [1]],
    ['a.md', `| ${LONG} |`, []],
    ['a.md', `\`\`\`\n${LONG}\n\`\`\`\n${LONG}`, [4]],
    ['test/a.test.ts', `it('${LONG}', () => {`, []],
    ['test/a.test.ts', `  it.each([['a', 1]])("it's ${LONG}", async (a) => {`, []],
    ['test/a.test.ts', `it.each([\n])(\n  '${LONG}',\n  () => {\n])('${LONG}', () => {`, []],
    ['test/a.test.ts', `it('a', () => expect('${LONG}'));`, [1]],
    ['test/a.test.ts', `const a = [\n  '${LONG}',\n];`, [2]],
    ['test/a.test.ts', `it('a', () => { // ${LONG}`, [1]],
    ['src/a.ts', `it('${LONG}', () => {`, [1]],
    ['test/a.test.ts', `x.toMatchInlineSnapshot(`, []],
    [
      'test/a.test.ts',
      `x.toMatchInlineSnapshot(\`\n${LONG} \\\` b\n${LONG}\n\`);\n${LONG}\nf(\`\n${LONG}\n\`);`,
      [5, 7],
    ],
    ['test/a.test.ts', `x.toMatchInlineSnapshot(\`a\`);\n${LONG}`, [2]],
    [
      'test/a.test.ts',
      `x.toMatchInlineSnapshot(\`\n${LONG} \\\` b\n${LONG}\n\`);\n${LONG}\nf(\`\n${LONG}\n\`);`,
      [5, 7],
    ],
    ['test/a.test.ts', `x.toMatchInlineSnapshot(\`a\`);\n${LONG}`, [2]],
  ])('of %s, %j: %j', (file, text, expected) => {
    expect(tooLong(file, text)).toEqual(expected);
  });
});
